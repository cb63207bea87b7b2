"""Parts of messages in the form of Haystack: an object whose only key says what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.media import kind_of, media, raw
from tracestore.spans.messages.normal import call_part, result_part

#: By this a message of role `tool` holds its results itself.
RESULT: Final = "tool_call_result"


def _call(block: dict[str, Any]) -> list[Part]:
    inner = block["tool_call"]
    if not isinstance(inner, dict):
        return [raw(block)]
    return [call_part(inner.get("id"), inner.get("tool_name", inner.get("name")), inner.get("arguments"))]


def _result(block: dict[str, Any]) -> list[Part]:
    inner = block[RESULT]
    if not isinstance(inner, dict):
        return [raw(block)]
    origin = inner.get("origin")
    origin = origin if isinstance(origin, dict) else {}
    return [result_part(origin.get("id"), origin.get("tool_name"), inner.get("result"))]


def _reasoning(block: dict[str, Any]) -> list[Part]:
    inner = block["reasoning"]
    found = inner.get("reasoning_text") if isinstance(inner, dict) else inner
    return [{"type": "reasoning", "text": found}] if isinstance(found, str) else [raw(block)]


def media_part(inner: dict[str, Any]) -> list[Part]:
    """An image or a file: base64, of which tracing leaves only a note."""
    mime = inner.get("mime_type")
    data = inner.get("base64_image", inner.get("base64_data"))
    kept = data if isinstance(data, str) and " " not in data[:64] else None
    return [media("image" if "base64_image" in inner else kind_of(mime), mime, kept)]


def _file(block: dict[str, Any]) -> list[Part]:
    inner = block["file"]
    return media_part(inner) if isinstance(inner, dict) else [raw(block)]


BY_KEY: Final[dict[str, Callable[[dict[str, Any]], list[Part]]]] = {
    "tool_call": _call,
    RESULT: _result,
    "reasoning": _reasoning,
    "file": _file,
}
