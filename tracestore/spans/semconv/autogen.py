"""AutoGen's runtime: each message between agents is created, sent, processed and acknowledged, a span each.

AutoGen makes no span for a model call. What a call answered and used stands in the JSON of the
`message` that the group's manager processes: one `{"message": …}` for each call, with
`models_usage`, and one for each round of tool results. The same messages come again inside
`{"response": …}` and `{"messages": …}`, which are not looked at. So each call counts once; when it
took place and which model answered is not told. `tracestore.spans.reported` does the rest.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracestore.spans.model import Attributes, Span, Value
from tracestore.spans.semconv import usage
from tracestore.spans.semconv.places import Places
from tracestore.spans.semconv.values import MAX_PARSED, first_payload, text, to_json

#: What `convention` holds for spans that report a call or the results of tools.
CONVENTION: Final = "autogen"
#: `operation` of a message that holds the results of tools.
TOOL_RESULTS: Final = "tool_results"

MESSAGE: Final = "message"
#: In `models_usage` of the message.
USAGE: Final[Places] = {"input_tokens": ("prompt_tokens",), "output_tokens": ("completion_tokens",)}

RUNTIME: Final = "autogen "
CORE: Final = "autogen-core"


class _Usage(msgspec.Struct):
    prompt_tokens: Any = None
    completion_tokens: Any = None


class _Message(msgspec.Struct):
    id: Any = ""
    source: Any = ""
    models_usage: _Usage | None = None
    content: Any = None
    type: Any = ""


class _Envelope(msgspec.Struct):
    message: _Message


_decode = msgspec.json.Decoder(_Envelope).decode


def read(span: Span) -> None:
    """Fill the columns of a span of AutoGen's runtime."""
    attributes = span.record.attributes
    span.type = "workflow" if MESSAGE in attributes else "other"
    span.input = first_payload(attributes, MESSAGE)
    if text(attributes.get("messaging.operation")) != "process":
        return
    message = _message(attributes.get(MESSAGE))
    if message is None:
        return
    if message.models_usage is not None:
        _read_call(span, message, message.models_usage)
    elif message.type == "ToolCallExecutionEvent":
        span.convention, span.operation = CONVENTION, TOOL_RESULTS


def _read_call(span: Span, message: _Message, used: _Usage) -> None:
    span.type, span.operation, span.convention = "llm", "chat", CONVENTION
    span.agent = text(message.source)
    span.response_id = text(message.id)
    span.input, span.output = "", to_json([_answer(message)])
    counts = {name: getattr(used, name) for name in used.__struct_fields__}
    usage.from_counts(span, CONVENTION, *usage.at_attributes(counts, USAGE))


def answer(attributes: Attributes) -> list[dict[str, Any]]:
    """The model's answer that a runtime span reports, as OpenAI messages; empty for other spans."""
    message = _message(attributes.get(MESSAGE))
    return [] if message is None or message.models_usage is None else [_answer(message)]


def _message(value: Value) -> _Message | None:
    if value.__class__ is not str or len(value) > MAX_PARSED or not value.startswith('{"message"'):
        return None
    try:
        return _decode(value).message
    except Exception:  # not AutoGen's, or cut short
        return None


def _answer(message: _Message) -> dict[str, Any]:
    if message.type != "ToolCallRequestEvent" or not isinstance(message.content, list):
        return {"role": "assistant", "content": message.content}
    calls = [
        {
            "id": call.get("id"),
            "type": "function",
            "function": {"name": call.get("name"), "arguments": call.get("arguments")},
        }
        for call in message.content
        if isinstance(call, dict)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def results(raw: str) -> list[tuple[str, str, str]]:
    """(call id, tool, result) of each execution that a message of tool results tells of."""
    message = _message(raw)
    listed = message.content if message is not None else None
    return [
        (text(found.get("call_id")), text(found.get("name")), text(found.get("content")))
        for found in (listed if isinstance(listed, list) else [])
        if isinstance(found, dict)
    ]
