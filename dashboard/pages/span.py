"""The drawer: one span with its messages, payloads, attributes, events and raw form."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.api import representations, trace_ids
from dashboard.attribute_rows import AttributeRow, attribute_rows
from dashboard.conversation_view import ConversationView, conversation_of, view
from dashboard.inline_media import without_media
from dashboard.pages.access import page
from dashboard.pages.span_changes import Changes, changes_of
from dashboard.payload_view import PayloadView, payload_view, source_of
from dashboard.visible_text import visible
from dashboard.waterfall import is_unpriced
from tracestore import prices
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import EventRow, SpanDetail, SpanRow
from tracestore.errors import NotFound
from tracestore.spans.explain import Explanation, explain
from tracestore.spans.semconv.log_events import Evaluation

#: Characters of the raw form shown at most.
RAW_LIMIT = 200_000
EVENT_LIMIT = 200


@dataclass(slots=True)
class Tab:
    key: str
    word: str
    count: int | None = None


@dataclass(slots=True)
class EventView:
    """An event; of an exception also what was raised, so that its stack trace reads as one."""

    event: EventRow
    offset_ns: int
    rows: list[AttributeRow]
    exception_type: str = ""
    exception_message: str = ""
    stacktrace: PayloadView | None = None


@dataclass(slots=True)
class Drawer:
    """What the drawer's template needs; only the active tab's content is made."""

    row: SpanRow
    tabs: list[Tab]
    active: str
    unpriced: bool
    explanation: Explanation
    error: str = ""
    conversation: ConversationView | None = None
    changes: Changes | None = None
    input: PayloadView | None = None
    output: PayloadView | None = None
    attributes: list[AttributeRow] = field(default_factory=list)
    resource: list[AttributeRow] = field(default_factory=list)
    scope: list[AttributeRow] = field(default_factory=list)
    events: list[EventView] = field(default_factory=list)
    events_hidden: int = 0
    links: list[Any] = field(default_factory=list)
    raw: PayloadView | None = None
    evaluations: list[Evaluation] = field(default_factory=list)


@page
def span(request: HttpRequest, project: str, trace_id: str, span_id: str) -> HttpResponse:
    """The drawer's fragment for htmx; anybody else is sent to the trace with this span open."""
    trace_id, span_id = trace_ids.trace_id(trace_id), trace_ids.span_id(span_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('trace', args=[trace_id])}?span={span_id}")
    detail = reader.get_reader().span(project, trace_id, span_id)
    return render(request, "dashboard/trace/drawer.html", {"drawer": drawer_for(request, project, detail)})


@page
def download(request: HttpRequest, project: str, trace_id: str, span_id: str, part: str) -> HttpResponse:
    """A payload as it was received; always a file, never shown by the browser."""
    trace_id, span_id = trace_ids.trace_id(trace_id), trace_ids.span_id(span_id)
    if part not in ("input", "output", "raw"):
        raise NotFound("There is no such part of a span: expected input, output or raw.")
    detail = reader.get_reader().span(project, trace_id, span_id)
    text = raw_json(project, detail) if part == "raw" else getattr(detail, part)
    response = HttpResponse(text.encode("utf-8", "replace"), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{span_id}-{part}.txt"'
    return response


def drawer_for(request: HttpRequest, project: str, detail: SpanDetail) -> Drawer:
    """The drawer as an address asks for it: `tab`, and `text=received` for messages without Markdown."""
    return drawer(project, detail, request.GET.get("tab", ""), as_received=request.GET.get("text") == "received")


def drawer(project: str, detail: SpanDetail, wanted: str, *, as_received: bool = False) -> Drawer:
    """The drawer of a span with the tab `wanted`, or its most telling one. `as_received`: no Markdown in messages."""
    row = detail.row
    talk = conversation_of(detail)
    tabs = []
    if talk is not None:
        tabs.append(Tab("messages", "Messages", len(talk.input) + len(talk.output)))
        if row.type == "llm":
            tabs.append(Tab("changes", "Changes"))
    if detail.input or detail.output:
        tabs.append(Tab("payload", "Arguments & result" if row.type == "tool" else "Input & output"))
    tabs.append(Tab("attributes", "Attributes", len(detail.attributes)))
    if detail.events or detail.links:
        tabs.append(Tab("events", "Events", len(detail.events) + len(detail.links)))
    tabs.append(Tab("raw", "Raw"))
    active = wanted if wanted in [tab.key for tab in tabs] else tabs[0].key
    explanation = explain(row, detail.attributes, prices.overrides_of(project))
    made = Drawer(row, tabs, active, is_unpriced(row), explanation, error_line(detail), evaluations=detail.evaluations)
    if active == "messages" and talk is not None:
        made.conversation = view(talk, row, as_received=as_received)
    elif active == "changes" and talk is not None:
        made.changes = changes_of(project, detail, talk)
    elif active == "payload":
        made.input = payload_view(detail.input, source_of(row, "input")) if detail.input else None
        made.output = payload_view(detail.output, source_of(row, "output")) if detail.output else None
    elif active == "attributes":
        made.attributes = attribute_rows(detail.attributes, row, "attribute")
        made.resource = attribute_rows(detail.resource_attributes, row, "resource")
        made.scope = attribute_rows(detail.scope_attributes, row, "scope")
    elif active == "events":
        made.events = [event_view(event, row.start_ns) for event in detail.events[:EVENT_LIMIT]]
        made.events_hidden = max(len(detail.events) - EVENT_LIMIT, 0)
        made.links = list(detail.links[:EVENT_LIMIT])
    else:
        made.raw = raw_view(project, detail)
    return made


def error_line(detail: SpanDetail) -> str:
    """What went wrong in one line: the status message, else the first exception's."""
    if detail.row.status != "error":
        return ""
    for event in detail.events:
        if event.name == "exception" and not detail.row.status_message:
            return str(event.attributes.get("exception.message") or "")
    return detail.row.status_message


def event_view(event: EventRow, start_ns: int) -> EventView:
    rest = dict(event.attributes)
    view = EventView(event, event.time_ns - start_ns, [])
    if event.name == "exception":
        view.exception_type = str(rest.pop("exception.type", "") or "")
        view.exception_message = str(rest.pop("exception.message", "") or "")
        stack = str(rest.pop("exception.stacktrace", "") or "")
        view.stacktrace = payload_view(stack) if stack else None
    view.rows = attribute_rows(rest)
    return view


def raw_view(project: str, detail: SpanDetail) -> PayloadView:
    """Without a tree: the raw form is for reading and copying as it stands."""
    told = without_media(raw_json(project, detail))
    return PayloadView(visible(told[:RAW_LIMIT]), len(told), is_cut=len(told) > RAW_LIMIT)


def raw_json(project: str, detail: SpanDetail) -> str:
    """The API's form of the span, payloads included."""
    whole = representations.span(project, detail) | {"input": detail.input, "output": detail.output}
    return json.dumps(whole, indent=2, ensure_ascii=False, default=as_base64)


def as_base64(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
