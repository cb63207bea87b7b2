"""`/traces/`: the list, its next pages, and the quiet polls (new traces, the first trace)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from dashboard.api.filters import FILTERS, TraceQuery, trace_query
from dashboard.pages.access import page
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import Page, TraceFilter, TraceSummary
from tracestore.errors import InvalidInput

#: Quick ranges: what `since` says, and in words.
RANGES = (("15m", "15 min"), ("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("", "All time"))

#: What makes the list's address, in this order; anything else is dropped from it.
PARAMETERS = ("q", *FILTERS, "since", "until", "limit")

#: Filters without a field of their own: they come by links and are shown as removable chips.
KEPT = ("service", "session_id", "user_id", "model", "tool", "until", "limit")

#: "New traces" are counted up to here, then "100+".
NEW_LIMIT = 100


def home(request: HttpRequest) -> HttpResponse:
    return redirect("traces")


@page
def traces(request: HttpRequest, project: str) -> HttpResponse:
    store = reader.get_reader()
    fragment = request.headers.get("HX-Request") == "true"
    complaint = ""
    try:
        query = trace_query(request.GET)
        found = store.list_traces(project, query.wanted, limit=query.limit, cursor=query.cursor)
    except InvalidInput as error:
        complaint, query, found = error.message, TraceQuery(TraceFilter(), 1, None), Page([])
    context: dict[str, Any] = {
        "found": found,
        "totals": totals(found.results),
        "parameters": request.GET,
        "ranges": RANGES,
        "complaint": complaint,
        "more_query": address(request, cursor=found.next) if found.next else "",
        "poll_query": address(request, after=newest(found.results)),
        "show_query": address(request),
        "filtered": bool(address(request)),
    }
    status = 400 if complaint else 200
    if fragment and query.cursor:
        return render(request, "dashboard/traces/rows.html", context, status=status)
    if not found.results and not complaint:
        context["nothing_stored"] = is_empty(project)
        context["first_steps"] = first_steps(request)
    if fragment:
        response = render(request, "dashboard/traces/results.html", context, status=status)
        response["HX-Push-Url"] = request.path + address(request)
        return response
    if not complaint:
        # All agents of the time range, not only of those that match: choices must not vanish.
        everything = TraceFilter(since=query.wanted.since, until=query.wanted.until)
        agents = store.agents(project, everything)
        context["agents"] = agents
        context["agent_names"] = [name for name, _ in agents]
        context["kept"] = [(n, request.GET[n]) for n in KEPT if request.GET.get(n, "").strip()]
    return render(request, "dashboard/traces/list.html", context, status=status)


@page
def new_traces(request: HttpRequest, project: str) -> HttpResponse:
    """How many matching traces are newer than `after` (ns): a link that shows them, or nothing."""
    text = request.GET.get("after", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidInput("after: expected nanoseconds since 1970.", field="after")
    after = int(text)
    wanted = trace_query(request.GET).wanted
    since = datetime.fromtimestamp(after / 1e9, UTC)
    if wanted.since is None or wanted.since < since:
        wanted = replace(wanted, since=since)
    found = reader.get_reader().list_traces(project, wanted, limit=NEW_LIMIT)
    count = sum(row.start_ns > after for row in found.results)
    context = {"count": count, "at_least": count == NEW_LIMIT, "show_query": address(request)}
    return render(request, "dashboard/traces/new.html", context)


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


def address(request: HttpRequest, **extra: str | None) -> str:
    """`?…` of the present filters without empty ones, '' when there is none."""
    pairs = [(name, request.GET.get(name, "").strip()) for name in PARAMETERS]
    pairs += [(name, value or "") for name, value in extra.items()]
    wanted = [(name, value) for name, value in pairs if value]
    return f"?{urlencode(wanted)}" if wanted else ""


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


def first_steps(request: HttpRequest) -> dict[str, Any]:
    """This server's addresses as the reader of the page would reach them."""
    host = request.get_host().rsplit(":", 1)[0] if ":" in request.get_host() else request.get_host()
    environment = settings.ENVIRONMENT
    return {
        "http": f"http://{host}:{environment.otlp_http_port}",
        "grpc": f"{host}:{environment.otlp_grpc_port}",
        "needs_key": environment.require_api_key,
    }
