"""Template filters of the pages: hostile text made visible, figures made readable, icons."""

from __future__ import annotations

import time
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import figures_as_text, preview_text, visible_text
from tracestore.spans.model import SPAN_TYPES

register = template.Library()

register.filter("duration", figures_as_text.duration)
register.filter("tokens", figures_as_text.tokens)
register.filter("cost", figures_as_text.cost)
register.filter("size", figures_as_text.size)
register.filter("moment", figures_as_text.moment)
register.filter("words", preview_text.words)


@register.filter
def shown(value: object, limit: int = 0) -> str:
    """Received text without control characters; every received string goes through here."""
    return visible_text.visible(str(value), limit=limit)


@register.filter
def ago(nanoseconds: int) -> str:
    return figures_as_text.ago(nanoseconds, time.time_ns())


@register.filter
def exact(count: int) -> str:
    return f"{count:,}"


@register.filter
def rate(dollars: Decimal | None) -> str:
    """Dollars for a million tokens, all digits that say something; an en dash for "as the tokens it is part of"."""
    if dollars is None:
        return "–"
    whole, _, places = f"{dollars:f}".partition(".")
    return f"${whole}.{places.rstrip('0').ljust(2, '0')}"


@register.filter
def known_type(span_type: str) -> str:
    """The type if it is one of ours, else `other`: what may be part of a class or an icon's name."""
    return span_type if span_type in SPAN_TYPES else "other"


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of the symbols in `icons.html`; decoration, since a word always stands beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>', name)


@register.simple_tag
def type_mark(span_type: str) -> SafeString:
    """A span type as icon and word in its hue. An unknown type is shown as received, in grey."""
    known = known_type(span_type)
    return format_html(
        '<span class="type t-{}">{}<span class="word">{}</span></span>',
        known,
        icon(known),
        visible_text.visible(span_type, limit=20) or "other",
    )


@register.filter
def times(factor: float) -> str:
    """`3.4 ×`, `620 ×`."""
    return f"{figures_as_text.significant(factor, 2 if factor < 100 else 3)} ×"


@register.filter
def each(sum_of_all: int, count: int) -> str:
    """The mean, to one place; an en dash of nothing."""
    return f"{sum_of_all / count:.1f}" if count else "–"


@register.filter
def percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


@register.filter
def share(part: float) -> str:
    return f"{part:.0%}"


@register.filter
def each_cost(sum_of_all: float | None, count: int) -> str:
    """The mean cost; `unknown` where nothing has a price."""
    return figures_as_text.cost(None if sum_of_all is None or not count else sum_of_all / count)
