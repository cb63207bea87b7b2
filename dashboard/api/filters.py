"""Which traces a request asks for: the query parameters of the list and the words of `q`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from dashboard.api.times import parse_time
from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
#: Longer than any id, name or sensible question; it bounds what the store is asked to look for.
MAX_TEXT = 2000

#: Query parameter, and word before the colon in `q` → field of TraceFilter.
FILTERS = {
    "agent": "agent",
    "status": "status",
    "service": "service",
    "session_id": "session_id",
    "user_id": "user_id",
    "model": "model",
    "tool": "tool",
}
WORDS = {**FILTERS, "session": "session_id", "user": "user_id"}

TRACE_STATUSES = ("ok", "error")

#: A `key:value` word, a quoted phrase, or a bare word. Values may be quoted: agent:"night shift".
TOKEN = re.compile(r'(?:(?P<key>[a-z_]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]\S*))')


@dataclass(frozen=True, slots=True)
class TraceQuery:
    wanted: TraceFilter
    limit: int
    cursor: str | None


def trace_query(params: QueryDict) -> TraceQuery:
    """The list's query.

    Raises:
        InvalidInput: a parameter has a bad value; names it and says what is expected.
    """
    for name in ("q", "cursor", *FILTERS):
        if len(params.get(name, "")) > MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {MAX_TEXT} characters.", field=name)
    found, text = split_question(params.get("q", ""))
    for name, target in FILTERS.items():
        value = params.get(name, "").strip()
        if value:
            if found.get(target, value) != value:
                raise InvalidInput(f"{name} is given twice, in q and by itself.", field=name)
            found[target] = value
    if found.get("status", "ok") not in TRACE_STATUSES:
        raise InvalidInput(f"status={found['status']!r} is not known: expected ok or error.", field="status")
    since, until = bound(params, "since"), bound(params, "until")
    if since is not None and until is not None and since > until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    wanted = TraceFilter(since=since, until=until, text=text, **found)
    return TraceQuery(wanted, whole_number(params, "limit", DEFAULT_LIMIT, MAX_LIMIT), params.get("cursor") or None)


def split_question(question: str) -> tuple[dict[str, str], str]:
    """The filters in a question, and the text that is left of it with single spaces.

    A word with an unknown key ("http:", "12:30") is text, and so is all that is quoted.
    """
    found: dict[str, str] = {}
    text: list[str] = []
    for match in TOKEN.finditer(question):
        target = WORDS.get(match["key"] or "")
        value = match["phrase"] if match["phrase"] is not None else match["word"]
        if target is None:
            prefix = f"{match['key']}:" if match["key"] else ""
            text.append(prefix + value)
        elif found.get(target, value) != value:
            raise InvalidInput(f"q names two values of {match['key']}: expected one.", field="q")
        else:
            found[target] = value
    return {name: value for name, value in found.items() if value}, " ".join(filter(None, text))


def bound(params: QueryDict, name: str) -> datetime | None:
    text = params.get(name, "").strip()
    return parse_time(text, name) if text else None


def whole_number(params: QueryDict, name: str, default: int, most: int) -> int:
    """A count from 1 to `most`.

    Raises:
        InvalidInput: it is not.
    """
    text = params.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidInput(
            f"{name}={text[:100]!r} is not possible: expected a whole number from 1 to {most}.", field=name
        )
    return int(text)
