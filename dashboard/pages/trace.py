"""`/traces/{id}/`: header, first rows of the waterfall, its columns as JSON, and the plain table."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import waterfall, waterfall_rows
from dashboard.api import trace_ids
from dashboard.pages import span as span_page
from dashboard.pages.access import page
from tracestore.analysis.tree import Tree, build
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanRow, TraceSummary
from tracestore.errors import NotFound

#: Spans of one trace that are shown at most; above, the page says how many there are.
SPAN_LIMIT = 100_000
TABLE_PAGE = 500


class RecentColumns:
    """The columns made for a page, kept for the seconds until its script asks for them.

    Otherwise each trace would be read and its tree built twice. Small, short-lived, per process: a
    miss only costs time.
    """

    def __init__(self, entries: int = 4, seconds: float = 10.0) -> None:
        self.entries, self.seconds = entries, seconds
        self._kept: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, project: str, trace_id: str, body: bytes) -> None:
        with self._lock:
            self._kept[project, trace_id] = (time.monotonic(), body)
            self._kept.move_to_end((project, trace_id))
            while len(self._kept) > self.entries:
                self._kept.popitem(last=False)

    def take(self, project: str, trace_id: str) -> bytes | None:
        """The body, once: a reload must see spans that came since."""
        with self._lock:
            made, body = self._kept.pop((project, trace_id), (0.0, None))
        return body if time.monotonic() - made < self.seconds else None


recent = RecentColumns()


def encode(spans: list[SpanRow], tree: Tree) -> bytes:
    return json.dumps(waterfall.columns(spans, tree), separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )


@page
def trace(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    trace_id = trace_ids.trace_id(trace_id)
    store = reader.get_reader()
    summary = store.trace(project, trace_id)
    spans = store.spans(project, trace_id, limit=SPAN_LIMIT)
    tree = build(spans)
    context: dict[str, Any] = {
        "summary": summary,
        "header_marks": header_marks(summary),
        "hidden": max(summary.span_count - len(spans), 0),
        "span_total": len(spans),
        "q": request.GET.get("q", ""),
        "view": "table" if request.GET.get("view") == "table" else "waterfall",
    }
    selected, node = request.GET.get("span", "").lower(), -1
    if selected:
        node = next((n for n, i in enumerate(tree.order) if spans[i].span_id == selected), -1)
        context["missing_span"] = node < 0
    if node >= 0:
        detail = store.span(project, trace_id, selected)
        context["drawer"] = span_page.drawer(project, detail, request.GET.get("tab", ""))
    context["selected"] = selected if node >= 0 else ""
    context["selected_node"] = node
    if context["view"] == "table":
        context["table"] = table_page(spans, tree, context["q"], request.GET.get("page", "1"))
        return render(request, "dashboard/trace/table.html", context)
    recent.put(project, trace_id, encode(spans, tree))
    context["rows"] = waterfall_rows.rows(spans, tree, waterfall_rows.first_nodes(tree, node), node)
    return render(request, "dashboard/trace/trace.html", context)


@page
def trace_columns(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """The waterfall's columns; see dashboard/waterfall.py for their form."""
    trace_id = trace_ids.trace_id(trace_id)
    body = recent.take(project, trace_id)
    if body is None:
        spans = reader.get_reader().spans(project, trace_id, limit=SPAN_LIMIT)
        if not spans:
            raise NotFound("There is no such trace in this project.")
        body = encode(spans, build(spans))
    return HttpResponse(body, content_type="application/json")


def header_marks(summary: TraceSummary) -> list[tuple[str, int]]:
    """Counts of the header, with the words that follow them."""
    return [
        ("span" if summary.span_count == 1 else "spans", summary.span_count),
        ("model call" if summary.llm_calls == 1 else "model calls", summary.llm_calls),
        ("tool call" if summary.tool_calls == 1 else "tool calls", summary.tool_calls),
    ]


def table_page(spans: list[SpanRow], tree: Tree, text: str, number: str) -> Any:
    """One page of the plain table, of the rows whose name, type, model or tool has the text."""
    wanted = text.casefold().strip()
    nodes = [
        node
        for node, index in enumerate(tree.order)
        if not wanted or any(wanted in field.casefold() for field in searched(spans[index]))
    ]
    found = Paginator(nodes, TABLE_PAGE).get_page(number)
    found.object_list = waterfall_rows.rows(spans, tree, list(found.object_list))
    return found


def searched(span: SpanRow) -> tuple[str, ...]:
    return (span.name, span.type, span.status, waterfall.label(span), span.span_id)
