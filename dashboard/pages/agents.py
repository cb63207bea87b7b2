"""`/agents/` and `/agents/{name}/`: what each agent does, costs and suffers from, and how that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from dashboard import figures_as_text
from dashboard.api.agent_health import KNOWN_FOR
from dashboard.figures import over_time, spread
from dashboard.figures.chart import Chart, Series
from dashboard.pages import overview, series
from dashboard.pages.access import page
from dashboard.pages.time_range import TimeRange, time_range
from dashboard.visible_text import visible
from tracestore.clickhouse.aggregates import agents, judged, spend, tools, totals, worst_runs
from tracestore.clickhouse.aggregates.agents import Version
from tracestore.clickhouse.aggregates.totals import Totals
from tracestore.clickhouse.concurrently import at_once
from tracestore.clickhouse.detecting import health as detected_health

#: Versions that get a series of their own; older ones are in the table.
VERSIONS: Final = 4


@page
def agent_list(request: HttpRequest, project: str) -> HttpResponse:
    chosen = time_range(request, project)
    rows, health, before, spent = at_once(
        lambda: agents.agents(chosen.period),
        lambda: judged.latest_health(project),
        lambda: agents.agents(chosen.period.before()) if chosen.compared else [],
        lambda: series.spend_by(chosen, "agent", spend.spend(chosen.period, "agent"), title="Spend by agent"),
    )
    context: dict[str, Any] = {
        "range": chosen,
        "agents": overview.ranked(rows, before, health),
        "chart": spent,
    }
    return render(request, "dashboard/agents/list.html", context)


@page
def agent(request: HttpRequest, project: str, name: str) -> HttpResponse:
    chosen = time_range(request, project)
    period, grid = chosen.period, chosen.grid
    earlier = period.before() if chosen.compared else None
    (
        figures,
        now,
        found,
        before,
        versions,
        health,
        changes,
        models,
        used,
        paths,
        errors,
        findings,
        dear,
        slow,
        faulty,
        retrieval,
    ) = at_once(
        lambda: agents.agent(period, name),
        lambda: totals.totals(period, agent=name),
        lambda: totals.over_time(period, grid, agent=name),
        lambda: totals.totals(earlier, agent=name) if earlier else Totals(),
        lambda: agents.versions(period, name),
        lambda: detected_health.latest(project, timezone.now() - KNOWN_FOR, name),
        lambda: judged.health_over_time(period, name),
        lambda: spend.spend(period, "model", agent=name),
        lambda: tools.tools(period, agent=name),
        lambda: agents.paths(period, name),
        lambda: tools.errors(period, agent=name, limit=10),
        lambda: judged.findings(period, agent=name),
        lambda: worst_runs.worst_runs(period, "cost", agent=name, limit=5),
        lambda: worst_runs.worst_runs(period, "duration", agent=name, limit=5),
        lambda: worst_runs.worst_runs(period, "errors", agent=name, limit=5),
        lambda: judged.retrieval(period, name),
    )
    context: dict[str, Any] = {
        "range": chosen,
        "name": name,
        "agent": figures,
        "figures": overview.figures(now, before if before.traces else None),
        "health": next((one for one in health if not one.agent_version), None),
        "health_changes": changes,
        "versions": [
            (one, next((it for it in health if it.agent_version == one.version != ""), None)) for one in versions
        ],
        "models": models,
        "tools": used,
        "paths": paths,
        "errors": errors,
        "retrieval": retrieval,
        "findings": findings,
        "worst": [("The dearest", dear), ("The slowest", slow), ("With the most errors", faulty)],
        "charts": [
            series.runs(found, grid, agent=name),
            series.latency(found, grid, agent=name),
            *by_version(chosen, name, versions),
            series.steps(found, grid, agent=name),
            *spreads(chosen, name),
        ],
    }
    return render(request, "dashboard/agents/agent.html", context)


def by_version(chosen: TimeRange, name: str, versions: Sequence[Version]) -> list[Chart]:
    """Cost and errors of a trace, a line for each of the latest versions."""
    grid = chosen.grid
    shown = [version.version for version in versions[:VERSIONS]]
    cost: dict[str, list[float | None]] = {version: [None] * grid.places for version in shown}
    errors: dict[str, list[float | None]] = {version: [None] * grid.places for version in shown}
    for one in agents.versions_over_time(chosen.period, name, grid):
        if one.version in cost:
            errors[one.version][one.place] = one.errors / one.traces
            if one.cost_usd is not None:
                cost[one.version][one.place] = one.cost_usd / one.traces
    links = series.places(grid, agent=name)
    return [
        over_time.lines(
            "cost-by-version", "Cost of a trace, by version", grid.starts(),
            [Series(visible(version, limit=16) or "no version", cost[version]) for version in shown],
            series.DOLLARS, hrefs=links, note="mean",
        ),
        over_time.lines(
            "errors-by-version", "Errors of a trace, by version", grid.starts(),
            [Series(visible(version, limit=16) or "no version", errors[version]) for version in shown],
            series.MEAN, hrefs=links, note="mean",
        ),
    ]  # fmt: skip


def spreads(chosen: TimeRange, name: str) -> list[Chart]:
    found = agents.spread(chosen.period, name)
    return [
        spread.bars("spread-steps", "Steps of a trace", found["steps"], str, measure="Steps", note="traces by number"),
        spread.bars(
            "spread-tokens", "Tokens of a trace", found["tokens"],
            lambda place: figures_as_text.tokens(round(float(f"{10 ** (place / 4):.2g}"))) if place >= 0 else "none",
            measure="Tokens, from", note="traces by size",
        ),
        spread.bars(
            "spread-cost", "Cost of a trace", found["cost"],
            lambda place: figures_as_text.cost(float(f"{10 ** (place / 4) / 1e6:.2g}")) if place >= 0 else "none known",
            measure="Cost, from", note="traces by size",
        ),
    ]  # fmt: skip
