"""Which traces a look is about, and up to when was looked (watermarks, kept in the store)."""

from __future__ import annotations

from typing import NamedTuple

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.settling import microseconds


class Touched(NamedTuple):
    """A trace in which something happened. `first_start` in ns; `touched` (last write, 0 if it was only
    settled) and `last` (last row of the log) in µs since the epoch. `writes` of which no summary was made yet.
    """

    project: str
    trace_id: str
    first_start: int
    writes: int
    touched: int
    last: int


def now() -> int:
    """The store's clock, µs since the epoch: the log's times are its."""
    found: int = client.run("SELECT toUnixTimestamp64Micro(now64(6, 'UTC'))").result_rows[0][0]
    return found


def begin(job: str) -> tuple[int, int]:
    """`now` and `looked_until` at once: a look is made each second, and a statement has its price."""
    moment, until = client.run(queries.load("detect_begin"), {"job": job}).result_rows[0]
    return moment, until


def changed(after: int, limit: int, *, latest: bool = False) -> list[Touched]:
    """So many traces with a row in the log at or after a moment (µs), in order of time: the oldest; or, `latest`, those
    that were written to more than once and the latest."""
    parameters = {"after": microseconds(after), "limit": limit, "latest": latest}
    rows = [Touched(*row) for row in client.run(queries.load("detect_changed"), parameters).result_rows]
    return sorted(rows, key=lambda row: row.last) if latest else rows


def silent(since: int, until: int, limit: int) -> list[Touched]:
    """Traces without a root whose last write was in [since, until) (µs): they wait, hang or were left."""
    parameters = {"from": microseconds(since), "until": microseconds(until), "limit": limit}
    return [Touched(*row) for row in client.run(queries.load("detect_silent"), parameters).result_rows]


def looked_until(job: str) -> int:
    """The watermark of a job in µs; 0 when it has never run."""
    found: int = client.run(queries.load("detect_watermark"), {"job": job}).result_rows[0][0]
    return found


def mark(job: str, until: int) -> None:
    """Sets the watermark of a job; it never goes back."""
    client.run(
        "INSERT INTO detected_until (job, until) VALUES ({job:String}, {until:DateTime64(6, 'UTC')})",
        {"job": job, "until": microseconds(until)},
    )
