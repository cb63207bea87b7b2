"""Langfuse's SDKs (Python from 3, JavaScript from 4): `langfuse.observation.*`.

See https://langfuse.com/integrations/native/opentelemetry. What the application passes as input and
output comes as JSON text in whatever form its framework uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import genai, tools, usage
from tracestore.spans.semconv.context import read_labels
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.errors import type_in_message
from tracestore.spans.semconv.exchange import read_response
from tracestore.spans.semconv.places import document
from tracestore.spans.semconv.values import count, first_payload, first_text, text
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

USAGE: Final = "langfuse.observation.usage_details"


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
    if not _read_usage(span, document(attributes.get(USAGE))):
        usage.from_genai(span, attributes, "langfuse-genai")


def _read_usage(span: Span, found: dict[str, Any]) -> bool:
    if not has_buckets(found):
        return from_document(span, found, "langfuse")
    numbers = {
        figure: sum(count(found[key]) or 0 for key in keys) if keys else None for figure, keys in buckets(found).items()
    }
    return usage.from_counts(
        span,
        "langfuse",
        *(numbers[figure] for figure in usage.GENAI),
        total=count(found.get("total")),
        cached_inside=False,
        reasoning_inside=False,
    )


def has_buckets(found: Mapping[str, Any]) -> bool:
    """Whether the usage is in Langfuse's own names; else it is the vendor's object."""
    return "input" in found or "output" in found


def buckets(found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Which of Langfuse's own buckets make up each figure.

    They exclude one another: `input` is what is left beside `input_cached_tokens` and all others
    that begin with `input`, and `total` is their sum. An application that fills them by itself may
    not know that: a `total` that is only `input` and `output` shows it.
    """
    numbers = {key: number for key, value in found.items() if (number := count(value)) is not None}
    known = _READ | _WRITE | _REASONING
    total = numbers.get("total")
    others: list[str] = []
    if total is None or total != numbers.get("input", 0) + numbers.get("output", 0):
        others = [key for key in numbers if key not in known and "priority" not in key]
    return {
        **{
            f"{side}_tokens": (side, *(key for key in others if key.startswith(f"{side}_"))) if side in numbers else ()
            for side in ("input", "output")
        },
        "cache_read_tokens": tuple(key for key in numbers if key in _READ),
        "cache_write_tokens": tuple(key for key in numbers if key in _WRITE),
        "reasoning_tokens": tuple(key for key in numbers if key in _REASONING),
    }
