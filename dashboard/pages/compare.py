"""`/compare/?a=&b=`: two traces side by side, or a trace beside the typical run of its agent (`b=typical`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.api import trace_ids
from dashboard.compared_traces import compared, typical_of
from dashboard.comparison_view import comparison_view
from dashboard.conversation_view import conversation_of
from dashboard.message_text import messages_text, readable
from dashboard.pages.access import page
from dashboard.prompt_changes_view import DiffView, PromptChangesView, diff_view, prompt_changes_view
from tracestore.analysis.text_changes import text_changes
from tracestore.analysis.typical_run import TypicalRun
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanDetail, SpanRow, TraceFilter, TraceSummary
from tracestore.errors import NotFound

TYPICAL = "typical"
#: Other runs of the agent offered to choose from.
OFFERED = 15
#: An id in whatever was pasted: an address of a trace's page, too.
ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


@page
def compare(request: HttpRequest, project: str) -> HttpResponse:
    wanted = request.GET.get("a", "").strip(), request.GET.get("b", "").strip()
    context: dict[str, Any] = {"asked_a": wanted[0][:200], "asked_b": wanted[1][:200]}
    status, a = 200, None
    try:
        a = summary_of(project, wanted[0], "A") if wanted[0] else None
        context["a"] = a
        if a is not None:
            context["others"] = others(project, a)
        typical: TypicalRun | None = None
        if a is not None and wanted[1] == TYPICAL:
            typical, context["complaint"] = typical_or_why(project, a)
            context["asked_b"] = typical.trace_id if typical else ""
        b = summary_of(project, context["asked_b"], "B") if context["asked_b"] else None
    except NotFound as error:
        context["complaint"], status, b, typical = error.message, 404, None, None
    if a is not None and b is not None:
        context |= {"b": b, "typical": typical, "is_same": a.trace_id == b.trace_id}
        if a.trace_id != b.trace_id:
            found = compared(project, a, b)
            context |= {"found": found, "view": comparison_view(found)}
    return render(request, "dashboard/compare/compare.html", context, status=status)


def typical_or_why(project: str, a: TraceSummary) -> tuple[TypicalRun | None, str]:
    """That an agent has only run once is nothing wrong with the address."""
    try:
        return typical_of(project, a), ""
    except NotFound as error:
        return None, error.message


def summary_of(project: str, text: str, side: str) -> TraceSummary:
    """The trace that a text names by its id or by an address with it.

    Raises:
        NotFound: it names none of this project.
    """
    found = ID.search(text.lower())
    if found is None:
        raise NotFound(
            f"{side} names no trace: expected a trace id (32 hexadecimal digits) or the address of its page."
        )
    try:
        return reader.get_reader().trace(project, found[0])
    except NotFound as error:
        raise NotFound(f"{side}: there is no trace {found[0]} in this project.") from error


def others(project: str, a: TraceSummary) -> list[TraceSummary]:
    """The latest other runs of the trace's agent."""
    if not a.agent:
        return []
    page = reader.get_reader().list_traces(project, TraceFilter(agent=a.agent), limit=OFFERED + 1)
    return [one for one in page.results if one.trace_id != a.trace_id][:OFFERED]


@dataclass(slots=True)
class StepDetail:
    """What differs in one step. Parts that are not compared are None."""

    a: SpanRow
    b: SpanRow
    arguments: DiffView | None = None
    prompt: PromptChangesView | None = None
    answer: DiffView | None = None
    error: DiffView | None = None


@page
def step(request: HttpRequest, project: str) -> HttpResponse:
    """One step of both runs word by word: a fragment for htmx; anybody else is sent to the page."""
    ids = [trace_ids.trace_id(request.GET.get(name, "")) for name in ("a", "b")]
    spans = [trace_ids.span_id(request.GET.get(name, "")) for name in ("step_a", "step_b")]
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('compare')}?a={ids[0]}&b={ids[1]}")
    store = reader.get_reader()
    a, b = (store.span(project, trace_id, span_id) for trace_id, span_id in zip(ids, spans, strict=True))
    return render(request, "dashboard/compare/step.html", {"step": step_detail(a, b)})


def step_detail(a: SpanDetail, b: SpanDetail) -> StepDetail:
    made = StepDetail(a.row, b.row)
    left, right = conversation_of(a), conversation_of(b)
    if a.row.type == "llm" and left is not None and right is not None:
        made.prompt = prompt_changes_view(left, right)
        made.answer = diff_view(text_changes(messages_text(left.output), messages_text(right.output)))
    else:
        made.arguments = diff_view(text_changes(readable(a.input), readable(b.input)))
        made.answer = diff_view(text_changes(readable(a.output), readable(b.output)))
    if a.row.status_message or b.row.status_message:
        made.error = diff_view(text_changes(readable(a.row.status_message), readable(b.row.status_message)))
    return made
