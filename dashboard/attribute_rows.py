"""Attributes as rows: path, type and value, sorted, bounded. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from django.utils.safestring import SafeString

from dashboard import json_tree
from dashboard.visible_text import visible
from tracestore.spans.model import Attributes, Value

ROW_LIMIT = 1_000
TEXT_LIMIT = 2_000

TYPE_WORDS = {str: "string", bool: "bool", int: "int", float: "double", bytes: "bytes", list: "array", dict: "map"}


@dataclass(slots=True)
class AttributeRow:
    """`text` is the value as shown and copied; `tree` is set for arrays, maps and JSON texts."""

    path: str
    type: str
    text: str
    length: int
    tree: SafeString | None = None

    @property
    def is_cut(self) -> bool:
        return self.length > TEXT_LIMIT


def attribute_rows(attributes: Attributes) -> list[AttributeRow]:
    return [attribute_row(path, attributes[path]) for path in sorted(attributes)[:ROW_LIMIT]]


def attribute_row(path: str, value: Value) -> AttributeRow:
    text = as_text(value)
    tree = None
    if isinstance(value, list | dict) and value:
        tree = json_tree.render(value, open_depth=1)
    elif isinstance(value, str) and len(value) > 60:
        try:
            tree = json_tree.render(json_tree.parse(value), open_depth=1)
        except json_tree.NotJson:
            tree = None
    word = TYPE_WORDS.get(type(value), "empty")
    return AttributeRow(visible(path, limit=300), word, visible(text, limit=TEXT_LIMIT), len(text), tree)


def as_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)
