"""Which of a span's attributes and events hold its conversation, the best first.

One call often carries its messages two or three times. The most structured form wins:
OpenInference's flattened messages, the GenAI message attributes, OpenLLMetry's older indexed ones,
events; then the request and response as JSON texts.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracestore.spans.messages.conversation import Conversation, Message, Role, Tool
from tracestore.spans.messages.documents import read_document, read_tools
from tracestore.spans.messages.media import raw
from tracestore.spans.messages.parts import read_parts
from tracestore.spans.model import Attributes, Event, Value
from tracestore.spans.semconv import autogen
from tracestore.spans.semconv import events as message_events
from tracestore.spans.semconv.flattened import unflatten
from tracestore.spans.semconv.openllmetry import indexed_messages
from tracestore.spans.semconv.values import plain, to_json

#: Types whose spans have arguments and results instead of a conversation.
_WITHOUT: Final = frozenset({"tool", "embedding", "retrieval", "rerank"})

_INPUTS: Final = (
    "gen_ai.prompt",
    "input.value",
    "pydantic_ai.all_messages",
    "traceloop.entity.input",
    "gen_ai.task.input",
)
_OUTPUTS: Final = (
    "gen_ai.completion",
    "output.value",
    "final_result",
    "traceloop.entity.output",
    "gen_ai.task.output",
)


def messages(attributes: Attributes, events: list[Event], type: str) -> Conversation:  # noqa: A002
    """The conversation of a span in the normal form; empty for tools and the like.

    Never raises: what cannot be read becomes a raw part. Binary content never comes along.
    """
    if type in _WITHOUT:
        return Conversation()
    output = _side(attributes, events, "assistant")
    reason = attributes.get("llm.finish_reason")
    if isinstance(reason, str) and output and not output[-1].finish_reason:
        output[-1].finish_reason = reason
    return Conversation(_side(attributes, events, "user"), output, _tools(attributes))


def _side(attributes: Attributes, events: list[Event], default: Role) -> list[Message]:
    source: Any = None
    try:
        found, source = _source(attributes, events, default)
        return [message for message in found if message.parts or message.finish_reason]
    except Exception:  # whatever strangers send: shown as it is
        return [Message(default, [raw(source)])] if source else []


def _source(attributes: Attributes, events: list[Event], default: Role) -> tuple[list[Message], Any]:
    inward = default == "user"
    flattened = unflatten(attributes, "llm.input_messages." if inward else "llm.output_messages.")
    if flattened:
        return read_document(flattened, default), flattened
    value = attributes.get("gen_ai.input.messages" if inward else "gen_ai.output.messages")
    found = read_document(parsed(value), default)
    system = parsed(attributes.get("gen_ai.system_instructions")) if inward else None
    if system and not any(message.role == "system" for message in found):
        found.insert(0, Message("system", read_parts(system)))
    if found:
        return found, value
    indexed = indexed_messages(attributes, "gen_ai.prompt." if inward else "gen_ai.completion.")
    if indexed:
        return read_document(parsed(indexed), default), indexed
    if events:
        sent = message_events.conversation(events)[0 if inward else 1]
        if sent:
            return read_document(sent, default), sent
    for key in _INPUTS if inward else _OUTPUTS:
        value = attributes.get(key)
        if value is not None and value != "":
            return read_document(parsed(value), default), value
    if "message" in attributes and not inward:
        reported = autogen.answer(attributes)
        return read_document(reported, default), reported
    return [], None


def parsed(value: Value) -> Any:
    """A JSON text as what it says, of any length; other values as they are."""
    if not isinstance(value, str):
        return plain(value)
    if value[:1] not in ("{", "["):
        return value
    try:
        return msgspec.json.decode(value)
    except Exception:
        return value


def _tools(attributes: Attributes) -> list[Tool]:
    try:
        found: list[Any] = []
        for item in _numbered(attributes, "llm.tools."):
            document = parsed(item)
            found.append(document)
        if not found:
            document = parsed(attributes.get("gen_ai.tool.definitions"))
            found = document if isinstance(document, list) else []
        if not found:
            request = parsed(attributes.get("input.value"))
            listed = request.get("tools") if isinstance(request, dict) else None
            found = listed if isinstance(listed, list) else []
        tools = read_tools(found)
        return tools if to_json(tools) else []
    except Exception:
        return []


def _numbered(attributes: Attributes, prefix: str) -> list[Value]:
    found = []
    for key, value in attributes.items():
        if key.startswith(prefix) and key.endswith(".tool.json_schema"):
            number = key[len(prefix) : -len(".tool.json_schema")]
            if number.isascii() and number.isdigit():
                found.append((int(number), value))
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]
