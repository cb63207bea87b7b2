"""One payload ready to be shown: as a JSON tree or text, never more than a page can bear.

Pure. What is cut says its true size and where the whole can be had.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from dashboard import json_tree
from dashboard.visible_text import visible

#: Characters of one text shown at most.
TEXT_LIMIT = 20_000


@dataclass(slots=True)
class PayloadView:
    """`head` is the text, cut; `tree` is set when it is JSON; `length` counts all characters."""

    head: str
    length: int
    tree: SafeString | None = None

    @property
    def is_cut(self) -> bool:
        return self.length > len(self.head) and self.length > TEXT_LIMIT


def payload_view(text: str) -> PayloadView:
    head = visible(text[:TEXT_LIMIT])
    try:
        tree = json_tree.render(json_tree.parse(text))
    except json_tree.NotJson:
        tree = None
    return PayloadView(head, len(text), tree)
