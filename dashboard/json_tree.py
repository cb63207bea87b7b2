"""JSON payloads as a tree of <details>: readable, foldable without script, bounded.

Numbers keep the digits they were received with (a browser would round large ones). Iterative, since
payloads may be nested deeper than Python's stack.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.visible_text import visible

#: Entries shown at most; the rest is counted, and in the download.
ENTRY_LIMIT = 1_000
DEPTH_LIMIT = 24
STRING_LIMIT = 4_000
#: Longer texts are not parsed while a page waits.
PARSE_LIMIT = 2_000_000


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class NotJson(ValueError):
    """The text is not one JSON object or array, or too large or too deep to be parsed here."""


def parse(text: str) -> Any:
    """The value of a text that is one JSON object or array.

    Raises:
        NotJson: it is something else; show it as text.
    """
    head = text.lstrip()[:1]
    if head not in ("{", "[") or len(text) > PARSE_LIMIT:
        raise NotJson
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except (ValueError, RecursionError) as error:
        raise NotJson from error


def scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f'<span class="j-word">{"null" if value is None else str(value).lower()}</span>'
    if isinstance(value, int | float | Number):
        return f'<span class="j-number">{escape(visible(str(value), limit=400))}</span>'
    if isinstance(value, bytes):
        text = base64.b64encode(value[:300]).decode()
        return f'<span class="j-word">{len(value)} bytes, base64</span> {escape(text)}'
    text = str(value)
    cut = f' <span class="j-more">… {len(text):,} characters</span>' if len(text) > STRING_LIMIT else ""
    return f'<span class="j-string">{escape(visible(text, limit=STRING_LIMIT))}</span>{cut}'


def key(name: object) -> str:
    if isinstance(name, int):
        return f'<span class="j-index">{name}</span> '
    return f'<span class="j-key">{escape(visible(str(name), limit=200))}</span> '


def summary(value: Any) -> str:
    count = len(value)
    word = ("field" if isinstance(value, dict) else "item") + ("" if count == 1 else "s")
    return f'<span class="j-more">{count:,} {word}</span>'


def entries(value: Any) -> Iterator[tuple[object, Any]]:
    return iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))


def render(value: Any, *, open_depth: int = 2) -> SafeString:
    """The value as nested lists; containers below `open_depth` start folded."""
    if not isinstance(value, dict | list):
        return mark_safe(f'<div class="json">{scalar(value)}</div>')  # noqa: S308 - escaped by scalar
    out = ['<ul class="json">']
    shown = 0
    levels = [entries(value)]
    while levels:
        if shown >= ENTRY_LIMIT:
            out.append('<li class="j-more">… more entries than are shown here; the download has all</li>')
            out.extend("</ul></details></li>" for _ in levels[1:])
            break
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            if levels:
                out.append("</ul></details></li>")
            continue
        shown += 1
        name, item = entry
        if not isinstance(item, dict | list) or not item:
            text = summary(item) if isinstance(item, dict | list) else scalar(item)
            out.append(f"<li>{key(name)}{text}</li>")
        elif len(levels) >= DEPTH_LIMIT:
            out.append(f'<li>{key(name)}{summary(item)} <span class="j-more">nested deeper</span></li>')
        else:
            is_open = " open" if len(levels) < open_depth and len(item) <= 50 else ""
            out.append(f"<li><details{is_open}><summary>{key(name)}{summary(item)}</summary><ul>")
            levels.append(entries(item))
    out.append("</ul>")
    return mark_safe("".join(out))  # noqa: S308 - every received text went through escape()
