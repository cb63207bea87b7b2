"""Langfuse's SDKs (Python from 3, JavaScript from 4): `langfuse.observation.*`.

See https://langfuse.com/integrations/native/opentelemetry. What the application passes as input and
output comes as JSON text in whatever form its framework uses.
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import genai, tools, usage
from tracestore.spans.semconv.context import read_labels
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.errors import type_in_message
from tracestore.spans.semconv.exchange import read_response
from tracestore.spans.semconv.values import count, first_payload, first_text, parse_json, text
from tracestore.spans.semconv.vocabulary import OPERATIONS, model_name, provider_name

#: `langfuse.observation.type` to `type`. An event is a moment, not a step.
_TYPES: Final = {
    "generation": "llm",
    "embedding": "embedding",
    "span": "workflow",
    "chain": "workflow",
    "agent": "agent",
    "tool": "tool",
    "retriever": "retrieval",
    "evaluator": "evaluator",
    "guardrail": "guardrail",
    "event": "other",
}

_READ: Final = frozenset({"cache_read_input_tokens", "input_cached_tokens", "input_cache_read", "cache_read"})
_WRITE: Final = frozenset({"cache_creation_input_tokens", "input_cache_creation", "cache_creation"})
_REASONING: Final = frozenset({"output_reasoning", "output_reasoning_tokens", "reasoning_tokens"})


def read(span: Span) -> None:
    """Fill the columns of a span that carries `langfuse.observation.type`."""
    attributes = span.record.attributes
    kind = text(attributes.get("langfuse.observation.type")).lower()
    if kind in ("span", "") and "gen_ai.operation.name" in attributes:
        # `span` is what the SDK writes when nobody said anything: the operation knows more.
        genai.read(span)
    else:
        span.type = _TYPES.get(kind, "other")
        span.operation = OPERATIONS.get(span.type, "")
        genai.read_names(span)
        _read_payload(span)
    span.convention = "langfuse"
    if span.type == "agent":
        span.agent = span.agent or span.record.name
    if text(attributes.get("langfuse.observation.level")) == "ERROR":
        # The SDK's callbacks report a failure so, and leave the span's status unset.
        span.error_type = type_in_message(text(attributes.get("langfuse.observation.status_message")))
    read_labels(span, "langfuse.trace.metadata.")
    span.session_id = first_text(attributes, "langfuse.trace.session_id") or span.session_id
    span.user_id = first_text(attributes, "langfuse.trace.user_id") or span.user_id


def _read_payload(span: Span) -> None:
    attributes = span.record.attributes
    got = first_payload(attributes, "langfuse.observation.input", "gen_ai.input.messages", "gen_ai.prompt")
    gave = first_payload(attributes, "langfuse.observation.output", "gen_ai.output.messages", "gen_ai.completion")
    if span.type == "tool":
        span.tool_name = first_text(attributes, "gen_ai.tool.name") or span.record.name
        span.input = tools.arguments(got)
        span.output, call_id = tools.result(gave)
        span.tool_call_id = first_text(
            attributes, "gen_ai.tool.call.id", "langfuse.observation.metadata.tool_call_id"
        ).strip('"')
        span.tool_call_id = span.tool_call_id or call_id
        return
    span.input, span.output = got, gave
    if span.type not in ("llm", "embedding"):
        return
    model = model_name(text(attributes.get("langfuse.observation.model.name")))
    # The SDK's attribute is first the model asked for and then the one that answered.
    span.model = model or span.model
    span.request_model = span.request_model or model
    span.provider = span.provider or provider_name(
        first_text(attributes, "langfuse.observation.metadata.ls_provider").strip('"')
    )
    response = read_response(gave)
    span.response_id = text(attributes.get("gen_ai.response.id")) or response.response_id
    span.finish_reason = response.finish_reason
    found = attributes.get("langfuse.observation.usage_details")
    parsed = parse_json(found) if isinstance(found, str) else found
    if not (isinstance(parsed, dict) and _read_usage(span, parsed)):
        usage.from_genai(span, attributes, "langfuse-genai")


def _read_usage(span: Span, found: dict[str, Any]) -> bool:
    """Usage in Langfuse's own names, or as the vendor's object.

    Langfuse's own buckets exclude one another: `input` is what is left beside `input_cached_tokens`
    and all others that begin with `input`, and `total` is their sum. An application that fills them
    by itself may not know that: a `total` that is only `input` and `output` shows it.
    """
    if "input" not in found and "output" not in found:
        return from_document(span, found, "langfuse")
    inputs, outputs = count(found.get("input")), count(found.get("output"))
    numbers = {key: number for key, value in found.items() if (number := count(value)) is not None}
    read = sum(number for key, number in numbers.items() if key in _READ)
    write = sum(number for key, number in numbers.items() if key in _WRITE)
    reasoning = sum(number for key, number in numbers.items() if key in _REASONING)
    total = numbers.get("total")
    if total is None or total != (inputs or 0) + (outputs or 0):
        known = _READ | _WRITE | _REASONING
        other = {key: number for key, number in numbers.items() if key not in known and "priority" not in key}
        more_in = sum(number for key, number in other.items() if key.startswith("input_"))
        more_out = sum(number for key, number in other.items() if key.startswith("output_"))
        inputs = None if inputs is None else inputs + more_in
        outputs = None if outputs is None else outputs + more_out
    return usage.from_counts(
        span, "langfuse", inputs, outputs, read, write, reasoning,
        total=total, cached_inside=False, reasoning_inside=False,
    )  # fmt: skip
