"""A message as one text, for reading it line by line beside another. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.conversation_view import media_words
from dashboard.inline_media import without_media
from dashboard.json_values import NotJson, parse, write
from dashboard.visible_text import visible
from tracestore.spans.messages import Message, Part


def message_text(message: Message) -> str:
    return "\n".join(part_text(part) for part in message.parts)


def messages_text(messages: Sequence[Message]) -> str:
    return "\n\n".join(message_text(message) for message in messages)


def part_text(part: Part) -> str:
    kind = part["type"]
    if kind in ("text", "raw"):
        return readable(part.get("text", ""))
    if kind == "reasoning":
        return f"(reasoning) {readable(part.get('text', ''))}"
    if kind == "tool_call":
        return f"→ {part.get('name', '')} {readable(part.get('arguments'))}"
    if kind == "tool_result":
        return readable(part.get("result", ""))
    return f"[{media_words(part)}]"


def readable(value: Any) -> str:
    """JSON with one entry a line and keys in order, other text as it is; nothing hidden, no files inside."""
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            value = parse(value)
        except NotJson:
            return visible(without_media(value))
    return visible(without_media(write(value, ordered=True)))
