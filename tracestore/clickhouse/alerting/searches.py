"""Counts what a search of the trace list finds, as search rules ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracestore.clickhouse import client, filters, queries
from tracestore.clickhouse.alerting.series import SECOND
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.trace_list import Opened
from tracestore.moments import nanoseconds
from tracestore.search.tree import Node


@dataclass(frozen=True, slots=True)
class Found:
    """How many traces of an agent ('' if not asked by agent) began in a bucket, and the latest of them."""

    agent: str
    bucket: int
    traces: int
    latest: list[str]


def counted(
    project: str, search: Node | None, now_open: Opened, since: datetime, width_s: int, buckets: int, *, by_agent: bool
) -> list[Found]:
    """What is found in `buckets` windows of `width_s` from `since` on; those without anything are missing.

    Raises:
        Unavailable: the store does not answer.
    """
    until = since + timedelta(seconds=width_s * buckets)
    wanted = TraceFilter(since=since, until=until, search=search)
    where, live = filters.conditions(wanted), filters.conditions(wanted, within="opened")
    given = {
        **where.parameters, "project": project, "by_agent": int(by_agent), "origin": nanoseconds(since),
        "width": width_s * SECOND,
    }  # fmt: skip
    text = queries.load("alert_search", where.text).replace("/*live_conditions*/", live.text)
    rows = client.run(text, given, tables={"opened": now_open.table}).result_rows
    return [Found(*row) for row in rows if row[0] or not by_agent]
