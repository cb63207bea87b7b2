"""How a figure changed against the equally long time before, and whether that is for the worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse.aggregates.agents import AgentFigures
from tracestore.clickhouse.aggregates.tools import ErrorKind

#: Changes below this are noise on any fleet; told are those above.
NOTABLE: Final = 0.25
#: Fewer traces than this say nothing about a share or a quantile.
ENOUGH: Final = 10


@dataclass(frozen=True, slots=True)
class Change:
    """`words` such as `+12 %`; `sense` is `worse`, `better` or '' for what is neither."""

    words: str
    sense: str
    before: float


def change(now: float | None, before: float | None, *, good: str = "") -> Change | None:
    """The relative change; None where there is nothing to compare. `good` is `more`, `less` or '' (neither)."""
    if now is None or before is None:
        return None
    if not before:
        return Change("new", "worse" if good == "less" else "", 0.0) if now else None
    ratio = now / before - 1
    sense = "" if not good or abs(ratio) < 0.05 else "better" if (ratio > 0) == (good == "more") else "worse"
    return Change(relative(ratio), sense, before)


def relative(ratio: float) -> str:
    """`+12 %`, `−8 %`, `× 3.4`; `± 0 %` for next to nothing."""
    if ratio >= 1.5:
        return f"× {ratio + 1:,.0f}" if ratio >= 9 else f"× {ratio + 1:.1f}"
    rounded = round(ratio * 100)
    return f"+{rounded} %" if rounded > 0 else f"−{-rounded} %" if rounded < 0 else "± 0 %"


@dataclass(frozen=True, slots=True)
class Novelty:
    """One sentence of "what changed": about an agent (`agent`), with the trace that shows it if there is one."""

    weight: float
    agent: str
    words: str
    sense: str
    trace_id: str = ""
    span_id: str = ""


def what_changed(
    now: Sequence[AgentFigures],
    before: Sequence[AgentFigures],
    errors_now: Sequence[ErrorKind],
    errors_before: Sequence[ErrorKind],
) -> list[Novelty]:
    """The weightiest first: agents new or gone, new versions and kinds of error, cost, duration, errors, steps."""
    known = {agent.agent: agent for agent in before}
    found: list[Novelty] = []
    for agent in now:
        earlier = known.pop(agent.agent, None)
        if earlier is None or not earlier.traces:
            if before:
                found.append(Novelty(2, agent.agent, f"is new, with {agent.traces:,} traces", ""))
            continue
        found += of_agent(agent, earlier)
    found += [
        Novelty(2, gone.agent, f"did nothing; it had {gone.traces:,} traces before", "worse")
        for gone in known.values()
        if gone.traces >= ENOUGH
    ]
    seen = {(kind.template, kind.error_type) for kind in errors_before}
    found += [
        Novelty(
            1 + kind.occurrences / 10,
            "",
            f"New error, {'once' if kind.occurrences == 1 else f'{kind.occurrences:,} times'}: {kind.template}",
            "worse",
            kind.trace_id,
            kind.span_id,
        )
        for kind in errors_now
        if before and (kind.template, kind.error_type) not in seen
    ]
    return sorted(found, key=lambda one: -one.weight)


def of_agent(now: AgentFigures, before: AgentFigures) -> list[Novelty]:
    found = []
    for version in now.versions:
        if before.versions and version not in before.versions:
            found.append(Novelty(1.5, now.agent, f"runs version {version}, before {', '.join(before.versions)}", ""))
    if min(now.traces, before.traces) < ENOUGH:
        return found
    measures = (
        ("costs", "a trace", (now.cost_usd or 0) / now.traces, (before.cost_usd or 0) / before.traces, True),
        ("takes", "at p95", now.p95_ns, before.p95_ns, True),
        ("has", "errors a trace", now.errors / now.traces, before.errors / before.traces, True),
        ("makes", "steps a trace", now.llm_calls / now.traces, before.llm_calls / before.traces, False),
        ("has", "traces", now.traces, before.traces, False),
    )
    for verb, what, value, earlier, wrong in measures:
        if not earlier or not value:
            continue
        ratio = value / earlier - 1
        if abs(ratio) >= NOTABLE:
            sense = ("worse" if ratio > 0 else "better") if wrong else ""
            weight = max(ratio, 1 / (ratio + 1) - 1) * (1.0 if wrong else 0.4)
            found.append(Novelty(weight, now.agent, f"{verb} {relative(ratio)} {what}", sense))
    return found
