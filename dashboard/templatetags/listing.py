"""Links to the list of what is counted: the page's time range goes with them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse

register = template.Library()


@register.simple_tag(takes_context=True)
def listing(context: Context, name: str, *args: Any, **filters: Any) -> str:
    """The address of a page with filters, within the time of this page. Empty filters are left out.

    '' when there is no such page, so that a template can leave the link away.
    """
    try:
        path = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    chosen = context.get("range")
    pairs = {key: value for key, value in filters.items() if value not in ("", None)}
    query = urlencode(pairs | (chosen.pairs if chosen else {}))
    return f"{path}?{query}" if query else path
