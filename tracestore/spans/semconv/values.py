"""Reading attribute values safely: what is not of the expected shape reads as absent.

Attributes come from strangers. A name may arrive as a number, a count as a string or a negative
float, JSON may be cut short. None of that may stop a span from being stored.
"""

from __future__ import annotations

import ast
import math
from typing import Any, Final

import msgspec

from tracestore.spans.model import Attributes, Value

#: Counts above this are not token counts; it also keeps them exact in a JSON number.
_MAX_COUNT: Final = 2**53 - 1

#: Longer texts are not parsed while a span is received; they are shown as they came.
MAX_PARSED: Final = 262_144

#: `ast.literal_eval` is slow and hungry; real arguments written as a Python repr are short.
_MAX_REPR: Final = 16_384

_decode_json = msgspec.json.Decoder().decode


def text(value: Value) -> str:
    """A scalar as text, '' for anything else."""
    if value.__class__ is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return ""


def first_text(attributes: Attributes, *keys: str) -> str:
    """The first of these attributes that holds a non-empty text."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and (found := text(value)):
            return found
    return ""


def count(value: Value) -> int | None:
    """A non-negative whole number, None when the value is not one."""
    if value.__class__ is int:
        number: int = value
    elif isinstance(value, float):
        if not math.isfinite(value):
            return None
        number = int(value)
    elif isinstance(value, str) and len(value) < 20:
        try:
            number = int(value)
        except ValueError:
            return None
    else:
        return None
    return min(number, _MAX_COUNT) if number >= 0 else None


def unquoted(value: Value) -> str:
    """A scalar as text, without the quotes of a sender that writes every value as JSON (MLflow)."""
    found = text(value)
    if found[:1] == '"' and found[-1:] == '"':
        parsed = parse_json(found)
        return parsed if isinstance(parsed, str) else found
    return found


def first_count(attributes: Attributes, *keys: str) -> int | None:
    """The first of these attributes that holds a count."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and (found := count(value)) is not None:
            return found
    return None


def parse_json(value: str) -> Any:
    """The parsed JSON, or None when it is not JSON (JSON's own `null` reads the same)."""
    if not value or len(value) > MAX_PARSED:
        return None
    try:
        return _decode_json(value)
    except Exception:  # malformed text, lone surrogates, too deeply nested: all "not JSON"
        return None


def parse_python(value: str) -> Any:
    """A dict or list written as a Python repr (LangChain's `input_str`), else None."""
    if not value or value[0] not in "{[(" or len(value) > _MAX_REPR:
        return None
    try:
        return ast.literal_eval(value)
    except Exception:  # SyntaxError, ValueError, MemoryError, RecursionError
        return None


def plain(value: Any) -> Any:
    """The value with bytes replaced by their size, so that it can be written as JSON."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    return value


def to_json(value: Any, *, canonical: bool = False) -> str:
    """Compact JSON text; `canonical` sorts the keys so that equal values give equal texts."""
    try:
        encoded = msgspec.json.encode(value, order="sorted" if canonical else None)
        return encoded.decode("utf-8")
    except Exception:
        try:
            return msgspec.json.encode(plain(value)).decode("utf-8")
        except Exception:
            return ""


def payload_text(value: Value) -> str:
    """A payload attribute as text: a string as it is, structures as JSON."""
    if value.__class__ is str:
        return value
    if isinstance(value, dict | list):
        return to_json(value)
    return text(value)


def first_payload(attributes: Attributes, *keys: str) -> str:
    """The first of these attributes that holds any payload."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and (found := payload_text(value)):
            return found
    return ""
