"""One payload ready to be shown: as a JSON tree or text, never more than a page can bear.

Pure. What is cut says its true size, and the whole can be had: by the part that follows, and as a download.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard import json_tree
from dashboard.inline_media import without_media
from dashboard.json_values import PARSE_LIMIT, NotJson, parse
from dashboard.visible_text import visible
from tracestore.clickhouse.rows import SpanRow

#: Characters of one text shown at first.
TEXT_LIMIT = 20_000
#: Characters that one click adds.
MORE_TEXT = 100_000
#: Characters shown on a page at most, however often one asks for more; then there is the download.
MOST_TEXT = 2_000_000


@dataclass(slots=True)
class PayloadView:
    """`head` is the text, cut; `tree` is set when it is JSON; `length` counts all characters.

    `more` is the address of what follows the head, '' where only the download has it.
    """

    head: str
    length: int
    tree: SafeString | None = None
    is_cut: bool = False
    more: str = ""

    @property
    def is_too_long_for_a_tree(self) -> bool:
        return self.length > PARSE_LIMIT and self.head.lstrip()[:1] in ("{", "[")


def payload_view(text: str, source: str = "", limit: int = TEXT_LIMIT) -> PayloadView:
    """`source` is the address of this payload's parts, as `source_of` makes it."""
    told = without_media(text[:PARSE_LIMIT])
    is_cut = len(told) > limit or len(text) > PARSE_LIMIT
    made = PayloadView(visible(told[:limit]), len(text), is_cut=is_cut)
    # Where media was taken out, the places of text and head differ: what follows would not follow.
    if is_cut and source and told[:limit] == text[:limit]:
        made.more = f"{source}text={limit}"
    try:
        made.tree = json_tree.render(parse(text), source=source)
    except NotJson:
        made.tree = None
    return made


def source_of(row: SpanRow, part: str) -> str:
    """Where the parts of a payload are answered: `part` is its name in `pages.span_parts`. '' if that is too long."""
    if len(part) > json_tree.POINTER_LIMIT:
        return ""
    return f"{reverse('span-part', args=[row.trace_id, row.span_id])}?{urlencode({'of': part}, errors='replace')}&"
