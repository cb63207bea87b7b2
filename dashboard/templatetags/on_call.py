"""How the pages of on-call write times, lengths and matchers."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import figures_as_text
from tracestore.alerts import matchers
from tracestore.moments import nanoseconds

register = template.Library()
SECOND_NS = 1_000_000_000


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """`12 m ago`, exact on hover; page.js keeps it current."""
    if at is None:
        return ""
    at_ns = nanoseconds(at)
    return format_html(
        '<time datetime="{}" title="{}" data-ns="{}">{}</time>',
        at.astimezone(UTC).isoformat(),
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        at_ns,
        figures_as_text.ago(at_ns, time.time_ns()),
    )


@register.filter
def clock(at: datetime | None) -> SafeString | str:
    """`2026-11-26 09:00 UTC`; ranges.js writes it in the reader's zone."""
    if at is None:
        return ""
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-local>{}</time>', f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M} UTC"
    )


@register.filter
def lasted(start: datetime, end: datetime | None) -> str:
    """`42 m 10 s` from start to end, or until now."""
    until = nanoseconds(end) if end else time.time_ns()
    return figures_as_text.duration(max(until - nanoseconds(start), 0) // SECOND_NS * SECOND_NS)


@register.filter
def seconds(count: int) -> str:
    """`15 m 00 s`, `4 h 00 m`."""
    return figures_as_text.duration(count * SECOND_NS) if count else "0 s"


@register.filter
def matcher_lines(rows: object) -> str:
    """Matchers as lines of `name="value"`, as Alertmanager writes them."""
    return "\n".join(str(one) for one in matchers.stored(rows))


@register.filter
def lines(text: str) -> list[str]:
    return text.splitlines()
