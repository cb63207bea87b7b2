"""The conversation view: calls in pages that are loaded as one reads on, and messages that were folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.api import trace_ids
from dashboard.conversation_view import Budget, MessageView, is_paired, message_view, paired_results
from dashboard.pages.access import page
from dashboard.trace_conversation_view import Entry, entries
from tracestore.analysis.conversation import Call, calls
from tracestore.analysis.tree import build
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanDetail, SpanRow
from tracestore.errors import InvalidInput, NotFound
from tracestore.spans.messages import Conversation, messages
from tracestore.spans.model import Event

SPAN_LIMIT = 100_000
CALLS_AT_ONCE = 12
#: Payloads of one page of calls: an agent resends its whole conversation with every call.
BYTES_AT_ONCE = 16 << 20
MESSAGES_AT_ONCE = 50


@dataclass(slots=True)
class Chunk:
    """Calls [first, last) of `total`; `earlier` is where the page before begins."""

    entries: list[Entry]
    first: int
    last: int
    total: int

    @property
    def earlier(self) -> int:
        return max(self.first - CALLS_AT_ONCE, 0)


@dataclass(slots=True)
class FoldedMessages:
    """Input messages [first, last) of a call, up to `wanted`."""

    row: SpanRow
    messages: list[MessageView]
    last: int
    wanted: int


def chunk(
    project: str, trace_id: str, spans: Sequence[SpanRow], begin: str | None, selected: str = "", until: int = -1
) -> Chunk:
    """A page of calls: from number `begin`, else those around the chosen span, else the first.

    Raises:
        InvalidInput: `begin` is no number.
    """
    found = calls(spans, build(spans))
    if begin:
        first = min(number(begin, "from"), len(found))
    else:
        chosen = next((n for n, call in enumerate(found) if has_span(call, selected, spans)), 0) if selected else 0
        first = chosen - 2 if chosen >= CALLS_AT_ONCE else 0
    most = min(first + CALLS_AT_ONCE, len(found)) if until < 0 else min(until, len(found))
    last, taken = first, 0
    while last < most:
        taken += size(spans[found[last].index])
        if last > first and taken > BYTES_AT_ONCE and until < 0:
            break
        last += 1
    wanted = range(first, last)
    near = {*wanted, *(n for k in wanted for n in (found[k].previous, found[k].following) if n >= 0)}
    details = reader.get_reader().spans_by_id(project, trace_id, [spans[found[k].index].span_id for k in sorted(near)])
    talks = {
        k: talk_of(details[spans[found[k].index].span_id]) for k in near if spans[found[k].index].span_id in details
    }
    return Chunk(entries(spans, found, wanted, talks), first, last, len(found))


def has_span(call: Call, span_id: str, spans: Sequence[SpanRow]) -> bool:
    return any(spans[index].span_id == span_id for index in (call.index, *call.tools))


def size(row: SpanRow) -> int:
    return row.input_bytes + row.output_bytes


def talk_of(detail: SpanDetail) -> Conversation:
    events = [Event(event.time_ns, event.name, event.attributes) for event in detail.events]
    return messages(detail.attributes, events, detail.row.type)


@page
def more(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """Further calls, for htmx; anybody else is sent to the page that begins with them."""
    trace_id = trace_ids.trace_id(trace_id)
    begin, end = request.GET.get("from") or "0", request.GET.get("to")
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('trace', args=[trace_id])}?view=conversation&from={number(begin, 'from')}")
    spans = reader.get_reader().spans(project, trace_id, limit=SPAN_LIMIT)
    if not spans:
        raise NotFound("There is no such trace in this project.")
    until = min(number(end, "to"), number(begin, "from") + CALLS_AT_ONCE) if end else -1
    talk = chunk(project, trace_id, spans, begin, until=until)
    return render(
        request,
        "dashboard/trace/talk.html",
        {"talk": talk, "trace_id": trace_id, "only": "earlier" if end else "later"},
    )


@page
def folded(request: HttpRequest, project: str, trace_id: str, span_id: str) -> HttpResponse:
    """Input messages of one call that the page has only counted, some at a time."""
    trace_id, span_id = trace_ids.trace_id(trace_id), trace_ids.span_id(span_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('trace', args=[trace_id])}?view=conversation&span={span_id}")
    first, wanted = number(request.GET.get("from") or "0", "from"), number(request.GET.get("to") or "0", "to")
    detail = reader.get_reader().span(project, trace_id, span_id)
    said = talk_of(detail).input
    wanted = min(wanted, len(said))
    last = min(first + MESSAGES_AT_ONCE, wanted)
    results = paired_results(said)
    budget = Budget()
    shown = [
        message_view(said[place], place + 1, False, results, budget, detail.row)
        for place in range(first, last)
        if not is_paired(said[place], results)
    ]
    made = FoldedMessages(detail.row, shown, last, wanted)
    return render(request, "dashboard/trace/talk_messages.html", {"folded": made})


def number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidInput(f"{name} is no number: expected a whole number from 0.", field=name)
    return int(text)
