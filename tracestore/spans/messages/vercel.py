"""Parts of messages in the form of Vercel's AI SDK, whose names of fields changed with release 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.media import kind_of, media
from tracestore.spans.messages.normal import call_part, result_part


def _call(block: dict[str, Any]) -> list[Part]:
    return [call_part(block.get("toolCallId"), block.get("toolName"), block.get("input", block.get("args")))]


def _result(block: dict[str, Any]) -> list[Part]:
    """From release 5 the result is `{"type": "text" | "json" | "content" | …, "value": …}`."""
    output = block.get("output", block.get("result"))
    if isinstance(output, dict) and isinstance(output.get("type"), str) and output.keys() & {"value", "reason"}:
        output = output.get("value", output.get("reason"))
    return [result_part(block.get("toolCallId"), block.get("toolName"), output)]


def media_part(block: dict[str, Any]) -> list[Part]:
    """`file` and `image` parts; the content is base64, a link, or bytes written as an object."""
    mime = block.get("mediaType") or block.get("mimeType")
    data = block.get("data", block.get("image", block.get("url", block.get("base64"))))
    if isinstance(data, dict):
        data = data.get("url") or data.get("data") or b"\0" * sum(key.isdigit() for key in data)
    return [media(kind_of(mime if mime else block.get("type")), mime, data)]


BY_TYPE: Final[dict[str, Callable[[dict[str, Any]], list[Part]]]] = {
    "tool-call": _call,
    "tool-result": _result,
    "tool-error": _result,
    "reasoning-file": media_part,
}

#: Fields by which a `file` or `image` of the SDK is told from others of these types.
MEDIA_KEYS: Final = frozenset({"mediaType", "mimeType"})
