"""Deletes what projects no longer keep, and tells what they do.

Whole parts that hold nothing else are dropped by name, which costs nothing; rows that share a part
with others are deleted by a mutation of that partition alone. A part is dropped by its name and not
a partition by its day, because rows may arrive between looking and dropping: those are in a part of
another name. Doing it again changes nothing, so a run that was cut off is simply done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import structlog

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.errors import InvalidInput, Unavailable

log = structlog.get_logger(__name__)

#: Partitions of one table that a run rewrites at most, and parts that it drops: a run is bounded, the
#: next one goes on. A day of a project that shares its parts is one partition a day.
MOST_REWRITES: Final = 20
MOST_DROPS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Expired:
    """What a run did in one table. `more` says that it stopped at its limits."""

    rows: int = 0
    parts_dropped: int = 0
    partitions_rewritten: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What a table holds of a project. `rows` counts copies that are not merged away yet; times are
    None when there is none. `bytes_on_disk` is a share by rows where `shared` parts hold other projects too.
    """

    table: str
    rows: int
    first_ns: int | None
    last_ns: int | None
    bytes_on_disk: int
    shared: bool


def expire(table: str, kept_from: Mapping[date, Sequence[str]]) -> Expired:
    """Deletes from `table` the rows of each project that began before its first kept day (UTC).

    Raises:
        Unavailable: the store does not answer.
    """
    expired: dict[str, int] = {}
    partitions: dict[str, set[date]] = {}
    partition_of: dict[str, str] = {}
    for first, projects in kept_from.items():
        for part, partition, rows in client.run(
            queries.load("expired_parts"), bound(table, first, projects)
        ).result_rows:
            expired[part] = expired.get(part, 0) + rows
            partition_of[part] = partition
            partitions.setdefault(partition, set()).add(first)
    if not expired:
        return Expired()
    sizes = dict(client.run(queries.load("part_rows"), {"database": DATABASE, "table": table}).result_rows)
    # A part is one machine's: on a cluster its name says nothing, and rows are deleted instead.
    whole = [] if client.cluster_form() else [part for part, rows in expired.items() if sizes.get(part) == rows]
    dropped = [part for part in whole[:MOST_DROPS] if drop(table, part)]
    left = sorted({partition_of[part] for part in expired if part not in dropped})
    for partition in left[:MOST_REWRITES]:
        for first in sorted(partitions[partition]):
            client.run(
                queries.load("expire_rows"),
                {**bound(table, first, kept_from[first]), "partition": partition},
                {"mutations_sync": 1},
            )
    rewritten = set(left[:MOST_REWRITES])
    gone = sum(rows for part, rows in expired.items() if part in dropped or partition_of[part] in rewritten)
    return Expired(gone, len(dropped), len(rewritten), more=len(left) > MOST_REWRITES or len(whole) > MOST_DROPS)


def drop(table: str, part: str) -> bool:
    """Drops a part; False when it is no more (merged meanwhile), which the next step sees to."""
    try:
        client.run(queries.load("drop_part"), {"table": table, "part": part})
    except (InvalidInput, Unavailable) as error:
        log.info("a part was merged before it could be dropped", table=table, reason=error.message)
        return False
    return True


def bound(table: str, first: date, projects: Sequence[str]) -> dict[str, Any]:
    return {"table": table, "projects": list(projects), "first": f"{first:%Y-%m-%d} 00:00:00"}


def stored(project: str, table: str) -> Stored:
    """What `table` holds of `project` at this moment."""
    parameters = {"database": DATABASE, "table": table, "project": project}
    rows, first, last, size, shared = client.run(queries.load("stored_of_project"), parameters).result_rows[0]
    if not rows:
        return Stored(table, 0, None, None, 0, shared=False)
    return Stored(table, rows, first, last, round(size), bool(shared))
