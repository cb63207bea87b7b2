"""The dearest, slowest and most faulty traces of a period, and what made each of them so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Period
from tracestore.errors import InvalidInput

#: By what a trace can be bad → the column of its summary.
BY: Final = {"cost": "cost_usd", "duration": "duration_ns", "errors": "errors"}


@dataclass(slots=True)
class Why:
    """What stands out in a trace. Contexts are the input tokens of its first and its largest model call.

    `dearest_model` made `dearest_model_cost` of the cost; `dearest_span` is the dearest single call.
    `repeated_tool` was called `repeats` times, with `distinct` different inputs.
    """

    dearest_model: str = ""
    dearest_model_calls: int = 0
    dearest_model_cost: float | None = None
    dearest_span: str = ""
    dearest_span_cost: float | None = None
    first_context: int = 0
    largest_context: int = 0
    repeated_tool: str = ""
    repeats: int = 0
    distinct: int = 0


@dataclass(slots=True)
class WorstRun:
    """One trace. `typical_cost_usd` and `typical_duration_ns` are the medians of the traces of the same agent."""

    trace_id: str
    name: str
    agent: str
    start_ns: int
    duration_ns: int
    llm_calls: int
    tool_calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    status: str
    input_preview: str
    typical_cost_usd: float | None
    typical_duration_ns: int
    traces_of_agent: int
    why: Why = field(default_factory=Why)

    @property
    def times_cost(self) -> float | None:
        """How many times the median cost it had; None when that is unknown, or too few ran to tell."""
        if not self.typical_cost_usd or self.cost_usd is None or self.traces_of_agent < 5:
            return None
        return self.cost_usd / self.typical_cost_usd


def worst_runs(period: Period, by: str, *, agent: str = "", limit: int = 10) -> list[WorstRun]:
    """Worst first; traces that have nothing of it are left out.

    Raises:
        InvalidInput: `by` is none of `BY`.
        Unavailable: the store does not answer.
    """
    if by not in BY:
        raise InvalidInput(f"by={by[:100]!r} is not known: expected one of {', '.join(BY)}.", field="by")
    asked = {**period.parameters, "by": BY[by], "agent": agent, "limit": limit}
    runs = [WorstRun(*row) for row in client.run(queries.load("worst_runs"), asked).result_rows]
    if runs:
        chosen = {**period.parameters, "traces": [run.trace_id for run in runs]}
        reasons = client.run(queries.load("worst_runs_why"), chosen).result_rows
        known = {trace_id: Why(*row) for trace_id, *row in reasons}
        for run in runs:
            run.why = known.get(run.trace_id, Why())
    return runs
