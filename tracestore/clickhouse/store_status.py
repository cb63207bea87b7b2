"""What the store tells of itself: how much is written, what waits, what it takes on disk, which version it is.

`project` None asks for the whole installation; only owners and admins may be shown that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.client import DATABASE

SECOND_NS: Final = 10**9
#: What "now" means of a rate.
LATELY_SECONDS: Final = 15
MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """`lately` in spans a second. `minutes`: start in s since the epoch → spans, of the last hour, gaps left out."""

    lately: float
    minutes: dict[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Spans of a project, those of the last 24 hours, and the start of the oldest (s since the epoch)."""

    project: str
    spans: int
    lately: int
    first: int


def of(project: str | None) -> tuple[str, dict[str, Any]]:
    return ("1", {}) if project is None else ("project = {project:String}", {"project": project})


def rate(project: str | None, now_ns: int) -> Rate:
    condition, parameters = of(project)
    since = (now_ns // (60 * SECOND_NS) - MINUTES + 1) * 60 * SECOND_NS
    parameters |= {"since": since, "lately": now_ns - LATELY_SECONDS * SECOND_NS, "database": DATABASE}
    rows = client.run(queries.load("status_rate", condition), parameters).result_rows
    return Rate(sum(row[2] for row in rows) / LATELY_SECONDS, {int(row[0]): int(row[1]) for row in rows})


def waiting(project: str | None) -> tuple[int, float]:
    """Traces that wait to be settled, and the seconds that the oldest has waited."""
    condition, parameters = of(project)
    count, oldest = client.run(queries.load("status_waiting", condition), parameters).result_rows[0]
    return int(count), max(float(oldest) / 1e6, 0.0)


def tables() -> list[Table]:
    rows = client.run(queries.load("status_tables"), {"database": DATABASE}).result_rows
    return [Table(name, int(count), int(size)) for name, count, size in rows]


def space() -> tuple[int, int] | None:
    """Bytes free and in all, of the fullest disk that holds data; None where there is no end (object storage)."""
    free, total, count = client.run(queries.load("status_space"), {"database": DATABASE}).result_rows[0]
    return (int(free), int(total)) if count else None


def growth() -> list[Growth]:
    return [Growth(*row) for row in client.run(queries.load("status_growth")).result_rows]


def versions() -> tuple[str, list[str]]:
    """Of the engine, and the names of the migrations that were applied."""
    engine, applied = client.run(queries.load("status_versions")).result_rows[0]
    return str(engine), sorted(applied)
