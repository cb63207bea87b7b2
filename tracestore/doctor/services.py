"""Checks of what the processes work with: store, database, broker, worker, channels, mail."""

from __future__ import annotations

import smtplib
import time
from datetime import datetime
from importlib.metadata import version
from typing import Final

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tracestore import leases
from tracestore.alerts.models import Channel
from tracestore.alerts.notify import mail
from tracestore.clickhouse import client, migrations, queries
from tracestore.doctor.machine import GIB, Answer

#: Beat queues the jobs of a second; after this long without one of them nobody works.
WORKER_SILENT_S: Final = 60
#: Retention runs each hour.
RETENTION_SILENT_S: Final = 2 * 3600
#: More jobs than this wait only if nobody takes them: they expire within seconds.
MANY_JOBS: Final = 1_000
#: Spans carry the time of their sender, rows that of the store; limits of windows are a minute.
SKEW_WARN_S, SKEW_BAD_S = 1.0, 30.0
FORECAST_BAD_DAYS, FORECAST_WARN_DAYS = 3, 14


def store() -> Answer:
    found = client.run(queries.load("doctor_store")).result_rows[0][0]
    line, wanted = (".".join(text.split(".")[:2]) for text in (found, version("chdb-core")))
    if line != wanted:
        return (
            "warn", f"ClickHouse {found} answers; this version is tested with {wanted}.",
            f"Use a ClickHouse of the line {wanted}.",
        )  # fmt: skip
    return "ok", f"ClickHouse {found} answers.", ""


def clock() -> Answer:
    before = time.time()
    theirs = client.run(queries.load("doctor_store")).result_rows[0][1] / 1e6
    after = time.time()
    skew = max(before - theirs, theirs - after, 0.0)
    said = f"The clocks of the store and of this machine differ by {skew:.3f} s."
    if skew > SKEW_WARN_S:
        return "bad" if skew > SKEW_BAD_S else "warn", said, "Let both machines follow a time server (chrony)."
    return "ok", said, ""


def store_schema() -> Answer:
    waiting = migrations.pending()
    if waiting:
        return "bad", f"{len(waiting)} ClickHouse migrations are missing.", "Run `manage.py bootstrap`."
    return "ok", "The ClickHouse schema is of this version.", ""


def metadata_schema() -> Answer:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return "bad", f"{len(waiting)} metadata migrations are missing.", "Run `manage.py bootstrap`."
    return "ok", f"The metadata ({connection.vendor}) are of this version.", ""


def broker() -> Answer:
    from tracestore.celery import app

    try:
        with app.connection_for_read() as link:
            link.ensure_connection(max_retries=1, timeout=5)
            waiting = link.default_channel.queue_declare("celery", passive=True).message_count
    except Exception as error:  # each transport has errors of its own
        return (
            "bad", f"The broker does not answer ({type(error).__name__}).",
            "Look at TRACESTORE_BROKER_URL and at that server.",
        )  # fmt: skip
    if waiting > MANY_JOBS:
        return "warn", f"{waiting} jobs wait in the broker.", "Look whether a worker runs."
    return "ok", f"The broker answers; {waiting} jobs wait.", ""


def worker(now: datetime | None = None) -> Answer:
    """The job of each second holds a lease, whose end says when it was last taken."""
    mend = "See the log of the worker (and of beat, where it runs apart), and restart it."
    at = leases.last_held("settle_traces", seconds=leases.SETTLING_SECONDS)
    if at is None:
        return "bad", "No job has run yet: traces are not settled, nobody is alerted.", mend
    ago = ((now or timezone.now()) - at).total_seconds()
    if ago > WORKER_SILENT_S:
        return "bad", f"The last job began {_long(ago)} ago; one begins each second.", mend
    behind = client.run(queries.load("doctor_waiting")).result_rows[0][0]
    if behind:
        return "warn", f"{behind} traces have waited to be settled for more than a minute.", mend
    return "ok", "Worker and schedule are at work; nothing waits.", ""


def retention(now: datetime | None = None) -> Answer:
    at = leases.last_held("expire_data", seconds=leases.EXPIRY_SECONDS)
    if at is None:
        return "ok", "Has not run yet; it does an hour after the first start.", ""
    ago = ((now or timezone.now()) - at).total_seconds()
    if ago > RETENTION_SILENT_S:
        return "warn", f"What is no longer kept was last deleted {_long(ago)} ago.", "See the log of the worker."
    return "ok", f"Ran {_long(max(ago, 0))} ago.", ""


def channels() -> Answer:
    existing = Channel.objects.filter(deleted_at=None)
    off = list(existing.filter(enabled=False).exclude(disabled_reason=""))
    failing = list(existing.filter(enabled=True, failures__gt=0))
    if off:
        said = "; ".join(f"{channel.name}: {channel.disabled_reason}" for channel in off[:5])
        return "bad", f"Switched off after errors: {said}", "Mend the channel in the settings, test it, switch it on."
    if failing:
        said = ", ".join(channel.name for channel in failing[:5])
        return "warn", f"Messages to {said} fail for now and are tried again.", "Look at the channel in the settings."
    number = existing.count()
    return "ok", f"{number} channels, none of them failing." if number else "There are no channels.", ""


def smtp(url: str | None) -> Answer:
    if url is None:
        if Channel.objects.filter(deleted_at=None, kind="email", enabled=True).exists():
            return "bad", "There are channels for e-mail, but no mail server.", "Set TRACESTORE_SMTP_URL."
        return "ok", "No mail server is set, and none is needed.", ""
    try:
        with mail.session(url) as server:
            server.noop()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return (
            "bad", f"The mail server does not let us in ({type(error).__name__}).",
            "Look at TRACESTORE_SMTP_URL: host, port, scheme, user and password.",
        )  # fmt: skip
    return "ok", "The mail server answers and takes our login.", ""


def disk() -> Answer:
    (free, total), week, days = client.run(queries.load("doctor_disk")).result_rows[0]
    said = f"The store's disk has {free / GIB:,.1f} of {total / GIB:,.1f} GiB free."
    mend = "Give the store more room, or shorten the retention of projects."
    if not week:
        return "ok", f"{said} There is no whole day yet to forecast from.", ""
    left = free / (week / days)
    said += f" A day took {week / days / GIB:,.2f} GiB lately, so that is enough for {min(left, 9999):,.0f} days."
    if left < FORECAST_WARN_DAYS:
        return "bad" if left < FORECAST_BAD_DAYS else "warn", said, mend
    return "ok", said, ""


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
