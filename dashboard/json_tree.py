"""JSON values as a tree of <details>: readable, foldable without script, bounded.

Pure. The rows of a page are given to the outer levels first, so that one giant list does not hide its neighbours.
What is left out is loaded from `source` when it is unfolded, some rows at a time; without a source it is only counted.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.inline_media import without_media
from dashboard.json_values import Number, pointer_of
from dashboard.visible_text import visible

#: Rows of one tree, or of one answer to unfolding; more are loaded as they are asked for.
ROW_LIMIT = 3_333
#: Entries of one object or array at a time.
PAGE = 500
#: Levels of one answer; deeper ones are loaded when they are unfolded.
DEPTH_LIMIT = 24
STRING_LIMIT = 4_000
#: A longer address is not made: what lies there is in the download only.
POINTER_LIMIT = 1_500


def scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f'<span class="j-word">{"null" if value is None else str(value).lower()}</span>'
    if isinstance(value, int | float | Number):
        return f'<span class="j-number">{escape(visible(str(value), limit=400))}</span>'
    if isinstance(value, bytes):
        text = base64.b64encode(value[:300]).decode()
        return f'<span class="j-word">{len(value)} bytes, base64</span> {escape(text)}'
    text = str(value)
    told = without_media(text)
    shown = visible(told, limit=STRING_LIMIT)
    cut = f' <span class="j-more">… {len(text):,} characters</span>' if len(told) > STRING_LIMIT else ""
    # What was changed for the eye is copied from the server, as it was received.
    altered = "" if shown == text else " data-altered"
    return f'<span class="j-string"{altered}>{escape(shown)}</span>{cut}'


def key(name: object) -> str:
    if isinstance(name, int):
        return f'<span class="j-index">{name}</span> '
    text = str(name)
    shown = visible(text, limit=200)
    # Encoded, since what was altered is what must not stand in a page as it is.
    whole = text.encode("utf-8", "replace")
    altered = "" if shown == text or len(text) > POINTER_LIMIT else f' data-key="{quote(whole, safe="")}"'
    return f'<span class="j-key"{altered}>{escape(shown)}</span> '


def summary(value: Any) -> str:
    count = len(value)
    word = ("field" if isinstance(value, dict) else "item") + ("" if count == 1 else "s")
    return f'<span class="j-more">{count:,} {word}</span>'


def entries(value: Any, first: int = 0) -> Iterator[tuple[object, Any]]:
    found = iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))
    return islice(found, first, first + PAGE)


def is_container(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > 0


def render(value: Any, *, open_depth: int = 2, source: str = "") -> SafeString:
    """The value as nested lists; containers below `open_depth` start folded.

    `source` is the address that answers with what is left out and with values as text; it ends in `?` or `&`.
    """
    if not isinstance(value, dict | list):
        return mark_safe(f'<div class="json">{scalar(value)}</div>')  # noqa: S308 - escaped by scalar
    told = f' data-source="{escape(source)}"' if source else ""
    inner = rows(value, [], 0, open_depth, source)
    return mark_safe(f'<ul class="json" tabindex="0" aria-label="JSON"{told}>{inner}</ul>')  # noqa: S308 - every received text went through escape()


def render_rows(value: Any, path: list[object], first: int, source: str) -> SafeString:
    """Entries of a container from `first` on, as list items, for a tree that left them out."""
    return mark_safe(rows(value, path, first, 1, source))  # noqa: S308 - as above


def rows(value: Any, path: list[object], first: int, open_depth: int, source: str) -> str:
    unfolded = allotted(value, first)
    out: list[str] = []
    levels = [entries(value, first)]
    holders = [(value, first)]
    path = list(path)
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            holder, begin = holders.pop()
            rest = len(holder) - begin - PAGE
            if rest > 0:
                out.append(more(path, begin + PAGE, rest, source))
            if levels:
                out.append("</ul></details></li>")
                path.pop()
            continue
        name, item = entry
        if not is_container(item):
            text = summary(item) if isinstance(item, dict | list) else scalar(item)
            out.append(f"<li>{key(name)}{text}</li>")
        elif len(levels) >= DEPTH_LIMIT or id(item) not in unfolded:
            out.append(folded([*path, name], name, item, source))
        else:
            is_open = " open" if len(levels) < open_depth and len(item) <= 50 else ""
            out.append(f"<li><details{is_open}><summary>{key(name)}{summary(item)}</summary><ul>")
            levels.append(entries(item))
            holders.append((item, 0))
            path.append(name)
    return "".join(out)


def allotted(value: Any, first: int) -> set[int]:
    """Identities of the containers whose entries are part of this answer: outer levels first, `ROW_LIMIT` in all."""
    left = ROW_LIMIT - min(max(len(value) - first, 0), PAGE)
    found: set[int] = set()
    waiting = deque([(value, first)])
    while waiting and left > 0:
        holder, begin = waiting.popleft()
        for _, item in entries(holder, begin):
            if not is_container(item):
                continue
            wanted = min(len(item), PAGE)
            if wanted > left:
                continue
            left -= wanted
            found.add(id(item))
            waiting.append((item, 0))
    return found


def folded(path: list[object], name: object, item: Any, source: str) -> str:
    """A container whose entries come when it is unfolded."""
    address = part_address(path, 0, source)
    head = f"{key(name)}{summary(item)}"
    if not address:
        return f'<li>{head} <span class="j-more">not shown here; the download has it</span></li>'
    return (
        f'<li><details hx-get="{address}" hx-trigger="toggle once" hx-target="find ul" hx-swap="innerHTML">'
        f'<summary>{head}</summary><ul><li class="j-more">…</li></ul></details></li>'
    )


def more(path: list[object], first: int, rest: int, source: str) -> str:
    address = part_address(path, first, source)
    words = f"{rest:,} more"
    if not address:
        return f'<li class="j-more">… {words}; the download has all</li>'
    return (
        f'<li class="j-more"><button type="button" hx-get="{address}" hx-target="closest li" hx-swap="outerHTML">'
        f"{min(PAGE, rest):,} of {words}</button></li>"
    )


def part_address(path: list[object], first: int, source: str) -> str:
    pointer = pointer_of(path)
    if not source or len(pointer) > POINTER_LIMIT:
        return ""
    wanted = {"at": pointer} | ({"from": str(first)} if first else {})
    return str(escape(source + urlencode(wanted, errors="surrogatepass")))
