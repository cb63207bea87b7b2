"""Traces: the list, one trace with its spans, one span with its payloads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters, representations, span_shapes, trace_ids, trace_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.rendering import encode_list
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED
from tracestore import prices
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.detecting import hints
from tracestore.clickhouse.orders import ORDERS
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import SpanDetail, TraceSummary
from tracestore.errors import NotFound, Unavailable
from tracestore.search.fields import TRACE_STATUSES
from tracestore.spans import explain
from tracestore.spans.messages import messages
from tracestore.spans.model import Event

#: Spans of one answer at most. Beyond it `truncated` says so, and SQL has the rest.
MAX_SPANS = 100_000

QUESTION = """A search, such as `agent:researcher cost>0.5 tool:search_* -status:error "no route"`. \
Words and phrases are looked for in names, ids, prompts and answers; `docs/search.md` has all of it. \
An error's `offset` is the character at which the search stops making sense."""

LIMIT = OpenApiParameter(
    "limit",
    OpenApiTypes.INT,
    description=f"Results of one page: 1 to {filters.MAX_LIMIT}, {filters.DEFAULT_LIMIT} unless given.",
)
LIST_PARAMETERS = [
    OpenApiParameter("q", str, description=QUESTION),
    OpenApiParameter("since", str, description=f"Traces that began at or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="Traces that began before this time; as `since`."),
    OpenApiParameter("agent", str, description="Only this agent."),
    OpenApiParameter("status", str, enum=TRACE_STATUSES, description="Only this status."),
    OpenApiParameter("service", str, description="Only this service."),
    OpenApiParameter("session_id", str, description="Only this session."),
    OpenApiParameter("user_id", str, description="Only this user."),
    OpenApiParameter("model", str, description="Only traces that called this model."),
    OpenApiParameter("tool", str, description="Only traces that called this tool."),
    OpenApiParameter(
        "sort", str, enum=list(ORDERS), description="The order, largest or newest first unless it ends in `-up`."
    ),
    LIMIT,
    OpenApiParameter("cursor", str, description="`next` of the page before."),
    PROJECT,
]
TRACE_ID = OpenApiParameter(
    "trace_id", str, OpenApiParameter.PATH, description="32 hexadecimal digits, in either case."
)
SPAN_ID = OpenApiParameter("span_id", str, OpenApiParameter.PATH, description="16 hexadecimal digits, in either case.")


class TraceList(Endpoint):
    @extend_schema(
        operation_id="traces_list",
        tags=["traces"],
        summary="List traces",
        description="Summaries of traces, newest first unless `sort` says otherwise.",
        parameters=LIST_PARAMETERS,
        responses=answers(trace_shapes.TracePage, 400, 503),
    )
    def get(self, request: Request) -> Response:
        query = filters.trace_query(request.query_params)
        page = get_reader().list_traces(
            self.project, query.wanted, limit=query.limit, cursor=query.cursor, order=query.order
        )
        results = [representations.trace_summary(row) for row in page.results]
        return Response({"results": results, "next": page.next})


class TraceDetail(Endpoint):
    @extend_schema(
        operation_id="traces_read",
        tags=["traces"],
        summary="Read a trace",
        description="A trace's summary and its spans by start time, with everything but their payloads.",
        parameters=[
            TRACE_ID,
            OpenApiParameter(
                "limit", OpenApiTypes.INT, description=f"Spans at most: 1 to {MAX_SPANS}, all unless given."
            ),
            PROJECT,
        ],
        responses=answers(trace_shapes.TraceDetail, 400, 404, 503),
    )
    def get(self, request: Request, trace_id: str) -> Response:
        found = trace_ids.trace_id(trace_id)
        limit = filters.whole_number(request.query_params, "limit", MAX_SPANS, MAX_SPANS)
        reader, project = get_reader(), self.project
        summary, details = both(
            lambda: reader.trace(project, found),
            # One more than wanted tells whether there are more.
            lambda: reader.spans_full(project, found, limit=limit + 1),
        )
        answer = representations.trace_summary(summary)
        answer["spans"] = encode_list(representations.span(project, detail) for detail in details[:limit])
        answer["truncated"] = len(details) > limit
        # Only of the whole trace: sums over a part of it would contradict the summary.
        answer["explanation"] = asdict(explain.sums(d.row for d in details)) if len(details) <= limit else None
        answer["look_here"] = hint_of(project, summary)
        return Response(answer)


class TraceColumns(Endpoint):
    @extend_schema(
        operation_id="traces_columns",
        tags=["traces"],
        summary="Read a trace as columns",
        description="The spans of a trace in the order of the waterfall, column by column, as its page draws them. "
        "Of a trace of more than 20,000 spans a skeleton, with rows that say how many are hidden.",
        parameters=[
            TRACE_ID,
            OpenApiParameter(
                "under", str, many=True, description="Show up to 5,000 more of the hidden spans under this one."
            ),
            OpenApiParameter(
                "plain", str, enum=("1",), description="All spans and nothing else: no groups, no skeleton."
            ),
            PROJECT,
        ],
        responses=answers(OpenApiTypes.OBJECT, 404, 503),
    )
    def get(self, request: Request, trace_id: str) -> Response:
        # Imported late: drawing needs more than the rest of the API does.
        from dashboard.outline import outline, plain
        from dashboard.timeline import Timeline
        from dashboard.waterfall import columns

        found = trace_ids.trace_id(trace_id)
        spans = get_reader().timeline(self.project, found, limit=MAX_SPANS)
        if not spans:
            raise NotFound("There is no such trace in this project.")
        timeline = Timeline(spans)
        if request.query_params.get("plain") == "1":
            return Response(columns(timeline, plain(timeline)))
        return Response(columns(timeline, outline(timeline, request.query_params.getlist("under"))))


class SpanDetailView(Endpoint):
    @extend_schema(
        operation_id="spans_read",
        tags=["traces"],
        summary="Read a span",
        description="One span with its payloads, its messages in one form, and how its figures came about.",
        parameters=[TRACE_ID, SPAN_ID, PROJECT],
        responses=answers(span_shapes.SpanDetail, 404, 503),
    )
    def get(self, request: Request, trace_id: str, span_id: str) -> Response:
        detail = get_reader().span(self.project, trace_ids.trace_id(trace_id), trace_ids.span_id(span_id))
        answer = representations.span(self.project, detail)
        answer["input"] = detail.input
        answer["output"] = detail.output
        answer["messages"] = conversation(detail)
        answer["evaluations"] = representations.evaluations(detail)
        own_prices = prices.overrides_of(self.project)
        answer["explanation"] = asdict(explain.explain(detail.row, detail.attributes, own_prices))
        return Response(answer)


def hint_of(project: str, summary: TraceSummary) -> dict[str, str] | None:
    """Where to look first in a run that failed. A trace is given without it when the store does not say."""
    try:
        found = hints.hint(project, summary)
    except Unavailable:
        return None
    return asdict(found) if found else None


def conversation(detail: SpanDetail) -> dict[str, Any]:
    """The span's messages in the normal form, computed when they are read."""
    events = [Event(event.time_ns, event.name, event.attributes) for event in detail.events]
    return messages(detail.attributes, events, detail.row.type).to_json()
