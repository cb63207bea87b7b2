"""Which of a span's attributes and events hold its conversation, the best first.

One call often carries its messages two or three times. The most structured form wins:
OpenInference's flattened messages, the GenAI message attributes, OpenLLMetry's older indexed ones,
events; then the request and response as JSON texts, whoever keeps them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracestore.spans.messages.conversation import Conversation, Message, Role, Tool
from tracestore.spans.messages.documents import read_document, read_tools
from tracestore.spans.messages.media import raw
from tracestore.spans.messages.parts import read_parts
from tracestore.spans.model import Attributes, Event, Value
from tracestore.spans.semconv import autogen, haystack, llamaindex, vercel
from tracestore.spans.semconv import events as message_events
from tracestore.spans.semconv.flattened import unflatten
from tracestore.spans.semconv.openllmetry import indexed_messages
from tracestore.spans.semconv.values import plain, to_json, unquoted

#: Types whose spans have arguments and results instead of a conversation.
_WITHOUT: Final = frozenset({"tool", "embedding", "retrieval", "rerank"})

_INPUTS: Final = (
    "gen_ai.prompt",
    "input.value",
    "pydantic_ai.all_messages",
    "ai.prompt.messages",
    "ai.prompt",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "request_data",
    "traceloop.entity.input",
    "gen_ai.task.input",
    *haystack.INPUTS,
)
_OUTPUTS: Final = (
    "gen_ai.completion",
    "output.value",
    "final_result",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "response_data",
    "traceloop.entity.output",
    "gen_ai.task.output",
)

#: Where a whole request may stand, with the tools on offer in it.
_REQUESTS: Final = (
    "input.value",
    "request_data",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    *haystack.INPUTS[:2],
)

#: OpenLLMetry's numbered messages, in the names of its releases to 0.40 and to 0.18.
_NUMBERED_INPUTS: Final = ("gen_ai.prompt.", "llm.prompts.")
_NUMBERED_OUTPUTS: Final = ("gen_ai.completion.", "llm.completions.")


def messages(attributes: Attributes, events: list[Event], type: str) -> Conversation:  # noqa: A002
    """The conversation of a span in the normal form; empty for tools and the like.

    Never raises: what cannot be read becomes a raw part. Binary content never comes along.
    """
    if type in _WITHOUT:
        return Conversation()
    output = side(attributes, events, "assistant")
    reason = attributes.get("llm.finish_reason")
    if isinstance(reason, str) and output and not output[-1].finish_reason:
        output[-1].finish_reason = reason
    return Conversation(side(attributes, events, "user"), output, _tools(attributes, events))


def side(attributes: Attributes, events: list[Event], default: Role) -> list[Message]:
    """The messages that went in (`user`) or came out (`assistant`) of a model call. Never raises, as `messages`."""
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
        # LiteLLM writes whole messages there.
        whole = isinstance(system, list) and all(isinstance(item, dict) and "parts" in item for item in system)
        found[:0] = read_document(system, "system") if whole else [Message("system", read_parts(system))]
    if found:
        return found, value
    for prefix in _NUMBERED_INPUTS if inward else _NUMBERED_OUTPUTS:
        indexed = indexed_messages(attributes, prefix)
        if indexed:
            return read_document(parsed(indexed), default), indexed
    if not inward and (said := vercel.answer(attributes)):
        return read_document(parsed(said), default), said
    if events:
        which = 0 if inward else 1
        sent = message_events.conversation(events)[which] or llamaindex.conversation(events)[which]
        if sent:
            return read_document(sent, default), sent
    listed = message_events.listed(attributes)[0 if inward else 1]
    if listed:
        return read_document(listed, default), listed
    for key in _INPUTS if inward else _OUTPUTS:
        value = attributes.get(key)
        if value is not None and value != "":
            if key.startswith("mlflow."):
                value = _unquoted(value)
            return read_document(parsed(value), default), value
    if not inward and (said := haystack.answer(attributes)):
        return read_document(parsed(said), default), said
    if "message" in attributes and not inward:
        reported = autogen.answer(attributes)
        return read_document(reported, default), reported
    return [], None


def _unquoted(value: Value) -> Value:
    """MLflow writes every value as JSON: a text comes in quotes."""
    return unquoted(value) if isinstance(value, str) and value[:1] == '"' else value


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


def _tools(attributes: Attributes, events: list[Event]) -> list[Tool]:
    try:
        found: list[Any] = []
        for item in _numbered(attributes, "llm.tools."):
            document = parsed(item)
            found.append(document)
        if not found:
            document = parsed(attributes.get("gen_ai.tool.definitions"))
            found = document if isinstance(document, list) else []
        if not found:
            offered = attributes.get("ai.prompt.tools")
            found = [parsed(tool) for tool in offered] if isinstance(offered, list) else []
        for key in _REQUESTS:
            if found:
                break
            request = parsed(attributes.get(key))
            listed = request.get("tools") if isinstance(request, dict) else None
            found = listed if isinstance(listed, list) else []
        tools = read_tools(found or parsed(llamaindex.offered(events)))
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
