"""What the charts of several pages share: units, links from a place of a series to its list, spend by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from dashboard import figures_as_text
from dashboard.figures import over_time
from dashboard.figures.chart import Chart, Series, Unit
from dashboard.pages.time_range import TimeRange
from dashboard.visible_text import visible
from tracestore.clickhouse.aggregates import spend as spending
from tracestore.clickhouse.aggregates.period import Grid
from tracestore.clickhouse.aggregates.spend import Spend
from tracestore.clickhouse.aggregates.totals import Totals

COUNT: Final = Unit(lambda value: f"{value:,.0f}", whole=True)
MEAN: Final = Unit(lambda value: f"{value:,.1f}")
SECONDS: Final = Unit(lambda value: figures_as_text.duration(round(value * 1e9)), suffix=" s")
DOLLARS: Final = Unit(figures_as_text.cost, prefix="$")
SHARE: Final = Unit(lambda value: f"{value:.1f} %", suffix=" %")

#: Names of a stacked chart; all others are one part, "other".
NAMED: Final = 6


def places(grid: Grid, **filters: str) -> list[str]:
    """For each place of the grid the list of traces that began in it."""
    base = reverse("traces")
    return [
        f"{base}?{urlencode({**filters, 'since': start.isoformat(), 'until': end.isoformat()})}"
        for start, end in zip(grid.starts(), grid.ends(), strict=True)
    ]


def runs(found: Sequence[Totals], grid: Grid, **filters: str) -> Chart:
    return over_time.stacked(
        "runs",
        "Traces",
        grid.starts(),
        [
            Series("ok", [one.traces - one.failed for one in found]),
            Series("failed", [one.failed for one in found], wrong=True),
        ],
        COUNT,
        hrefs=places(grid, **filters),
    )


def latency(found: Sequence[Totals], grid: Grid, **filters: str) -> Chart:
    def seconds(name: str) -> list[float | None]:
        return [getattr(one, name) / 1e9 if one.traces else None for one in found]

    return over_time.lines(
        "latency",
        "Duration of traces",
        grid.starts(),
        [Series("p50", seconds("p50_ns")), Series("p95", seconds("p95_ns")), Series("p99", seconds("p99_ns"))],
        SECONDS,
        hrefs=places(grid, **filters),
    )


def steps(found: Sequence[Totals], grid: Grid, **filters: str) -> Chart:
    return over_time.lines(
        "steps",
        "Steps of a trace",
        grid.starts(),
        [Series("mean", [one.steps for one in found])],
        MEAN,
        hrefs=places(grid, **filters),
        note="model calls, mean",
    )


def errors(found: Sequence[Totals], grid: Grid, **filters: str) -> Chart:
    """Errors where they happened, also those that a trace recovered from."""
    return over_time.stacked(
        "errors",
        "Errors inside traces",
        grid.starts(),
        [Series("errors", [one.errors for one in found], wrong=True)],
        COUNT,
        hrefs=places(grid, **filters),
        note="recovered ones too",
    )


def spend_by(chosen: TimeRange, by: str, rows: Sequence[Spend], *, title: str) -> Chart:
    """What the dearest names cost over time, and all others together."""
    grid = chosen.grid
    names = [row.name for row in rows[:NAMED] if row.cost_usd]
    costs = spending.over_time(chosen.period, by, grid, names)
    parts = [Series(visible(name, limit=40) or f"no {by}", costs[name]) for name in names]
    if any(costs[None]):
        parts.append(Series("other", costs[None], other=True))
    return over_time.stacked(f"spend-{by}", title, grid.starts(), parts, DOLLARS, hrefs=places(grid))
