"""Builds the conditions of a trace list. Here and in `jaeger_search` alone does a statement depend on the request.

Only fixed texts are put together here; every value travels as a bound parameter.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput

#: A filter's field → its condition. Columns are those that stored and live summaries share.
_EXACT = {
    "agent": "has(agents, {agent:String})",
    "service": "service = {service:String}",
    "session_id": "session_id = {session_id:String}",
    "user_id": "user_id = {user_id:String}",
    "status": "status = {status:String}",
    "model": "has(models, {model:String})",
    "tool": "has(tools, {tool:String})",
}

#: Free text: ids exactly, names and previews as part, then every prompt and answer in the range.
_TEXT = """(
    trace_id = lower({text:String}) OR session_id = {text:String} OR user_id = {text:String}
    OR positionCaseInsensitiveUTF8(name, {text:String}) > 0
    OR positionCaseInsensitiveUTF8(agent, {text:String}) > 0
    OR positionCaseInsensitiveUTF8(input_preview, {text:String}) > 0
    OR positionCaseInsensitiveUTF8(output_preview, {text:String}) > 0
    OR trace_id IN (
        SELECT trace_id FROM stored_spans
        WHERE project = {project:String} AND /*range*/ AND (
            span_id = lower({text:String}) OR positionCaseInsensitiveUTF8(name, {text:String}) > 0
            OR positionCaseInsensitiveUTF8(tool_name, {text:String}) > 0
            OR positionCaseInsensitiveUTF8(status_message, {text:String}) > 0)
    )
    OR trace_id IN (
        SELECT trace_id FROM stored_payloads
        WHERE project = {project:String} AND /*range*/ AND (
            positionCaseInsensitiveUTF8(input, {text:String}) > 0
            OR positionCaseInsensitiveUTF8(output, {text:String}) > 0)
    )
)"""


_CURSOR_START = "fromUnixTimestamp64Nano({cursor_start:Int64}, 'UTC')"


@dataclass(slots=True)
class Conditions:
    """A boolean expression and the values of its parameters."""

    text: str = "1"
    parameters: dict[str, Any] = field(default_factory=dict)


def conditions(wanted: TraceFilter, cursor: str | None = None) -> Conditions:
    """The expression over a trace summary that a filter and a cursor stand for.

    Raises:
        InvalidInput: the cursor is not one that `cursor_after` made.
    """
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    span_range = ["1"]
    if wanted.since is not None:
        parameters["since"] = seconds(wanted.since)
        parts.append("start_time >= toDateTime64({since:String}, 9, 'UTC')")
        span_range.append("start_time >= toDateTime64({since:String}, 9, 'UTC')")
    if wanted.until is not None:
        parameters["until"] = seconds(wanted.until)
        parts.append("start_time < toDateTime64({until:String}, 9, 'UTC')")
    for name, condition in _EXACT.items():
        value = getattr(wanted, name)
        if value:
            parameters[name] = value
            parts.append(condition)
    if wanted.text:
        parameters["text"] = wanted.text
        parts.append(_TEXT.replace("/*range*/", " AND ".join(span_range)))
    if cursor:
        start_ns, trace_id = read_cursor(cursor)
        parameters |= {"cursor_start": start_ns, "cursor_trace": trace_id}
        # The plain bound beside the tuple lets the key be used; a tuple alone would read everything.
        parts.append(
            f"start_time <= {_CURSOR_START} AND (start_time, trace_id) < ({_CURSOR_START}, {{cursor_trace:String}})"
        )
    return Conditions(" AND ".join(parts) or "1", parameters)


def seconds(moment: datetime) -> str:
    """A moment in the form that ClickHouse reads to the microsecond, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def cursor_after(start_ns: int, trace_id: str) -> str:
    """The cursor of what comes after this trace: its place in the order, not a page number."""
    return base64.urlsafe_b64encode(f"{start_ns}.{trace_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    try:
        start, _, trace_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(".")
        start_ns = int(start)
        if not 0 <= start_ns < 2**63 or not trace_id.isalnum():
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("Expected a cursor from the `next` of an earlier answer.", field="cursor") from error
    return start_ns, trace_id
