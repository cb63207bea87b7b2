"""Attributes as rows: path, type and value, sorted, bounded. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from django.utils.safestring import SafeString

from dashboard import json_tree
from dashboard.inline_media import without_media
from dashboard.json_values import NotJson, parse
from dashboard.payload_view import source_of
from dashboard.visible_text import visible
from tracestore.clickhouse.rows import SpanRow
from tracestore.spans.model import Attributes, Value

ROW_LIMIT = 1_000
TEXT_LIMIT = 2_000

TYPE_WORDS = {str: "string", bool: "bool", int: "int", float: "double", bytes: "bytes", list: "array", dict: "map"}


@dataclass(slots=True)
class AttributeRow:
    """`text` is the value as shown and copied; `tree` is set for arrays, maps and JSON texts.

    `whole` is the address that answers with the value as it was received, where `text` is not that.
    """

    path: str
    type: str
    text: str
    length: int
    tree: SafeString | None = None
    is_cut: bool = False
    whole: str = ""


def attribute_rows(attributes: Attributes, row: SpanRow | None = None, of: str = "") -> list[AttributeRow]:
    """`row` and `of` (attribute, resource, scope) say where parts that are left out can be asked for."""
    return [
        attribute_row(path, attributes[path], source_of(row, f"{of}:{path}") if row is not None else "")
        for path in sorted(attributes)[:ROW_LIMIT]
    ]


def attribute_row(path: str, value: Value, source: str = "") -> AttributeRow:
    text = as_text(value)
    told = without_media(text)
    tree = None
    if isinstance(value, list | dict) and value:
        tree = json_tree.render(value, open_depth=1, source=source)
    elif isinstance(value, str) and len(value) > 60:
        try:
            tree = json_tree.render(parse(value), open_depth=1, source=source)
        except NotJson:
            tree = None
    made = AttributeRow(visible(path, limit=300), TYPE_WORDS.get(type(value), "empty"), "", len(text), tree)
    made.text, made.is_cut = visible(told, limit=TEXT_LIMIT), len(told) > TEXT_LIMIT
    if source and made.text != text:
        made.whole = f"{source}as=text"
    return made


def as_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)
