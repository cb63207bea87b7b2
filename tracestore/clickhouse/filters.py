"""Builds the conditions of a trace list: its time, its search, its place. Every value is a bound parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from tracestore.clickhouse.orders import NEWEST, Order, read_cursor
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.search_sql import Conditions, condition
from tracestore.search.tree import Text, all_of, exactly

#: A filter's field → the search's field that means the same.
_FIELDS: Final = {
    "agent": "agent",
    "service": "service",
    "session_id": "session",
    "user_id": "user",
    "status": "status",
    "model": "model",
    "tool": "tool",
}
_SINCE: Final = "start_time >= toDateTime64({since:String}, 9, 'UTC')"
_UNTIL: Final = "start_time < toDateTime64({until:String}, 9, 'UTC')"
_WITHIN: Final = {
    # The bound beside the ids lets the key be used: no span begins before its trace.
    "places": "trace_id IN (SELECT trace_id FROM places) AND start_time >= (SELECT min(start_time) FROM places)",
    "opened": "trace_id IN (SELECT trace_id FROM opened)",
}
_CURSOR_START: Final = "fromUnixTimestamp64Nano({cursor_key:Int64}, 'UTC')"


def conditions(
    wanted: TraceFilter,
    cursor: str | None = None,
    order: Order = NEWEST,
    *,
    within: Literal["places", "opened", ""] = "",
) -> Conditions:
    """The expression over a trace summary that a filter and a cursor stand for.

    `within` names a table that the statement brings along, with the ids of all traces that count: spans
    and payloads of others are then not read.

    Raises:
        InvalidInput: the cursor is not one that was made in this order.
    """
    parts: list[str] = []
    made = Conditions()
    if wanted.since is not None:
        made.parameters["since"] = seconds(wanted.since)
        parts.append(_SINCE)
    if wanted.until is not None:
        made.parameters["until"] = seconds(wanted.until)
        parts.append(_UNTIL)
    given = [exactly(field, value) for name, field in _FIELDS.items() if (value := getattr(wanted, name))]
    tree = all_of(*given, Text(wanted.text) if wanted.text else None, wanted.search)
    if tree is not None:
        bounds = since_of_spans(wanted)
        search = condition(tree, span_range=f"{bounds} AND {_WITHIN[within]}" if within else bounds)
        parts.append(search.text)
        made.parameters |= search.parameters
    if cursor:
        key, trace_id = read_cursor(order, cursor)
        made.parameters |= {"cursor_key": key, "cursor_trace": trace_id}
        parts.append(_after(order))
    made.text = " AND ".join(parts) or "1"
    return made


def since_of_spans(wanted: TraceFilter) -> str:
    """What bounds the spans of the traces: one may begin long after its trace did, never before it."""
    return _SINCE if wanted.since is not None else "1"


def _after(order: Order) -> str:
    sign = ">" if order.up else "<"
    if order.by_time:
        # The plain bound beside the tuple lets the key be used; a tuple alone would read everything.
        place = f"({_CURSOR_START}, {{cursor_trace:String}})"
        return f"start_time {sign}= {_CURSOR_START} AND (start_time, trace_id) {sign} {place}"
    return f"({order.expression}, trace_id) {sign} ({{cursor_key:Int64}}, {{cursor_trace:String}})"


def seconds(moment: datetime) -> str:
    """A moment in the form that ClickHouse reads to the microsecond, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
