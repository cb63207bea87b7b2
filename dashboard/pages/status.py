"""`/status/`: whether the installation is well, and what to do where it is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import figures_as_text
from dashboard.figures import over_time
from dashboard.figures.chart import Chart, Series, Unit
from dashboard.pages.access import may_administer, page
from tracestore.clickhouse import store_status
from tracestore.clickhouse.store_status import Rate
from tracestore.status import reading
from tracestore.status.item import Item

PER_SECOND: Final = Unit(lambda value: f"{value:,.1f} spans/s")


@page
def status_page(request: HttpRequest, project: str) -> HttpResponse:
    found = reading.status(project, whole=may_administer(request, project))
    items = [item for section in found.sections for item in section.items]
    context = {
        "status": found,
        "sections": [(section, [(item, figure(item)) for item in section.items]) for section in found.sections],
        "wrong": [item for item in items if item.level in ("warn", "bad")],
        "chart": None if found.rate is None else chart(found.rate, found.at),
        "used": sum(table.bytes for table in found.tables or ()),
    }
    fragment = request.headers.get("HX-Request")
    return render(request, f"dashboard/status/{'live' if fragment else 'status'}.html", context)


def figure(item: Item) -> str:
    """The figure in words."""
    if item.text:
        return item.text
    if item.figure is None:
        return "–"
    if item.unit == "seconds":
        return figures_as_text.duration(round(item.figure * 1e9)) if item.figure else "none"
    if item.unit == "bytes":
        return figures_as_text.size(round(item.figure))
    if item.unit == "days":
        return f"{item.figure:,.0f} day{'' if item.figure == 1 else 's'}"
    if item.unit == "spans/s":
        return f"{item.figure:,.{0 if item.figure >= 100 else 1}f} spans/s"
    return f"{item.figure:,.0f}"


def chart(rate: Rate, at: datetime) -> Chart:
    last = int(at.timestamp()) // 60 * 60
    # The minute that is running would look like a fall.
    minutes = range(last - (store_status.MINUTES - 1) * 60, last, 60)
    starts = [datetime.fromtimestamp(minute, UTC) for minute in minutes]
    values = [rate.minutes.get(minute, 0) / 60 for minute in minutes]
    return over_time.lines(
        "ingest-rate", "Spans a second", starts, [Series("spans/s", values)], PER_SECOND, note="this project, last hour"
    )
