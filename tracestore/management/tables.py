"""Lists that commands print: columns for people, JSON for programs."""

from __future__ import annotations

import json as as_json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from django.core.management.base import OutputWrapper


def add_json_option(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of columns")


def write(out: OutputWrapper | TextIO, rows: Sequence[Mapping[str, Any]], json: bool) -> None:
    """Rows that all have the same fields."""
    if json:
        out.write(as_json.dumps(list(rows), indent=2) + "\n")
        return
    if not rows:
        return
    names = list(rows[0])
    cells = [[name.replace("_", " ").upper() for name in names], *([cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        out.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() + "\n")


def cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={inner}" for name, inner in value.items()) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)
