"""Vercel AI SDK, releases 3 to 6, and 7 with its legacy integration: `ai.*` attributes.

See https://ai-sdk.dev/docs/ai-sdk-core/telemetry. `ai.operationId` says what a span is, and is the
only thing that does: the span around a call and the call itself carry the same totals. (The default
integration of release 7 sends plain GenAI spans.)
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv import tools, usage
from tracestore.spans.semconv.context import read_labels
from tracestore.spans.semconv.places import Places, at, document, first_at
from tracestore.spans.semconv.values import (
    count,
    first_payload,
    first_text,
    parse_json,
    payload_text,
    text,
    to_json,
)
from tracestore.spans.semconv.vocabulary import OPERATIONS, model_name

#: The last word of an operation that is one request to a model; `ai.streamText` without it is the
#: span around its requests and tools, and repeats their totals.
_CALLS: Final = {
    "doGenerate": "llm",
    "doStream": "llm",
    "doEmbed": "embedding",
    "doRerank": "rerank",
}

_AROUND: Final = frozenset({"ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"})

#: What the SDK calls a provider, before the first dot, where it is not the vendor's own name.
_PROVIDERS: Final = {
    "amazon-bedrock": "aws.bedrock",
    "azure-openai": "azure",
    "google-vertex": "google",
    "gateway": "",
    "vertex": "google",
}

#: `ai.response.*` of a call; the first is there when the answer is an object by a schema.
_ANSWER: Final = ("ai.response.text", "ai.response.object", "ai.response.reasoning", "ai.response.toolCalls")

#: Release 4 says prompt and completion tokens, 5 input and output, often both in one trace.
CALL: Final[Places] = {
    "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", *usage.INPUT),
    "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens", *usage.OUTPUT),
    "cache_read_tokens": (
        *("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        *usage.CACHE_READ,
    ),
    "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens", *usage.CACHE_WRITE),
    "reasoning_tokens": (
        *("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
        *usage.REASONING,
    ),
}
EMBEDDING: Final[Places] = {"input_tokens": ("ai.usage.tokens", "gen_ai.usage.input_tokens")}

#: Anthropic's own usage, which the SDK keeps in the provider's metadata.
METADATA: Final = "ai.response.providerMetadata"
VENDOR: Final[Places] = {
    "cache_read_tokens": ("anthropic.usage.cache_read_input_tokens", "anthropic.cacheReadInputTokens"),
    "cache_write_tokens": ("anthropic.usage.cache_creation_input_tokens", "anthropic.cacheCreationInputTokens"),
}


def read(span: Span) -> None:
    """Fill the columns of a span that carries `ai.operationId`."""
    attributes = span.record.attributes
    span.convention = "vercel"
    operation = text(attributes.get("ai.operationId"))
    _, _, last = operation.rpartition(".")
    if operation == "ai.toolCall":
        span.type = "tool"
        _read_tool(span)
    elif last in _CALLS:
        span.type = _CALLS[last]
        _read_names(span)
        _read_call(span)
    else:
        _read_around(span, operation)
    span.operation = OPERATIONS.get(span.type, "")
    read_labels(span, "ai.telemetry.metadata.")
    if not (span.session_id and span.user_id):
        session, user = span.session_id, span.user_id
        read_labels(span, "ai.settings.context.")  # release 7 names them so
        span.session_id, span.user_id = session or span.session_id, user or span.user_id


def _read_around(span: Span, operation: str) -> None:
    """The span around calls and tools: the run of an agent if the application named it.

    Release 7 calls every such span a run; but a plain `generateText` that nobody named is a step of
    the code around it.
    """
    attributes = span.record.attributes
    span.type = "workflow" if operation in _AROUND or operation.startswith(("ai.embed", "ai.rerank")) else "other"
    named = text(attributes.get("ai.telemetry.functionId"))
    if named and operation in _AROUND:
        span.type, span.agent = "agent", named
    span.input = first_payload(attributes, "ai.prompt", "ai.prompt.messages", "ai.value", "ai.values")
    span.output = answer(attributes) or first_payload(attributes, "ai.embedding", "ai.embeddings")
    span.finish_reason = text(attributes.get("ai.response.finishReason"))


def _read_names(span: Span) -> None:
    attributes = span.record.attributes
    named = first_text(attributes, "ai.model.provider", "gen_ai.system").lower()
    vendor, _, _ = named.partition(".")
    span.provider = _PROVIDERS.get(vendor, vendor)
    span.request_model = model_name(first_text(attributes, "ai.model.id", "gen_ai.request.model"))
    returned = model_name(first_text(attributes, "ai.response.model", "gen_ai.response.model"))
    span.model = returned or span.request_model


def _read_call(span: Span) -> None:
    attributes = span.record.attributes
    span.input = first_payload(attributes, "ai.prompt.messages", "ai.prompt", "ai.values", "ai.value", "ai.documents")
    span.output = answer(attributes) or first_payload(attributes, "ai.embeddings", "ai.embedding", "ai.ranking")
    span.response_id = first_text(attributes, "ai.response.id", "gen_ai.response.id")
    reasons = attributes.get("gen_ai.response.finish_reasons")
    span.finish_reason = text(attributes.get("ai.response.finishReason"))
    if not span.finish_reason and isinstance(reasons, list) and reasons:
        span.finish_reason = text(reasons[0])
    if span.type == "llm":
        _read_usage(span, attributes)
    elif span.type == "embedding":
        usage.from_counts(span, "vercel", *usage.at_attributes(attributes, EMBEDDING))


def _read_usage(span: Span, attributes: Attributes) -> None:
    """What is inside what differs by release and vendor.

    Releases before 6 pass on what the vendor says: Anthropic's input is without its cached tokens,
    Google's output without its thoughts. Release 6 adds them up, and `noCacheTokens` shows it.
    """
    settled = attributes.get("ai.usage.inputTokenDetails.noCacheTokens") is not None
    inputs, outputs, read, write, reasoning = usage.at_attributes(attributes, CALL)
    beside = False
    raw = attributes.get(METADATA)
    vendor = document(raw) if isinstance(raw, str) and '"anthropic"' in raw else {}
    if isinstance(vendor.get("anthropic"), dict) and vendor["anthropic"]:
        read = first_at(vendor, VENDOR["cache_read_tokens"]) if read is None else read
        write = first_at(vendor, VENDOR["cache_write_tokens"]) if write is None else write
        sent = count(at(vendor, "anthropic.usage.input_tokens"))
        beside = not settled and (sent is None or sent == inputs)
    total = None if beside or settled else count(attributes.get("ai.usage.totalTokens"))
    usage.from_counts(span, "vercel", inputs, outputs, read, write, reasoning, total=total, cached_inside=not beside)


def answer(attributes: Attributes) -> str:
    """The answer, which is spread over several attributes, as one message in JSON; '' for none."""
    if not any(attributes.get(key) for key in _ANSWER):
        return ""
    content: list[Any] = []
    reasoning = payload_text(attributes.get("ai.response.reasoning"))
    if reasoning:
        content.append({"type": "reasoning", "text": reasoning})
    said = first_payload(attributes, "ai.response.text", "ai.response.object")
    if said:
        content.append({"type": "text", "text": said})
    called = attributes.get("ai.response.toolCalls")
    calls = parse_json(called) if isinstance(called, str) else called
    if isinstance(calls, list):
        content.extend({"type": "tool-call", **call} if isinstance(call, dict) else call for call in calls)
    elif called:
        content.append(payload_text(called))
    message = {"role": "assistant", "content": content}
    reason = text(attributes.get("ai.response.finishReason"))
    return to_json([{**message, "finish_reason": reason} if reason else message])


def _read_tool(span: Span) -> None:
    attributes = span.record.attributes
    span.tool_name = text(attributes.get("ai.toolCall.name")) or span.record.name
    span.tool_call_id = text(attributes.get("ai.toolCall.id"))
    span.input = tools.arguments(first_payload(attributes, "ai.toolCall.args", "ai.toolCall.input"))
    gave = first_payload(attributes, "ai.toolCall.result", "ai.toolCall.output")
    # Results are written as JSON, so that a text comes in quotes.
    parsed = parse_json(gave) if gave[:1] == '"' else None
    span.output = parsed if isinstance(parsed, str) else gave
