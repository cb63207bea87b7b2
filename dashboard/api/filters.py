"""Which traces a request asks for: the query parameters of the list. `q` is in the language of docs/search.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from dashboard.api.times import parse_time
from tracestore.clickhouse.orders import NEWEST, ORDERS, Order
from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput
from tracestore.search.fields import TRACE_STATUSES
from tracestore.search.parser import parse

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
#: Longer than any id, name or sensible question; it bounds what the store is asked to look for.
MAX_TEXT = 2000

#: Query parameters that are filters by themselves; each is a field of TraceFilter.
FILTERS = ("agent", "status", "service", "session_id", "user_id", "model", "tool")


@dataclass(frozen=True, slots=True)
class TraceQuery:
    wanted: TraceFilter
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    order: Order = NEWEST


def trace_query(params: QueryDict) -> TraceQuery:
    """The list's query.

    Raises:
        InvalidInput: a parameter has a bad value; names it, says what is expected and, in `q`, where.
    """
    for name in ("cursor", *FILTERS):
        if len(params.get(name, "")) > MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {MAX_TEXT} characters.", field=name)
    given = {name: value for name in FILTERS if (value := params.get(name, "").strip())}
    if given.get("status", "ok") not in TRACE_STATUSES:
        known = f"{', '.join(TRACE_STATUSES[:-1])} or {TRACE_STATUSES[-1]}"
        raise InvalidInput(f"status={given['status']!r} is not known: expected {known}.", field="status")
    since, until = bound(params, "since"), bound(params, "until")
    if since is not None and until is not None and since > until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    sort = params.get("sort", "").strip() or NEWEST.name
    if sort not in ORDERS:
        raise InvalidInput(f"sort={sort[:100]!r} is not known: expected one of {', '.join(ORDERS)}.", field="sort")
    return TraceQuery(
        TraceFilter(since=since, until=until, search=parse(params.get("q", "")), **given),
        whole_number(params, "limit", DEFAULT_LIMIT, MAX_LIMIT),
        params.get("cursor") or None,
        ORDERS[sort],
    )


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
