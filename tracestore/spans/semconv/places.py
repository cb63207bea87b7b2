"""Where token counts stand: declared once, for who reads them and for who explains them.

A convention declares its `Places`; its reader takes the counts from there, and
`tracestore.spans.semconv.rules` shows the same declaration to `tracestore.spans.explain_tokens`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from tracestore.spans.model import Value
from tracestore.spans.semconv.values import count, parse_json, parse_python

#: A figure (a column of tokens) → where it may stand; the first place that holds a count counts. Places
#: are names of attributes, or paths inside a document: `prompt_tokens_details.cached_tokens`.
Places: TypeAlias = Mapping[str, tuple[str, ...]]


def document(value: Value, *, python: bool = False) -> dict[str, Any]:
    """The object that an attribute holds: as it is, as JSON (in quotes too), with `python` also as a Python repr."""
    found: Any = value
    if isinstance(value, str):
        found = parse_json(value)
        if isinstance(found, str):
            found = parse_json(found)
        if found is None and python:
            found = parse_python(value)
    return found if isinstance(found, dict) else {}


def at(found: Mapping[str, Any], path: str) -> Any:
    """What stands at a path inside a document, None when nothing does; of lists only the first, by `0`."""
    value: Any = found
    for key in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(key)
        else:
            value = value[0] if key == "0" and isinstance(value, list) and value else None
    return value


def first_path(found: Mapping[str, Any], paths: tuple[str, ...]) -> str | None:
    """The first of these paths at which a count stands."""
    return next((path for path in paths if count(at(found, path)) is not None), None)


def first_at(found: Mapping[str, Any], paths: tuple[str, ...]) -> int | None:
    """The count at the first of these paths that holds one."""
    path = first_path(found, paths)
    return None if path is None else count(at(found, path))
