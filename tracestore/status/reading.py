"""Gathers the status: what every member may see of a project, and of the whole what owners and admins may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from tracestore import retention, versions
from tracestore.alerts.models import Channel, Notification
from tracestore.clickhouse import migrations, store_status
from tracestore.clickhouse.detecting import looking
from tracestore.clickhouse.store_status import Growth, Rate, Table
from tracestore.errors import TracestoreError
from tracestore.models import DetectorRun, Project
from tracestore.moments import nanoseconds
from tracestore.status import ingest_figures, jobs, judging
from tracestore.status.forecast import Forecast, Stream, forecast
from tracestore.status.item import Item, Level, Section, worst

DAY_S: Final = 86_400.0
#: Shares of the disk are read this often at most: they ask about every span.
REMEMBER_S: Final = 60.0

_lock = threading.Lock()
_remembered: dict[str, tuple[float, Any]] = {}


@dataclass(slots=True)
class Status:
    """`minutes` and `tables` are None where the store does not answer, `tables` also where they may not be seen."""

    at: datetime
    whole: bool
    sections: list[Section] = field(default_factory=list)
    rate: Rate | None = None
    tables: list[Table] | None = None
    #: Why the store could not be asked. After the first failure it is not asked again: each could take its patience.
    away: TracestoreError | None = None

    @property
    def level(self) -> Level:
        return worst(item.level for section in self.sections for item in section.items)


def remembered(name: str, read: Callable[[], Any]) -> Any:
    with _lock:
        known = _remembered.get(name)
    if known is not None and time.monotonic() - known[0] < REMEMBER_S:
        return known[1]
    found = read()
    with _lock:
        _remembered[name] = (time.monotonic(), found)
    return found


def forget() -> None:
    """For tests, and after retention was changed."""
    with _lock:
        _remembered.clear()


def status(project: str, *, whole: bool, now: datetime | None = None) -> Status:
    """The status as members of `project` see it; with `whole` that of the installation too.

    Raises nothing of the store: that it is away is what the page is for.
    """
    at = now or timezone.now()
    found = Status(at, whole)
    found.sections = [rates(found, project), lag(found, project), failures(project)]
    if whole:
        found.sections += [
            Section("jobs", "Jobs of the worker", True, [judging.job(one, at) for one in jobs.all_passes()]),
            ingest(at),
            disk(found),
        ]
    found.sections.append(about(found))
    return found


def present(found: Status) -> None:
    """Returns while nothing is known against the store, else raises what is."""
    if found.away is not None:
        raise found.away


def away(found: Status, id_: str, title: str, error: TracestoreError) -> Item:
    found.away = error
    return Item(id_, title, "bad", judging.STORE_AWAY, text=error.message)


def rates(found: Status, project: str) -> Section:
    section = Section("rate", "Ingest", False)
    try:
        found.rate = store_status.rate(project, nanoseconds(found.at))
        section.items += judging.rate(found.rate.lately, sum(found.rate.minutes.values()))
        if found.whole:
            everything = store_status.rate(None, nanoseconds(found.at))
            advice = "Mean of the last 15 seconds, all projects together."
            section.items.append(
                Item("ingest_rate_all", "All projects, now", "ok", advice, everything.lately, "spans/s")
            )
    except TracestoreError as error:
        section.items.append(away(found, "store", "Store", error))
    return section


def lag(found: Status, project: str) -> Section:
    section, now = Section("lag", "Lag", False), found.at
    try:
        present(found)
        section.items += judging.settling(*store_status.waiting(project))
        until = looking.looked_until("traces")
        section.items.append(judging.detection(max(now.timestamp() - until / 1e6, 0.0) if until else None))
    except TracestoreError as error:
        section.items.append(away(found, "settling_backlog", "Traces to settle", error))
    evaluated = next((one.done for one in jobs.all_passes() if one.job == "evaluate_alerts"), None)
    section.items.append(judging.alerts(max((now - evaluated).total_seconds(), 0.0) if evaluated else None))
    section.items.append(judging.notifications(oldest_notification(project, now)))
    return section


def oldest_notification(project: str | None, now: datetime) -> float | None:
    """Age in seconds of the oldest that is still to be sent; None when none is."""
    unsent = Notification.objects.filter(state__in=("waiting", "sending"), channel__deleted_at=None)
    # What a channel that was switched off has not been told is told by that channel's state.
    unsent = unsent.filter(channel__enabled=True)
    if project is not None:
        unsent = unsent.filter(project__slug=project)
    first = unsent.order_by("created_at").values_list("created_at", flat=True).first()
    return None if first is None else max((now - first).total_seconds(), 0.0)


def failures(project: str) -> Section:
    own = Channel.objects.filter(project__slug=project, deleted_at=None)
    off = list(own.filter(enabled=False).order_by("name").values_list("name", "disabled_reason"))
    return Section("failures", "Failures", False, [judging.channels(off, own.count())])


def ingest(now: datetime) -> Section:
    section = Section("ingest", "Ingest and detectors, all projects", True)
    environment = settings.ENVIRONMENT
    try:
        seen = ingest_figures.read(environment)
        section.items += judging.ingest(
            seen.spans, seen.rejected, seen.refused, seen.insert_failures, seen.within(0.95), seen.processes
        )
    except (OSError, ValueError):
        section.items.append(judging.ingest_away(bool(environment.ingest_url)))
    total = DetectorRun.objects.aggregate(total=Sum("failures"))["total"] or 0
    last = DetectorRun.objects.exclude(last_failure_at=None).order_by("-last_failure_at").first()
    told = None if last is None or last.last_failure_at is None else (
        last.detector, last.last_failure_at, last.last_failure
    )  # fmt: skip
    section.items.append(judging.detectors(total, told, now))
    return section


def disk(found: Status) -> Section:
    section = Section("disk", "Disk, all projects", True)
    try:
        present(found)
        found.tables = store_status.tables()
        grown = remembered("growth", store_status.growth)
        space = store_status.space()
        seen = forecast(streams(found.tables, grown, found.at), space[0] if space else 0)
        section.items.append(
            Item("disk_used", "Used by the store", "ok", "All tables together, compressed.",
                 sum(table.bytes for table in found.tables), "bytes")
        )  # fmt: skip
        advice = "By the spans of the last 24 hours and what a span takes on disk."
        section.items.append(Item("disk_daily", "Added each day", "ok", advice, seen.daily, "bytes"))
        section.items += judging.disk(space, seen)
    except TracestoreError as error:
        section.items.append(away(found, "disk_used", "Used by the store", error))
    return section


def streams(tables: list[Table], grown: list[Growth], now: datetime) -> list[Stream]:
    """What each project adds to the tables that each of its retention settings rules, shared out by spans."""
    sizes = {table.name: table.bytes for table in tables}
    spans = sum(one.spans for one in grown)
    if not spans:
        return []
    found = []
    kept = {slug: retention.of(slug) for slug in Project.objects.values_list("slug", flat=True)}
    for one in grown:
        # An installation of an hour has not had a day's worth yet.
        days = min(max(now.timestamp() - one.first, 3600.0) / DAY_S, 1.0)
        for setting, names in retention.TABLES.items():
            each = sum(sizes.get(name, 0) for name in names) / spans
            limit = kept[one.project].days(setting) if one.project in kept else None
            found.append(Stream(one.spans * each, one.lately / days * each, limit))
    return found


def forecasted(now: datetime) -> tuple[tuple[int, int] | None, Forecast]:
    """Bytes free and in all, and when they are used up, for /metrics.

    Raises:
        Unavailable: the store does not answer.
    """
    space = store_status.space()
    grown = remembered("growth", store_status.growth)
    return space, forecast(streams(store_status.tables(), grown, now), space[0] if space else 0)


def about(found: Status) -> Section:
    section = Section("versions", "Versions", found.whole)
    section.items.append(Item("version", "Tracestore", "ok", "See CHANGELOG.md.", text=versions.tracestore()))
    if not found.whole:
        return section
    embedded = settings.ENVIRONMENT.embedded
    try:
        present(found)
        engine, applied = store_status.versions()
        words = "The embedded engine (chDB)." if embedded else "A ClickHouse server."
        section.items.append(Item("engine", "Engine", "ok", words, text=engine))
        pending = len({migration.name for migration in migrations.known()} - set(applied))
        schema = max((name.removesuffix(".sql") for name in applied if name[:4].isdigit()), default="")
        section.items.append(
            Item("schema", "Schema", "bad" if pending else "ok",
                 f"{pending} migrations are missing: run `manage.py migrate_clickhouse`." if pending
                 else "All migrations are applied.", text=schema)
        )  # fmt: skip
    except TracestoreError as error:
        section.items.append(away(found, "engine", "Engine", error))
    return section
