"""`/traces/`: the list, its next pages, and the quiet polls (new traces, the live tail, the first trace)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import trace_columns
from dashboard.api.authentication import DEFAULT_PROJECT
from dashboard.api.filters import FILTERS, TraceQuery, trace_query
from dashboard.pages.access import page
from dashboard.pages.view_menu import view_menu
from tracestore.clickhouse import reader
from tracestore.clickhouse.orders import NEWEST
from tracestore.clickhouse.rows import Page, TraceFilter, TraceSummary
from tracestore.errors import InvalidInput

#: Quick ranges: what `since` says, and in words.
RANGES = (("15m", "15 min"), ("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("", "All time"))

#: What makes the list's address, in this order; anything else is dropped from it.
PARAMETERS = ("q", *FILTERS, "since", "until", "sort", "columns", "limit")

#: "New traces" are counted up to here, then "100+"; the live tail shows as many at once.
NEW_LIMIT = 100


@page
def traces(request: HttpRequest, project: str) -> HttpResponse:
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") is None
    context: dict[str, Any] = {"parameters": request.GET, "ranges": RANGES, "all_columns": trace_columns.ALL}
    query, found = TraceQuery(TraceFilter(), 1), Page[TraceSummary]([])
    columns = trace_columns.chosen("")
    status = 200
    try:
        columns = trace_columns.chosen(request.GET.get("columns", ""))
        query = trace_query(request.GET)
        found = reader.get_reader().list_traces(
            project, query.wanted, limit=query.limit, cursor=query.cursor, order=query.order
        )
    except InvalidInput as error:
        context |= {"complaint": error.message, "pointer": pointer(request.GET.get("q", ""), error)}
        if fragment:
            return complaint(request, context)
        status = 400
    context |= rows_context(request, found, columns)
    if fragment and query.cursor:
        return render(request, "dashboard/traces/rows.html", context)
    by_time = query.order is NEWEST
    context |= {
        "totals": totals(found.results),
        "sort": query.order.name,
        "headers": headers(request, columns, query.order.name),
        "poll_query": address(request, after=newest(found.results)) if by_time else "",
        "show_query": address(request),
        "custom_range": custom_range(request),
        "kept": [(name, request.GET[name]) for name in (*FILTERS, "limit") if request.GET.get(name, "").strip()],
    }
    if not found.results and status == 200:
        context["nothing_stored"] = is_empty(project)
        context["first_steps"] = first_steps(request, project)
    if fragment:
        response = render(request, "dashboard/traces/results.html", context | {"with_state": True}, status=status)
        response["HX-Push-Url"] = request.path + address(request)
        response["HX-Trigger-After-Settle"] = "traces-changed"
        return response
    context |= view_menu(request, project)
    return render(request, "dashboard/traces/list.html", context, status=status)


def complaint(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Shown under the search while somebody types; the list stays as it is."""
    response = render(request, "dashboard/traces/complaint.html", context)
    response["HX-Retarget"] = "#query-error"
    response["HX-Reswap"] = "innerHTML"
    response["HX-Push-Url"] = "false"
    return response


def pointer(question: str, error: InvalidInput) -> str:
    """The search, and under it a caret at the place where it stops making sense; '' if that is not known."""
    if error.field != "q" or error.offset is None:
        return ""
    # One column for each character, whatever it is; and no more of them than can be seen.
    first = max(0, error.offset - 60)
    shown = "".join(c if c.isprintable() else " " for c in question[first : error.offset + 40])
    return f"{shown}\n{' ' * (error.offset - first)}^"


@page
def new_traces(request: HttpRequest, project: str) -> HttpResponse:
    """How many matching traces are newer than `after` (ns): a link that shows them, or nothing."""
    rows = newer(request, project)
    context = {"count": len(rows), "at_least": len(rows) == NEW_LIMIT, "show_query": address(request)}
    return render(request, "dashboard/traces/new.html", context)


@page
def tail(request: HttpRequest, project: str) -> HttpResponse:
    """The rows of matching traces that are newer than `after` (ns), for the live tail."""
    rows = newer(request, project)
    columns = trace_columns.chosen(request.GET.get("columns", ""))
    return render(request, "dashboard/traces/rows.html", rows_context(request, Page(rows), columns))


def newer(request: HttpRequest, project: str) -> list[TraceSummary]:
    text = request.GET.get("after", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidInput("after: expected nanoseconds since 1970.", field="after")
    after = int(text)
    wanted = trace_query(request.GET).wanted
    since = datetime.fromtimestamp(after / 1e9, UTC)
    if wanted.since is None or wanted.since < since:
        wanted = replace(wanted, since=since)
    found = reader.get_reader().list_traces(project, wanted, limit=NEW_LIMIT)
    return [row for row in found.results if row.start_ns > after]


@page
def first_trace(request: HttpRequest, project: str) -> HttpResponse:
    """Polled by the empty page: nothing yet (204), or an order to load the list."""
    response = HttpResponse(status=204)
    if not is_empty(project):
        response["HX-Refresh"] = "true"
    return response


def is_empty(project: str) -> bool:
    return not reader.get_reader().list_traces(project, TraceFilter(), limit=1).results


def newest(results: list[TraceSummary]) -> str:
    return str(results[0].start_ns) if results else "0"


def rows_context(
    request: HttpRequest, found: Page[TraceSummary], columns: list[trace_columns.Column]
) -> dict[str, Any]:
    return {
        "found": found,
        "columns": {column.name for column in columns},
        "more_query": address(request, cursor=found.next) if found.next else "",
    }


def headers(request: HttpRequest, columns: list[trace_columns.Column], sort: str) -> list[dict[str, Any]]:
    """The head of the table; a click on the order that is there turns it round."""
    made = []
    for column in columns:
        by = column.sort and sort.removesuffix("-up") == column.sort
        following = f"{column.sort}-up" if sort == column.sort else column.sort
        made.append(
            {
                "column": column,
                "order": ("ascending" if sort.endswith("-up") else "descending") if by else "",
                "query": address(request, sort=following if following != NEWEST.name else "") if column.sort else "",
            }
        )
    return made


def custom_range(request: HttpRequest) -> tuple[str, str] | None:
    """(since, until) where they are no quick range."""
    since, until = request.GET.get("since", "").strip(), request.GET.get("until", "").strip()
    return (since, until) if until or since not in dict(RANGES) else None


def address(request: HttpRequest, **extra: str | None) -> str:
    """`?…` of the present filters without empty ones, '' when there is none."""
    pairs = {name: request.GET.get(name, "").strip() for name in PARAMETERS}
    pairs |= {name: value or "" for name, value in extra.items()}
    if pairs["sort"] == NEWEST.name:
        pairs["sort"] = ""
    wanted = [(name, value) for name, value in pairs.items() if value]
    return f"?{urlencode(wanted)}" if wanted else "?" if "sort" in extra else ""


@dataclass(slots=True)
class Totals:
    """Sums of the rows shown. `cost_usd` is of the priced ones; `unpriced` counts model calls without a price,
    `incomplete` those whose usage the sender dropped."""

    traces: int = 0
    spans: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    unpriced: int = 0
    incomplete: int = 0


def totals(rows: list[TraceSummary]) -> Totals:
    sums = Totals(traces=len(rows))
    for row in rows:
        sums.spans += row.span_count
        sums.llm_calls += row.llm_calls
        sums.tool_calls += row.tool_calls
        sums.errors += row.errors
        sums.input_tokens += row.input_tokens
        sums.output_tokens += row.output_tokens
        sums.unpriced += row.unpriced_calls
        sums.incomplete += row.incomplete
        if row.cost_usd is not None:
            sums.cost_usd = (sums.cost_usd or 0.0) + row.cost_usd
    return sums


def first_steps(request: HttpRequest, project: str) -> dict[str, Any]:
    """This server's addresses as the reader of the page would reach them."""
    host = request.get_host().rsplit(":", 1)[0] if ":" in request.get_host() else request.get_host()
    environment = settings.ENVIRONMENT
    return {
        "http": f"http://{host}:{environment.otlp_http_port}",
        "grpc": f"{host}:{environment.otlp_grpc_port}",
        # What comes without a key is of the default project.
        "needs_key": environment.require_api_key or project != DEFAULT_PROJECT,
    }
