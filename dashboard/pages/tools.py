"""`/tools/` and `/tools/{name}/`: what is called how often, how long it takes, who calls it and how it fails."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.figures import over_time
from dashboard.figures.chart import Series
from dashboard.pages import series
from dashboard.pages.access import page
from dashboard.pages.comparison import change
from dashboard.pages.time_range import time_range
from tracestore.clickhouse.aggregates import tools
from tracestore.clickhouse.concurrently import at_once

#: Tools of the list at most; SQL and the API have all.
SHOWN = 500


@page
def tool_list(request: HttpRequest, project: str) -> HttpResponse:
    chosen = time_range(request, project)
    rows, errors = at_once(
        lambda: tools.tools(chosen.period, limit=SHOWN + 1), lambda: tools.errors(chosen.period, limit=10)
    )
    context = {"range": chosen, "tools": rows[:SHOWN], "more": len(rows) > SHOWN, "errors": errors}
    return render(request, "dashboard/tools/list.html", context)


@page
def tool(request: HttpRequest, project: str, name: str) -> HttpResponse:
    chosen = time_range(request, project)
    period, grid = chosen.period, chosen.grid
    figures, found, callers, errors, before = at_once(
        lambda: tools.tool(period, name),
        lambda: tools.over_time(period, name, grid),
        lambda: tools.callers(period, name),
        lambda: tools.errors(period, tool=name),
        lambda: tools.tool(period.before(), name) if chosen.compared else None,
    )
    links = series.places(grid, tool=name)

    def seconds(field: str) -> list[float | None]:
        return [getattr(one, field) / 1e9 if one.calls else None for one in found]

    earlier = before if before and before.calls else None
    context: dict[str, Any] = {
        "range": chosen,
        "name": name,
        "tool": figures,
        "callers": callers,
        "errors": errors,
        "changes": {
            "calls": change(figures.calls, earlier.calls) if earlier else None,
            "errors": change(figures.errors, earlier.errors, good="less") if earlier else None,
            "p95": change(figures.p95_ns, earlier.p95_ns, good="less") if earlier else None,
        },
        "charts": [
            over_time.stacked(
                "calls", "Calls", grid.starts(),
                [
                    Series("ok", [one.calls - one.errors for one in found]),
                    Series("failed", [one.errors for one in found], wrong=True),
                ],
                series.COUNT, hrefs=links,
            ),
            over_time.lines(
                "latency", "Duration of a call", grid.starts(),
                [Series("p50", seconds("p50_ns")), Series("p95", seconds("p95_ns")), Series("p99", seconds("p99_ns"))],
                series.SECONDS, hrefs=links,
            ),
            over_time.lines(
                "error-rate", "Share of calls that fail", grid.starts(),
                [Series("failed", [one.errors / one.calls * 100 if one.calls else None for one in found], wrong=True)],
                series.SHARE, hrefs=links,
            ),
        ],
    }  # fmt: skip
    return render(request, "dashboard/tools/tool.html", context)
