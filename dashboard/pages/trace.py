"""`/traces/{id}/`: header, first rows of the waterfall, its columns as JSON. Other views: `trace_views`."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode

from dashboard import waterfall, waterfall_rows
from dashboard.api import trace_ids
from dashboard.outline import WHOLE, outline, plain
from dashboard.pages import span as span_page
from dashboard.pages import trace_views
from dashboard.pages.access import page
from dashboard.recent_traces import RecentTraces
from dashboard.timeline import RUNNING, Timeline
from tracestore import collection
from tracestore.clickhouse import reader
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.detecting import hints
from tracestore.clickhouse.reader import TraceReader
from tracestore.clickhouse.rows import TimelineSpan, TraceFinding, TraceSummary
from tracestore.errors import InvalidInput, Unavailable
from tracestore.spans.explain import sums

#: The first rows of a giant are made from so many spans by start time, so that its page does not wait for all.
FIRST_SPANS = 2_000
#: "+N hidden" rows that one page may have pressed, so that its address stays one.
MOST_OPENED = 200

#: Columns of so many bytes are packed at this level: a sixth of the time of the usual one for a seventh more to send.
PACKED_FROM = 50_000
PACKING = 1
#: As Django's own middleware reads the header.
ACCEPTS_GZIP = re.compile(r"\bgzip\b")

recent = RecentTraces()


@page
def trace(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    trace_id = trace_ids.trace_id(trace_id)
    other = trace_views.other_view(request, project, trace_id)
    if other is not None:
        return other
    store = reader.get_reader()
    summary, (version, findings) = about(store, project, trace_id)
    selected = request.GET.get("span", "").lower()
    is_part = summary.span_count > WHOLE and not selected
    most = FIRST_SPANS if is_part else settings.TRACE_VIEW_MAX_SPANS
    with collection.put_off():
        spans = store.timeline(project, trace_id, limit=most)
        timeline = Timeline(spans, findings=findings, is_running=summary.status == RUNNING, version=version)
        node = timeline.node_of.get(selected, -1) if selected else -1
        rows = waterfall_rows.first_rows(timeline, node)
    context = head(summary, spans) | {
        **trace_views.judged(project, summary, findings),
        "findings": findings,
        "unread": max(summary.span_count - settings.TRACE_VIEW_MAX_SPANS, 0),
        "is_skeleton": summary.span_count > WHOLE,
        "most_read": settings.TRACE_VIEW_MAX_SPANS,
        "most_shown": WHOLE,
        "span_total": min(summary.span_count, settings.TRACE_VIEW_MAX_SPANS) if is_part else timeline.total,
        "q": request.GET.get("q", ""),
        "missing_span": bool(selected) and node < 0,
        "selected": selected if node >= 0 else "",
        "columns_url": reverse("trace-columns", args=[trace_id]),
        "rows": rows,
        "chosen_row": next((row.index for row in rows if row.selected), None),
    }
    if node >= 0:
        context["columns_query"] = f"?{urlencode({'span': selected})}"
        if timeline.span(node).status != RUNNING:
            detail = store.span(project, trace_id, selected)
            context["drawer"] = span_page.drawer_for(request, project, detail)
    if not is_part:
        recent.put(project, trace_id, timeline)
    return render(request, "dashboard/trace/trace.html", context)


@page
def trace_header(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """The header alone, for a page whose trace grows."""
    trace_id = trace_ids.trace_id(trace_id)
    store = reader.get_reader()
    summary, (_, findings) = about(store, project, trace_id)
    spans = store.timeline(project, trace_id, limit=FIRST_SPANS)
    return render(
        request,
        "dashboard/trace/facts.html",
        head(summary, spans) | trace_views.judged(project, summary, findings) | {"findings": findings},
    )


@page
def look_here(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """Where to look first in a run that failed; asked for when the page is there, since it reads payloads."""
    summary = reader.get_reader().trace(project, trace_ids.trace_id(trace_id))
    try:
        hint = hints.hint(project, summary)
    except Unavailable:
        return HttpResponse(status=204)  # a hint is not worth an error on a page that is there
    context = {"hint": hint, "trace_id": summary.trace_id}
    return render(request, "dashboard/trace/look_here.html", context)


@page
def trace_columns(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """The waterfall's columns; see dashboard/waterfall.py for their form.

    `under` (repeatable) names the span of a "+N hidden" row that was pressed, or is empty for the one
    below all; `span` must be among the rows; `plain=1` asks for all spans and nothing else; `known` is
    the `version` of the columns that the page has: if they would be the same, the answer is 204.
    """
    trace_id = trace_ids.trace_id(trace_id)
    opened = request.GET.getlist("under")
    if len(opened) > MOST_OPENED:
        raise InvalidInput(f"At most {MOST_OPENED} hidden rows can be opened; narrow the filter.", field="under")
    store = reader.get_reader()
    summary, (version, findings) = about(store, project, trace_id)
    if request.GET.get("known") == version:
        return HttpResponse(status=204)
    with collection.put_off():
        timeline = recent.get(project, trace_id, version)
        if timeline is None:
            spans = store.timeline(project, trace_id, limit=settings.TRACE_VIEW_MAX_SPANS)
            timeline = Timeline(spans, findings=findings, is_running=summary.status == RUNNING, version=version)
            if len(spans) > WHOLE:
                # Its hidden rows will be opened next; a small one would not be asked for again.
                recent.put(project, trace_id, timeline)
        if request.GET.get("plain") == "1":
            rows = plain(timeline)
        else:
            rows = outline(timeline, opened, timeline.node_of.get(request.GET.get("span", "").lower(), -1))
        body = json.dumps(waterfall.columns(timeline, rows), separators=(",", ":"), ensure_ascii=False)
    return packed(request, body.encode("utf-8", "replace"))


def packed(request: HttpRequest, body: bytes) -> HttpResponse:
    """JSON that is packed here, where the browser can unpack it: the middleware would take longer than it saves."""
    answer = HttpResponse(content_type="application/json")
    if len(body) >= PACKED_FROM and ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", "")):
        body = gzip.compress(body, PACKING, mtime=0)
        answer["Content-Encoding"] = "gzip"
    patch_vary_headers(answer, ["Accept-Encoding"])
    answer.content = body
    return answer


def about(store: TraceReader, project: str, trace_id: str) -> tuple[TraceSummary, tuple[str, list[TraceFinding]]]:
    """A trace's summary; what its rows depend on, as one version; its findings.

    The version is read before the spans are, so that what comes in between is seen the next time.
    """
    summary, (stored, findings) = both(
        lambda: store.trace(project, trace_id),
        lambda: (store.version(project, trace_id), store.trace_findings(project, trace_id)),
    )
    parts = [stored, summary.status == RUNNING, *(found.id for found in findings)]
    return summary, (hashlib.sha256(repr(parts).encode()).hexdigest()[:16], findings)


def head(summary: TraceSummary, spans: list[TimelineSpan]) -> dict[str, Any]:
    # Sums only of the whole trace: over a part of it they would contradict the summary.
    return {"summary": summary, "sums": sums(spans) if len(spans) >= summary.span_count else None}
