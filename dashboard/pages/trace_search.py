"""What stands around the list of traces: its volume, its facets, and what completes a search."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from dashboard.api.filters import bound, trace_query
from dashboard.pages.access import page
from dashboard.pages.traces import PARAMETERS
from dashboard.volume_chart import HEIGHT, chart
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput
from tracestore.search import completing
from tracestore.search.completing import Option, Place
from tracestore.search.parser import parse
from tracestore.search.printing import with_term
from tracestore.search.tree import And, Not, exactly

TITLES = {
    "status": "Status",
    "agent": "Agent",
    "finding": "Finding",
    "tool": "Tool",
    "model": "Model",
    "service": "Service",
    "user": "User",
}
MOST_OPTIONS = 20


@page
def volume(request: HttpRequest, project: str) -> HttpResponse:
    """Bars of how many of the matching traces began when; empty for a search that makes no sense."""
    try:
        found = reader.get_reader().volume(project, trace_query(request.GET).wanted)
    except InvalidInput:
        return HttpResponse(status=204)
    return render(
        request, "dashboard/traces/volume.html", {"volume": found, "chart": chart(found), "chart_height": HEIGHT}
    )


@page
def facets(request: HttpRequest, project: str) -> HttpResponse:
    """The most frequent values among the matching traces, as links that put one into the search or take it out."""
    try:
        counted = reader.get_reader().facets(project, trace_query(request.GET).wanted)
    except InvalidInput:
        return HttpResponse(status=204)
    groups = [
        {"title": TITLES[field], "values": [choice(request, field, value, count) for value, count in values]}
        for field, values in counted.items()
    ]
    return render(request, "dashboard/traces/facets.html", {"groups": groups})


def choice(request: HttpRequest, field: str, value: str, count: int) -> dict[str, Any]:
    question = request.GET.get("q", "")
    term = exactly(field, value)
    tree = parse(question)
    there = tree.parts if isinstance(tree, And) else (tree,)
    only, without = with_term(question, term), with_term(question, Not(term))
    return {
        "value": value,
        "count": count,
        "chosen": term in there,
        "question": only,
        "query": query(request, only),
        "without": without,
        "without_query": query(request, without),
    }


def query(request: HttpRequest, question: str) -> str:
    """The list's address with another search."""
    pairs = {name: request.GET.get(name, "").strip() for name in PARAMETERS} | {"q": question}
    return "?" + urlencode([(name, value) for name, value in pairs.items() if value])


@page
def complete(request: HttpRequest, project: str) -> HttpResponse:
    """`{"start", "end", "options": [{"insert", "label", "about", "count"}]}` for the caret at `at` in `q`."""
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    if not (at.isascii() and at.isdecimal() and len(at) < 6 and int(at) <= len(text)):
        raise InvalidInput("at: expected a place in q.", field="at")
    place = completing.place_of(text, int(at))
    if place is None:
        return JsonResponse({"start": 0, "end": 0, "options": []})
    options = options_at(request, project, place)[:MOST_OPTIONS]
    return JsonResponse({"start": place.start, "end": place.end, "options": [asdict(option) for option in options]})


def options_at(request: HttpRequest, project: str, place: Place) -> list[Option]:
    if place.kind == "field":
        return completing.fields(place)
    wanted = TraceFilter(since=bound(request.GET, "since"), until=bound(request.GET, "until"))
    store = reader.get_reader()
    if place.kind == "attribute":
        space: Literal["attr", "resource"] = "resource" if place.field == "resource" else "attr"
        return completing.attributes(place, store.attribute_names(project, wanted, space))
    counted = store.facets(project, wanted, 200).get(place.field, []) if place.field in TITLES else []
    return completing.values(place, [] if place.in_span and place.field == "status" else counted)
