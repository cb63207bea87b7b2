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
from tracestore.clickhouse.rows import SpanRow
from tracestore.errors import NotFound
from tracestore.spans.explain import sums

#: Spans of one trace that are shown at most; above, the page says how many there are.
SPAN_LIMIT = 100_000
#: Above this many, the page itself is made from the first `FIRST_SPANS` by start time.
WHOLE_LIMIT = 20_000
FIRST_SPANS = 2_000
TABLE_PAGE = 500


class RecentTraces:
    """The spans read for a page, kept for the seconds until its script asks for the columns.

    Otherwise each trace would be read and its tree built twice. Small, short-lived, per process: a
    miss only costs time. Traces of more than `WHOLE_LIMIT` spans are never kept.
    """

    def __init__(self, entries: int = 4, seconds: float = 10.0) -> None:
        self.entries, self.seconds = entries, seconds
        self._kept: OrderedDict[tuple[str, str], tuple[float, list[SpanRow], Tree]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, project: str, trace_id: str, spans: list[SpanRow], tree: Tree) -> None:
        now = time.monotonic()
        with self._lock:
            self._kept[project, trace_id] = (now, spans, tree)
            self._kept.move_to_end((project, trace_id))
            while len(self._kept) > self.entries or next(iter(self._kept.values()))[0] < now - self.seconds:
                self._kept.popitem(last=False)

    def take(self, project: str, trace_id: str) -> tuple[list[SpanRow], Tree] | None:
        """What was put, once: a reload must see spans that came since."""
        with self._lock:
            found = self._kept.pop((project, trace_id), None)
        if found is None or time.monotonic() - found[0] > self.seconds:
            return None
        return found[1], found[2]


recent = RecentTraces()


@page
def trace(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    trace_id = trace_ids.trace_id(trace_id)
    store = reader.get_reader()
    summary = store.trace(project, trace_id)
    selected = request.GET.get("span", "").lower()
    as_table = request.GET.get("view") == "table"
    # Of a huge trace the first rows come from its first spans, so that the page does not wait for all.
    is_huge = summary.span_count > WHOLE_LIMIT and not selected and not as_table
    spans = store.spans(project, trace_id, limit=FIRST_SPANS if is_huge else SPAN_LIMIT)
    tree = build(spans)
    node = next((n for n, i in enumerate(tree.order) if spans[i].span_id == selected), -1) if selected else -1
    shown = min(summary.span_count, SPAN_LIMIT) if is_huge else len(spans)
    context: dict[str, Any] = {
        "summary": summary,
        # Only of the whole trace: sums over a part of it would contradict the summary.
        "sums": sums(spans) if len(spans) >= summary.span_count else None,
        "hidden": max(summary.span_count - shown, 0),
        "span_total": shown,
        "q": request.GET.get("q", ""),
        "missing_span": bool(selected) and node < 0,
        "selected": selected if node >= 0 else "",
        "selected_node": node,
    }
    if as_table:
        context["table"], context["rows"] = table_page(spans, tree, context["q"], request.GET.get("page", "1"))
        return render(request, "dashboard/trace/table.html", context)
    if node >= 0:
        detail = store.span(project, trace_id, selected)
        context["drawer"] = span_page.drawer(project, detail, request.GET.get("tab", ""))
    if len(spans) <= WHOLE_LIMIT and not is_huge:
        recent.put(project, trace_id, spans, tree)
    context["rows"] = waterfall_rows.rows(spans, tree, waterfall_rows.first_nodes(tree, node), node)
    return render(request, "dashboard/trace/trace.html", context)


@page
def trace_columns(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """The waterfall's columns; see dashboard/waterfall.py for their form."""
    trace_id = trace_ids.trace_id(trace_id)
    found = recent.take(project, trace_id)
    if found is None:
        spans = reader.get_reader().spans(project, trace_id, limit=SPAN_LIMIT)
        if not spans:
            raise NotFound("There is no such trace in this project.")
        found = spans, build(spans)
    body = json.dumps(waterfall.columns(*found), separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(body.encode("utf-8", "replace"), content_type="application/json")


def table_page(spans: list[SpanRow], tree: Tree, text: str, number: str) -> tuple[Any, list[waterfall_rows.Row]]:
    """One page of the plain table and its rows, of those whose name, type, model or tool has the text."""
    wanted = text.casefold().strip()
    nodes = [
        node
        for node, index in enumerate(tree.order)
        if not wanted or any(wanted in field.casefold() for field in searched(spans[index]))
    ]
    found = Paginator(nodes, TABLE_PAGE).get_page(number)
    return found, waterfall_rows.rows(spans, tree, list(found.object_list))


def searched(span: SpanRow) -> tuple[str, ...]:
    return (span.name, span.type, span.status, waterfall.label(span), span.span_id)
