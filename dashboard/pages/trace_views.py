"""`/traces/{id}/?view=…`: the views beside the waterfall, and what all views have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import agent_graph_view, waterfall, waterfall_rows
from dashboard.pages import span as span_page
from dashboard.pages import trace_conversation
from dashboard.timeline import RUNNING, Timeline
from tracestore import verdicts
from tracestore.alerts import reading as incidents
from tracestore.analysis.tree import build
from tracestore.clickhouse import reader
from tracestore.clickhouse.detecting import hints
from tracestore.clickhouse.rows import SpanRow, TraceFinding, TraceSummary
from tracestore.errors import NotFound
from tracestore.spans.explain import sums

TABLE_PAGE = 500


def other_view(request: HttpRequest, project: str, trace_id: str) -> HttpResponse | None:
    """The page of the view that is asked for; None for the waterfall, which is also what an unknown name means."""
    view = VIEWS.get(request.GET.get("view", ""))
    return view(request, project, trace_id) if view else None


def flame(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """Its script asks for the columns; the page itself needs no spans."""
    context = common(request, project, reader.get_reader().trace(project, trace_id), None)
    return render(request, "dashboard/trace/flame.html", context)


def graph(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    summary, spans = whole(project, trace_id)
    context = common(request, project, summary, spans)
    context["graph"] = agent_graph_view.graph_view(spans, build(spans), context["q"], context["selected"])
    return render(request, "dashboard/trace/graph.html", context)


def conversation(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    summary, spans = whole(project, trace_id)
    context = common(request, project, summary, spans)
    context["talk"] = trace_conversation.chunk(project, trace_id, spans, request.GET.get("from"), context["selected"])
    return render(request, "dashboard/trace/conversation.html", context)


def table(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    summary, spans = whole(project, trace_id)
    context = common(request, project, summary, spans)
    context["table"], context["rows"] = table_page(spans, context["q"], request.GET.get("page", "1"))
    return render(request, "dashboard/trace/table.html", context)


VIEWS: dict[str, Callable[[HttpRequest, str, str], HttpResponse]] = {
    "flame": flame,
    "graph": graph,
    "conversation": conversation,
    "table": table,
}


def whole(project: str, trace_id: str) -> tuple[TraceSummary, list[SpanRow]]:
    store = reader.get_reader()
    return store.trace(project, trace_id), store.spans(project, trace_id, limit=settings.TRACE_VIEW_MAX_SPANS)


def common(request: HttpRequest, project: str, summary: TraceSummary, spans: list[SpanRow] | None) -> dict[str, Any]:
    """What every view's page shows: header, filter, the chosen span in its drawer. `spans` where they were read."""
    selected = request.GET.get("span", "").lower()
    detail = None
    if selected:
        with suppress(NotFound):  # the page says so
            detail = reader.get_reader().span(project, summary.trace_id, selected)
    shown = len(spans) if spans is not None else min(summary.span_count, settings.TRACE_VIEW_MAX_SPANS)
    return {
        "summary": summary,
        **judged(project, summary),
        "findings": reader.get_reader().trace_findings(project, summary.trace_id),
        # Only of the whole trace: sums over a part of it would contradict the summary.
        "sums": sums(spans) if spans is not None and len(spans) >= summary.span_count else None,
        "hidden": max(summary.span_count - shown, 0),
        "span_total": shown,
        "q": request.GET.get("q", ""),
        "missing_span": bool(selected) and detail is None,
        "selected": selected if detail is not None else "",
        "drawer": span_page.drawer_for(request, project, detail) if detail is not None else None,
    }


def judged(project: str, summary: TraceSummary, findings: Sequence[TraceFinding] = ()) -> dict[str, Any]:
    """What is said of the run as a whole: the verdict while it goes on, whether there is a hint where to look, and the
    latest incident that what was found is or was part of.
    """
    return {
        "verdict": verdicts.verdict(project, "trace_id", summary.trace_id) if summary.status == RUNNING else None,
        "has_hint": hints.has_hint(summary),
        "incident": incidents.of_problem(project, *(one.fingerprint for one in findings)) if findings else None,
    }


def table_page(spans: list[SpanRow], text: str, number: str) -> tuple[Any, list[waterfall_rows.TableRow]]:
    """One page of the plain table and its rows, of those whose name, type, model or tool has the text."""
    timeline = Timeline(spans)
    wanted = text.casefold().strip()
    nodes = [
        node
        for node, index in enumerate(timeline.tree.order)
        if not wanted or any(wanted in field.casefold() for field in searched(spans[index]))
    ]
    found = Paginator(nodes, TABLE_PAGE).get_page(number)
    return found, waterfall_rows.table_rows(timeline, spans, list(found.object_list))


def searched(span: SpanRow) -> tuple[str, ...]:
    return (span.name, span.type, span.status, waterfall.label(span), span.span_id)
