"""Parts of the normal form, made from the loose values of a vendor's block."""

from __future__ import annotations

from typing import Any

from tracestore.spans.messages.conversation import Part
from tracestore.spans.semconv.tools import content_text
from tracestore.spans.semconv.values import parse_json, plain


def text_part(value: str) -> Part:
    return {"type": "text", "text": value}


def call_part(identity: Any, name: Any, arguments: Any) -> Part:
    """A requested tool call; arguments written as JSON text are parsed."""
    if isinstance(arguments, str):
        parsed = parse_json(arguments)
        arguments = arguments if parsed is None else parsed
    return {
        "type": "tool_call",
        "id": identity if isinstance(identity, str) else "",
        "name": name if isinstance(name, str) else "",
        "arguments": {} if arguments is None else plain(arguments),
    }


def result_part(identity: Any, name: Any, result: Any) -> Part:
    """What a tool gave, as text."""
    return {
        "type": "tool_result",
        "id": identity if isinstance(identity, str) else "",
        "name": name if isinstance(name, str) else "",
        "result": content_text(plain(result)),
    }
