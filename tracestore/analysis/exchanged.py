"""What a model call was asked and what it answered, without reading the conversation before it.

Pure. A call carries all messages so far, and its run is full of calls: to read every message of each would make a
run's cost grow with the square of its length. In the usual form (a list of messages under the GenAI names) only the
newest message, the system text and the answer are read; any other form is left to `spans.messages`, whose rules hold
here too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracestore.spans.messages.conversation import Message, Part, role_of
from tracestore.spans.messages.documents import read_document
from tracestore.spans.messages.parts import read_block, read_parts
from tracestore.spans.messages.read import parsed
from tracestore.spans.messages.reprs import TOOL_CALL
from tracestore.spans.model import Attributes
from tracestore.spans.semconv.values import to_json

#: OpenInference's flattened messages come first where both are.
_FLATTENED: Final = ("llm.input_messages.", "llm.output_messages.")
#: A message with other fields needs the general rules.
_FIELDS: Final = frozenset({"role", "parts", "content", "name", "finish_reason", "stop_reason"})
#: Parts that can be passed over unread.
_PASSED: Final = frozenset({"text", "tool_call", "tool_call_response"})
#: System texts whose form is remembered, and the longest of them: calls of one agent share theirs. 8 MiB at most.
_REMEMBERED: Final = 64
_LONGEST: Final = 65_536


class Requested(NamedTuple):
    """A tool call that a model asked for: its id ('' when the provider gave none), name, arguments as JSON text."""

    id: str
    name: str
    arguments: str


class _Other(Exception):
    """Not the usual form."""


def asked(attributes: Attributes) -> tuple[str, str] | None:
    """The newest message that went in and the system text; None where the general rules have to read."""
    try:
        return _asked(attributes)
    except Exception:  # whatever strangers send: the general rules show it as it is
        return None


def answered(attributes: Attributes) -> tuple[str, tuple[Requested, ...]] | None:
    """The text that the model said and the tool calls that it asked for; None where the general rules have to read."""
    try:
        found = _listed(attributes, "gen_ai.output.messages")
        read = [_read(message) for message in found]
        said = "\n".join(filter(None, (text_of(parts) for parts in read)))
        return said, requested(part for parts in read for part in parts)
    except Exception:  # as above
        return None


def _asked(attributes: Attributes) -> tuple[str, str]:
    found = _listed(attributes, "gen_ai.input.messages")
    newest: str | None = None
    instructions: list[str] = []
    has_system = False
    for message in reversed(found):
        if role_of(message["role"], "user") == "system":
            has_system = True
            parts = _read(message)
            if parts or _ended(message):
                instructions.append(text_of(parts))
        elif newest is None:
            parts = _read(message)
            if parts or _ended(message):
                newest = text_of(parts)
        else:
            _pass(message)
    if has_system:
        return newest or "", "\n".join(reversed(instructions))
    given = attributes.get("gen_ai.system_instructions")
    if not isinstance(given, str) or len(given) > _LONGEST:
        return newest or "", _instructions(given)
    return newest or "", _known_instructions(given)


def _listed(attributes: Attributes, name: str) -> list[dict[str, Any]]:
    """The messages of an attribute when all of them have the usual fields."""
    value = attributes.get(name)
    if not isinstance(value, str) or value[:1] != "[":
        raise _Other
    names = "\n".join(attributes)  # one search instead of one for each name
    if _FLATTENED[0] in names or _FLATTENED[1] in names:
        raise _Other
    found = parsed(value)
    if not isinstance(found, list) or not found:
        raise _Other
    for message in found:
        if not isinstance(message, dict) or "role" not in message or not message.keys() <= _FIELDS:
            raise _Other
    return found


def _content(message: dict[str, Any]) -> list[Any]:
    if "parts" in message:
        content = message["parts"]
    elif role_of(message["role"], "user") == "tool":
        raise _Other
    else:
        content = message.get("content")
        if isinstance(content, str):
            if content.startswith('[{"type":'):
                raise _Other
            return [content]
    if content is None:
        return []
    if not isinstance(content, list):
        raise _Other
    return content


def _read(message: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    for block in _content(message):
        text = block.get("content") if isinstance(block, dict) and block.get("type") == "text" else None
        if isinstance(text, str) and text and "text" not in block and not text.startswith(TOOL_CALL):
            parts.append({"type": "text", "text": text})
        else:
            parts += read_block(block)
    return parts


def _pass(message: dict[str, Any]) -> None:
    """Passes over a message, if reading it could not have failed."""
    for block in _content(message):
        if not isinstance(block, str) and block.get("type") not in _PASSED:
            read_block(block)


def _ended(message: dict[str, Any]) -> bool:
    reason = message.get("finish_reason") or message.get("stop_reason")
    return isinstance(reason, str) and bool(reason)


@lru_cache(maxsize=_REMEMBERED)
def _known_instructions(given: str) -> str:
    return _instructions(given)


def _instructions(given: Any) -> str:
    """The text of `gen_ai.system_instructions`."""
    system = parsed(given)
    if not system:
        return ""
    # LiteLLM writes whole messages there.
    if isinstance(system, list) and all(isinstance(item, dict) and "parts" in item for item in system):
        found = read_document(system, "system")
    else:
        found = [Message("system", read_parts(system))]
    if any(message.role != "system" for message in found):
        raise _Other
    return "\n".join(text_of(message.parts) for message in found if message.parts or message.finish_reason)


def text_of(parts: list[Part]) -> str:
    """What parts say, results too; reasoning left out."""
    return "\n".join(part.get("text") or part.get("result") or "" for part in parts if part["type"] != "reasoning")


def requested(parts: Any) -> tuple[Requested, ...]:
    """The tool calls among parts."""
    return tuple(
        Requested(part.get("id", ""), part.get("name", ""), _json(part.get("arguments")))
        for part in parts
        if part["type"] == "tool_call"
    )


def _json(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
