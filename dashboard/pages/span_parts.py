"""Parts of one span's payloads that its drawer has left out: rows of a tree, more of a text, a value to copy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import json_tree
from dashboard.api import trace_ids
from dashboard.conversation_view import conversation_of
from dashboard.inline_media import without_media
from dashboard.json_values import NotJson, parse, pointed, write
from dashboard.pages.access import page
from dashboard.pages.trace_conversation import number
from dashboard.payload_view import MORE_TEXT, MOST_TEXT, source_of
from dashboard.visible_text import visible
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanDetail
from tracestore.errors import InvalidInput, NotFound
from tracestore.spans.messages import Part

EXPECTED = "expected input, output, attribute:, resource: or scope: with a key, said:, answer: or offer: with a place."


@page
def part(request: HttpRequest, project: str, trace_id: str, span_id: str) -> HttpResponse:
    """`of` names the payload. With `text`: its characters from there on. With `at`, a JSON pointer: the entries
    there, from number `from` on; with `as=text` the value there as text."""
    trace_id, span_id = trace_ids.trace_id(trace_id), trace_ids.span_id(span_id)
    detail = reader.get_reader().span(project, trace_id, span_id)
    wanted = request.GET.get("of", "")
    value = payload(detail, wanted)
    if request.GET.get("text"):
        return more_text(request, detail, wanted, value, number(request.GET["text"], "text"))
    if request.GET.get("as") == "text" and not request.GET.get("at"):
        return as_text(value)
    try:
        found = pointed(parse(value) if isinstance(value, str) else value, request.GET.get("at", ""))
    except NotJson as error:
        raise NotFound("This payload is no JSON, or too large to be taken apart.") from error
    except KeyError as error:
        raise NotFound("There is nothing at this place of the payload.") from error
    if request.GET.get("as") == "text":
        return as_text(found)
    if not isinstance(found, dict | list):
        raise InvalidInput("at: expected the place of an object or array.", field="at")
    path = [one.replace("~1", "/").replace("~0", "~") for one in request.GET.get("at", "").split("/")[1:]]
    first = number(request.GET.get("from") or "0", "from")
    return HttpResponse(json_tree.render_rows(found, list[object](path), first, source_of(detail.row, wanted)))


def as_text(value: Any) -> HttpResponse:
    response = HttpResponse(write(value).encode("utf-8", "replace"), content_type="text/plain; charset=utf-8")
    # For the clipboard; opened as a page it would still be text, but nothing received is ever shown as a page.
    response["Content-Disposition"] = 'attachment; filename="value.txt"'
    return response


def more_text(request: HttpRequest, detail: SpanDetail, wanted: str, value: Any, first: int) -> HttpResponse:
    text = value if isinstance(value, str) else write(value)
    last = min(first + MORE_TEXT, len(text))
    context = {
        "text": visible(without_media(text[first:last])),
        "last": last,
        "length": len(text),
        "more": f"{source_of(detail.row, wanted)}text={last}" if last < min(len(text), MOST_TEXT) else "",
        "row": detail.row,
        "download": wanted if wanted in ("input", "output") else "raw",
    }
    return render(request, "dashboard/trace/more_text.html", context)


def payload(detail: SpanDetail, wanted: str) -> Any:
    """What `of` names: a text, or a value with objects and arrays.

    Raises:
        NotFound: the span has nothing of that name.
    """
    kind, _, name = wanted.partition(":")
    if wanted == "input":
        return detail.input
    if wanted == "output":
        return detail.output
    attributes = {
        "attribute": detail.attributes,
        "resource": detail.resource_attributes,
        "scope": detail.scope_attributes,
    }.get(kind)
    if attributes is not None:
        if name not in attributes:
            raise NotFound(f"The span has no such {kind}.")
        return attributes[name]
    found = of_conversation(detail, kind, name)
    if found is None:
        raise NotFound(f"The span has no such payload: {EXPECTED}")
    return found


def of_conversation(detail: SpanDetail, kind: str, name: str) -> Any:
    talk = conversation_of(detail)
    if talk is None:
        return None
    said = [*talk.input, *talk.output]
    if kind == "answer":
        parts = [part for message in said for part in message.parts if part["type"] == "tool_result"]
        # The last one, as the page has it.
        return next((content(part) for part in reversed(parts) if part.get("id", "") == name), None)
    places = [int(one) for one in name.split(":") if one.isascii() and one.isdecimal() and len(one) < 10]
    if kind == "offer" and len(places) == 1 and places[0] < len(talk.tools):
        return talk.tools[places[0]]["parameters"]
    if kind == "said" and len(places) == 2 and 1 <= places[0] <= len(said):
        message = said[places[0] - 1]
        return content(message.parts[places[1]]) if places[1] < len(message.parts) else None
    return None


def content(part: Part) -> Any:
    if part["type"] == "tool_call":
        return part.get("arguments", "")
    return part.get("result", "") if part["type"] == "tool_result" else part.get("text", "")
