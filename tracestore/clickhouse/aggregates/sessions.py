"""Sessions: traces that share a conversation."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Period
from tracestore.clickhouse.rows import Page
from tracestore.errors import InvalidInput, NotFound


@dataclass(slots=True)
class SessionFigures:
    """One session: sums over its traces that started in the period. Times in nanoseconds since 1970.

    `cost_usd` is None when nothing in it has a price; `unpriced_calls` have none.
    """

    session_id: str
    agents: list[str]
    user_id: str
    start_ns: int
    end_ns: int
    traces: int
    failed: int
    span_count: int
    llm_calls: int
    tool_calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    unpriced_calls: int
    input_preview: str


def sessions(
    period: Period, *, agent: str = "", user: str = "", limit: int = 100, cursor: str = ""
) -> Page[SessionFigures]:
    """Those that were last active come first; a cursor stays valid while new ones arrive.

    Raises:
        InvalidInput: the cursor is not one of ours.
        Unavailable: the store does not answer.
    """
    before_ns, before_id = read_cursor(cursor)
    asked = {
        **period.parameters, "session": "", "agent": agent, "user": user, "limit": limit + 1,
        "before_ns": before_ns, "before_id": before_id,
    }  # fmt: skip
    rows = [SessionFigures(*row) for row in client.run(queries.load("sessions"), asked).result_rows]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], cursor_after(last.end_ns, last.session_id) if last else None)


def session(project: str, session_id: str) -> SessionFigures:
    """One session over all time.

    Raises:
        NotFound: no trace of the project has it.
    """
    asked = {
        **Period(project).parameters, "session": session_id, "agent": "", "user": "", "limit": 1,
        "before_ns": 0, "before_id": "",
    }  # fmt: skip
    rows = client.run(queries.load("sessions"), asked).result_rows if session_id else []
    if not rows:
        raise NotFound("There is no such session in this project.")
    return SessionFigures(*rows[0])


def cursor_after(end_ns: int, session_id: str) -> str:
    return base64.urlsafe_b64encode(f"s{end_ns}.{session_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    if not cursor:
        return 0, ""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        end, dot, session_id = text[1:].partition(".")
        if not (text[:1] == "s" and dot and end.isascii() and end.isdecimal() and 0 < int(end) < 2**63):
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("Expected a cursor from the `next` of an earlier answer.", field="cursor") from error
    return int(end), session_id
