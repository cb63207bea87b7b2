"""`/go/`: what the "go to" field offers for a text, beside the pages that the browser knows itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from dashboard.pages import settings
from dashboard.pages.access import page
from dashboard.visible_text import visible
from tracestore.clickhouse.named import Kind, Named, NamedFinding, named
from tracestore.errors import InvalidInput
from tracestore.search.printing import printed
from tracestore.search.tree import exactly

MOST_CHARACTERS: Final = 200
Option = dict[str, str]

_HREFS: Final[dict[Kind, Callable[[str], str]]] = {
    "agent": lambda name: reverse("agent", args=[name]),
    "tool": lambda name: reverse("tool", args=[name]),
    "session": lambda name: reverse("session", args=[name]),
    "trace": lambda name: reverse("trace", args=[name]),
    # A model has no page of its own: the traces that called it.
    "model": lambda name: f"{reverse('traces')}?{urlencode({'q': printed(exactly('model', name))})}",
}
#: The order in which kinds are offered: an id that was pasted is meant, whatever else contains it.
_ORDER: Final[tuple[Kind, ...]] = ("trace", "session", "agent", "tool", "model")


@page
def go(request: HttpRequest, project: str) -> HttpResponse:
    """`{"options": [{"kind", "label", "about", "href"}]}` for the text `q`; none for an empty one."""
    text = request.GET.get("q", "").strip()
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"q: expected at most {MOST_CHARACTERS} characters.", field="q")
    if not text:
        return JsonResponse({"options": []})
    things, findings = named(project, text)
    things.sort(key=lambda one: _ORDER.index(one.kind))
    options = [thing(one) for one in things] + [finding(one) for one in findings] + settings_pages(text)
    search = f"{reverse('traces')}?{urlencode({'q': text})}"
    options.append({"kind": "search", "label": text, "about": "search the traces", "href": search})
    return JsonResponse({"options": options})


def thing(one: Named) -> Option:
    about = (
        one.kind if one.kind == "trace" else f"{one.kind} · {one.traces:,} {'trace' if one.traces == 1 else 'traces'}"
    )
    return {"kind": one.kind, "label": visible(one.name, limit=120), "about": about, "href": _HREFS[one.kind](one.name)}


def finding(one: NamedFinding) -> Option:
    """A finding about a run opens at its evidence; one about many runs, at the agent."""
    if one.trace_id:
        href = reverse("trace", args=[one.trace_id]) + (f"?{urlencode({'span': one.span_id})}" if one.span_id else "")
    elif one.agent:
        href = reverse("agent", args=[one.agent])
    else:
        href = f"{reverse('traces')}?{urlencode({'q': printed(exactly('finding', one.detector))})}"
    return {
        "kind": "finding",
        "label": visible(one.title, limit=120),
        "about": f"finding · {one.detector}",
        "href": href,
    }


def settings_pages(text: str) -> list[Option]:
    """The pages below "Settings", which the navigation does not show."""
    return [
        {"kind": "page", "label": name, "about": "settings", "href": reverse(address)}
        for address, name, _ in settings.PAGES
        if name.lower().startswith(text.lower())
    ]
