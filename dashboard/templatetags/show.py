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
