"""The runs of the past, part by part in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.filters import seconds


def count(project: str, since: datetime, until: datetime, agent: str) -> int:
    """How many settled runs began in [since, until)."""
    found: int = client.run(queries.load("replay_count"), _asked(project, since, until, agent)).result_rows[0][0]
    return found


def parts(project: str, since: datetime, until: datetime, agent: str, size: int) -> Iterator[list[tuple[str, int]]]:
    """(trace id, start in ns) of the settled runs that began in [since, until), `size` at a time."""
    asked = {**_asked(project, since, until, agent), "size": size, "start": 0, "trace_id": ""}
    while rows := client.run(queries.load("replay_runs"), asked).result_rows:
        yield [(trace_id, start) for trace_id, start in rows]
        asked |= {"trace_id": rows[-1][0], "start": rows[-1][1]}


def _asked(project: str, since: datetime, until: datetime, agent: str) -> dict[str, Any]:
    return {"project": project, "since": seconds(since), "until": seconds(until), "agent": agent}
