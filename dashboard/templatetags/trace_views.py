"""The switcher between the views of a trace."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest

register = template.Library()

#: Key in the address, and word, in the order of the keys 1 to 5.
VIEWS = (
    ("waterfall", "Waterfall"),
    ("flame", "Flame"),
    ("graph", "Graph"),
    ("conversation", "Conversation"),
    ("table", "Table"),
)
#: What goes along from one view to another.
KEPT = ("span", "t", "q")


@dataclass(slots=True)
class ViewLink:
    key: str
    word: str
    number: int
    href: str
    current: bool


@register.filter
def add_number(value: float, more: int) -> str:
    """A coordinate of a drawing, moved."""
    return f"{value + more:.1f}"


@register.simple_tag
def trace_views(request: HttpRequest) -> list[ViewLink]:
    """All views, with links that keep span, window and filter; `js/trace/views.js` renews them as these change."""
    asked = request.GET.get("view", "")
    here = asked if asked in dict(VIEWS) else "waterfall"
    kept = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    return [
        ViewLink(
            key,
            word,
            number,
            "?" + urlencode(kept | ({"view": key} if key != "waterfall" else {})),
            key == here,
        )
        for number, (key, word) in enumerate(VIEWS, 1)
    ]
