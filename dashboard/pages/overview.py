"""`/`: the state of everything in one screen, and what changed since the time before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.pages import comparison, series, traces
from dashboard.pages.access import page
from dashboard.pages.comparison import Change, change
from dashboard.pages.incidents import urgent
from dashboard.pages.time_range import time_range
from tracestore.clickhouse.aggregates import agents, judged, spend, tools, totals, worst_runs
from tracestore.clickhouse.aggregates.agents import AgentFigures
from tracestore.clickhouse.aggregates.judged import Health
from tracestore.clickhouse.aggregates.totals import Totals
from tracestore.clickhouse.concurrently import at_once

#: Sentences of "what changed", and kinds of error that are compared for it.
CHANGES: Final = 8
KINDS: Final = 200
#: Open incidents on top.
INCIDENTS: Final = 5

#: The order of health: what needs somebody first.
STATES: Final = ("critical", "degraded", "suspect", "unknown", "healthy")


@dataclass(slots=True)
class AgentRow:
    figures: AgentFigures
    health: Health | None
    cost: Change | None

    @property
    def state(self) -> str:
        return self.health.state if self.health and self.health.state in STATES else "unknown"


@page
def overview(request: HttpRequest, project: str) -> HttpResponse:
    chosen = time_range(request, project)
    period, grid = chosen.period, chosen.grid
    earlier = period.before() if chosen.compared else None
    now, found, rows, dear, kinds, health, detectors, spent, before, rows_before, kinds_before = at_once(
        lambda: totals.totals(period),
        lambda: totals.over_time(period, grid),
        lambda: agents.agents(period),
        lambda: worst_runs.worst_runs(period, "cost"),
        lambda: tools.errors(period, limit=KINDS),
        lambda: judged.latest_health(project),
        lambda: judged.by_detector(period),
        lambda: series.spend_by(chosen, "agent", spend.spend(period, "agent"), title="Spend by agent"),
        lambda: totals.totals(earlier) if earlier else Totals(),
        lambda: agents.agents(earlier) if earlier else [],
        lambda: tools.errors(earlier, limit=KINDS) if earlier else [],
    )
    context: dict[str, Any] = {"range": chosen, "incidents": urgent(project, INCIDENTS)}
    if not now.traces and traces.is_empty(project):
        return render(
            request, "dashboard/overview.html", context | {"first_steps": traces.first_steps(request, project)}
        )
    context |= {
        "figures": figures(now, before if before.traces else None),
        "agents": ranked(rows, rows_before, health),
        "changes": comparison.what_changed(rows, rows_before, kinds, kinds_before)[:CHANGES],
        "before": before,
        "comparable": before.traces >= comparison.ENOUGH,
        "errors": kinds[:6],
        "detectors": detectors,
        "dear": dear,
        "charts": [
            series.runs(found, grid),
            spent,
            series.latency(found, grid),
            series.errors(found, grid),
            series.steps(found, grid),
        ],
    }
    return render(request, "dashboard/overview.html", context)


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the figures on top: how it is written is the template's business, by `kind`."""

    name: str
    kind: str
    value: float | None
    change: Change | None
    filters: tuple[tuple[str, str], ...] = ()
    note: str = ""


def figures(now: Totals, before: Totals | None) -> list[Figure]:
    def one(name: str, kind: str, field: str, good: str = "", **more: Any) -> Figure:
        value = getattr(now, field)
        return Figure(name, kind, value, change(value, getattr(before, field), good=good) if before else None, **more)

    unpriced = f"+ {now.unpriced_calls:,} calls of unknown price" if now.unpriced_calls else ""
    failed = f"{now.failed / now.traces:.1%} of traces" if now.traces else ""
    return [
        one("Traces", "count", "traces"),
        one("Failed", "count", "failed", "less", filters=(("status", "error"),), note=failed),
        one("Errors", "count", "errors", "less", note="inside traces"),
        one("Spend", "cost", "cost_usd", note=unpriced),
        one("Duration p50", "duration", "p50_ns", "less"),
        one("Duration p95", "duration", "p95_ns", "less"),
        one("Steps a trace", "mean", "steps"),
        one("Tokens", "tokens", "tokens"),
    ]


def ranked(rows: list[AgentFigures], before: list[AgentFigures], health: dict[str, Health]) -> list[AgentRow]:
    """The agents that need somebody first, then by cost."""
    costs = {row.agent: row.cost_usd for row in before}
    found = [AgentRow(row, health.get(row.agent), change(row.cost_usd, costs.get(row.agent))) for row in rows]
    return sorted(found, key=lambda row: (STATES.index(row.state), -(row.figures.cost_usd or 0), row.figures.agent))
