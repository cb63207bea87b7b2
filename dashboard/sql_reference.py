"""The views and the worked questions of docs/data-dictionary.md, for the page that asks them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tracestore.environment import ROOT

_VIEW = re.compile(r"^## `(\w+)`\n(.*?)(?=^## )", re.M | re.S)
_COLUMN = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (.+) \|$", re.M)
_QUESTION = re.compile(r"^### ([^\n]+)\n\n```sql\n(.*?)\n```", re.M | re.S)


@dataclass(frozen=True, slots=True)
class View:
    name: str
    columns: list[tuple[str, str, str]]  # name, type, meaning


@dataclass(frozen=True, slots=True)
class Reference:
    views: list[View]
    questions: list[tuple[str, str]]  # title, statement


@cache
def reference() -> Reference:
    """Empty where the docs are not installed. The statements leave the project out: the page has one only."""
    path = ROOT / "docs/data-dictionary.md"
    text = path.read_text() if path.is_file() else ""
    views = [View(name, _COLUMN.findall(section)) for name, section in _VIEW.findall(text)]
    bare = [(title, re.sub(r"project = 'default' AND\s+", "", sql)) for title, sql in _QUESTION.findall(text)]
    return Reference(views, bare)
