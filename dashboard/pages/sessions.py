"""`/sessions/` and `/sessions/{id}/`: traces that share a conversation, read as one."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import preview_text
from dashboard.api import trace_ids
from dashboard.api.filters import MAX_TEXT
from dashboard.pages.access import page
from dashboard.pages.time_range import time_range
from tracestore.clickhouse import reader
from tracestore.clickhouse.aggregates import sessions
from tracestore.clickhouse.columns import PREVIEW_CHARS
from tracestore.clickhouse.rows import SpanDetail, SpanRow, TraceFilter, TraceSummary
from tracestore.errors import InvalidInput
from tracestore.spans.messages import Conversation, Message, messages
from tracestore.spans.model import Event

#: Turns of a conversation on one page.
TURNS: Final = 100
#: Sessions of one page of the list.
SHOWN: Final = 100


@page
def session_list(request: HttpRequest, project: str) -> HttpResponse:
    chosen = time_range(request, project)
    wanted = {name: request.GET.get(name, "").strip() for name in ("agent", "user")}
    for name, value in wanted.items():
        if len(value) > MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {MAX_TEXT} characters.", field=name)
    found = sessions.sessions(chosen.period, **wanted, limit=SHOWN, cursor=request.GET.get("cursor", ""))
    context: dict[str, Any] = {
        "range": chosen,
        "range_keeps": [(name, value) for name, value in wanted.items() if value],
        "found": found,
        "wanted": wanted,
        "first_page": not request.GET.get("cursor"),
    }
    return render(request, "dashboard/sessions/list.html", context)


@page
def session(request: HttpRequest, project: str, session_id: str) -> HttpResponse:
    """The turns from the first on: a trace is one. `from` goes on after the page before."""
    figures = sessions.session(project, session_id)
    after = request.GET.get("from", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    turns = turns_of(project, session_id)
    context: dict[str, Any] = {
        "session": figures,
        "turns": [(turn, is_cut(turn)) for turn in turns[start : start + TURNS]],
        "first": start + 1,
        "earlier": start - TURNS if start >= TURNS else 0 if start else None,
        "later": start + TURNS if len(turns) > start + TURNS else None,
        "known": len(turns),
    }
    return render(request, "dashboard/sessions/session.html", context)


def turns_of(project: str, session_id: str) -> list[TraceSummary]:
    """The session's traces by start, at most the latest thousand."""
    found = reader.get_reader().list_traces(project, TraceFilter(session_id=session_id), limit=1_000)
    return found.results[::-1]


def is_cut(turn: TraceSummary) -> bool:
    return max(len(turn.input_preview), len(turn.output_preview)) >= PREVIEW_CHARS


@page
def turn(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """The whole question and answer of a trace: the fragment that takes the place of their beginnings."""
    store = reader.get_reader()
    found = trace_ids.trace_id(trace_id)
    summary = store.trace(project, found)
    spans = outermost_first(store.spans(project, found))
    models = sorted((span for span in spans if span.type == "llm"), key=lambda span: span.start_ns)
    # As trace_summary.sql has it: what the outermost span says, else the first and the last model call.
    asking = next((span for span in (*spans[:1], *models) if span.input_preview), None)
    answering = next((span for span in (*spans[:1], *reversed(models)) if span.output_preview), None)
    asked = question(store.span(project, found, asking.span_id)) if asking else ""
    answered = answer(store.span(project, found, answering.span_id)) if answering else ""
    context = {
        "turn": summary,
        # Payloads may be kept for a shorter time than spans; then the beginnings are what is left.
        "asked": asked or preview_text.words(summary.input_preview),
        "answered": answered or preview_text.words(summary.output_preview),
    }
    return render(request, "dashboard/sessions/words.html", context)


def outermost_first(spans: list[SpanRow]) -> list[SpanRow]:
    return sorted(spans, key=lambda span: (span.parent_span_id != "", span.start_ns, span.span_id))


def question(detail: SpanDetail) -> str:
    """What the user said last, else the words of the payload."""
    said = [text_of(message) for message in conversation_of(detail).input if message.role == "user"]
    return next((words for words in reversed(said) if words), "") or preview_text.words(detail.input)


def answer(detail: SpanDetail) -> str:
    said = [text_of(message) for message in conversation_of(detail).output]
    return "\n\n".join(filter(None, said)) or preview_text.words(detail.output)


def conversation_of(detail: SpanDetail) -> Conversation:
    events = [Event(event.time_ns, event.name, event.attributes) for event in detail.events]
    return messages(detail.attributes, events, detail.row.type)


def text_of(message: Message) -> str:
    return "\n".join(part.get("text", "") for part in message.parts if part["type"] == "text").strip()
