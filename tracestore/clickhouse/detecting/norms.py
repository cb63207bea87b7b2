"""What is usual for each agent's finished runs and each tool's calls, of the last weeks (`Norms`)."""

from __future__ import annotations

from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.detectors.detector import Norms, Usual

#: Days of runs, and hours of spans, that say what is usual.
RUN_DAYS: Final = 28
SPAN_HOURS: Final = 48

_RUN_FIELDS: Final = (
    "runs", "steps_p75", "steps_p95", "steps_iqr", "tokens_p75", "tokens_p95", "tokens_iqr", "cost_p75", "cost_p95",
    "cost_iqr", "seconds_p75", "seconds_p95", "seconds_iqr",
)  # fmt: skip


def norms(project: str) -> Norms:
    """The norms of a project as its runs are now. Costs a read of the summaries and of two days of spans.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {"project": project, "days": RUN_DAYS, "hours": SPAN_HOURS}
    runs = {agent: dict(zip(_RUN_FIELDS, row, strict=True)) for agent, *row in _ask("norms_runs", asked)}
    gaps = dict(_ask("norms_gaps", asked))
    inputs = dict(_ask("norms_inputs", asked))
    agents = {
        agent: Usual(**found, gap_p99=gaps.get(agent, 0.0), input_tokens_p99=inputs.get(agent, 0.0))
        for agent, found in runs.items()
        if agent
    }
    # The row of '' is of all agents together (WITH TOTALS would come in another shape).
    fleet = Usual(**runs.get("", {}))
    tools = {
        tool: Usual(runs=calls, seconds_p75=p75, seconds_p95=p95, seconds_iqr=iqr, gap_p99=p99)
        for tool, calls, p75, p95, iqr, p99 in _ask("norms_tools", asked)
    }
    return Norms(agents, tools, fleet)


def _ask(name: str, asked: dict[str, Any]) -> list[Any]:
    rows: list[Any] = client.run(queries.load(name), asked).result_rows
    return rows
