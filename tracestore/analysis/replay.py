"""The calls of a run with their recorded answers, so that an agent can be run again without models and tools.

Pure. The format is described in docs/replay-bundle.md; whoever changes what is hashed raises `VERSION`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from tracestore.spans.messages import Conversation, Message

FORMAT: Final = "tracestore-replay"
VERSION: Final = 1


def model_request(model: str, messages: Sequence[Message]) -> dict[str, Any]:
    """What a model was asked. Tools on offer and sampling parameters stand beside it: not every sender tells them."""
    return {"kind": "model", "model": model, "messages": [said(message) for message in messages]}


def model_response(conversation: Conversation) -> dict[str, Any]:
    return {"messages": [message.to_json() for message in conversation.output]}


def tool_request(name: str, arguments: str) -> dict[str, Any]:
    """What a tool was asked; `arguments` is the recorded text, parsed where it is JSON."""
    return {"kind": "tool", "name": name, "arguments": parsed(arguments)}


def tool_response(result: str) -> dict[str, Any]:
    return {"result": parsed(result)}


def said(message: Message) -> dict[str, Any]:
    """A message as it is hashed: without its finish reason, which only answers have."""
    return {"role": message.role, "parts": message.parts}


def parsed(text: str) -> Any:
    """The value of a JSON text, else the text."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return text


def digest(request: dict[str, Any]) -> str:
    """SHA-256 of a request's canonical JSON, in hex."""
    return hashlib.sha256(canonical(request).encode("utf-8", "replace")).hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value after RFC 8785 (JCS), but that integers keep all their digits.

    Iteration is by recursion: requests come from JSON that a parser with a depth limit has read.
    """
    if isinstance(value, dict):
        # JCS orders by UTF-16 code units.
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{quoted(str(key))}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    return quoted(str(value))


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number(value: float) -> str:
    """A float as ECMAScript writes it (Number::toString), which is what JCS takes over."""
    if not math.isfinite(value):
        return "null"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = f"{Decimal(repr(value)):f}"
        return text.removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    power = int(exponent)
    return f"{mantissa.removesuffix('.0')}e{'+' if power > 0 else '-'}{abs(power)}"
