"""From a span as received to a span as understood, looking at nothing but the span itself.

Which dialect reads it, the first that matches: OpenInference's span kind, OpenLLMetry's marks, MCP
methods, GenAI operations, and plumbing for all the rest. What needs other spans of the trace
(doubles, inherited agents and sessions) is `tracestore.spans.resolve`.

On the hot path of ingest: look-ups of known keys only, JSON parsed only where a column needs it.
"""

from __future__ import annotations

from tracestore.spans import pricing
from tracestore.spans.model import Span, SpanRecord
from tracestore.spans.semconv import genai, mcp, openinference, openllmetry, plumbing, retrieved, usage
from tracestore.spans.semconv.context import metadata, read_context
from tracestore.spans.semconv.errors import error_type
from tracestore.spans.semconv.payload import payload_attributes
from tracestore.spans.semconv.values import first_text, text


def normalise(record: SpanRecord, overrides: pricing.Overrides | None = None) -> Span:
    """The span with all columns that it can tell itself. Never raises; strange values read as ''.

    `overrides` are own prices that go before the built-in table.
    """
    span = Span(record)
    attributes = record.attributes
    if attributes:
        found = metadata(attributes)
        if "openinference.span.kind" in attributes:
            openinference.read(span, found)
        elif openllmetry.is_openllmetry(span):
            openllmetry.read(span)
        elif "mcp.method.name" in attributes:
            mcp.read(span)
        elif "gen_ai.operation.name" in attributes:
            genai.read(span)
        else:
            plumbing.read(span)
        read_context(span, found)
        span.payload_attributes = payload_attributes(attributes)
    span.error_type = error_type(span) or span.error_type
    if span.type in ("llm", "embedding"):
        _finish_call(span, overrides)
    elif span.type == "retrieval":
        retrieved.measure(span)
    span.agent_id = text(attributes.get("gen_ai.agent.id"))
    span.agent_version = text(attributes.get("gen_ai.agent.version")) or text(
        record.resource.attributes.get("service.version")
    )
    return span


def _finish_call(span: Span, overrides: pricing.Overrides | None) -> None:
    if is_no_call(span):
        span.type = "workflow"
        usage.drop_usage(span)
        return
    if not span.provider and span.model:
        span.provider = pricing.vendor(span.model)
    price_call(span, overrides)


def is_no_call(span: Span) -> bool:
    """A call leaves a trace of itself: usage, an answer, an id, a reason to stop, or an error.

    Frameworks also write LLM-kind spans around the preparation of a call (LlamaIndex). A span that
    lost attributes to the SDK's limit of 128 gets the benefit of the doubt.
    """
    return not (
        span.type != "llm"
        or span.usage_rule
        or span.output
        or span.response_id
        or span.finish_reason
        or span.record.status == "error"
        or span.error_type
        or span.record.dropped_attributes
    )


def price_call(span: Span, overrides: pricing.Overrides | None = None) -> None:
    """Fill `cost_usd`: from our prices, else what the sender computed, else None (unknown)."""
    span.cost_usd, span.price_source = None, ""
    if not span.usage_rule:
        return
    model = span.model or span.request_model
    span.cost_usd, span.price_source = pricing.cost(
        span.provider,
        model,
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.record.start_ns,
        overrides,
    )
    if span.cost_usd is None and span.request_model and span.request_model != model:
        span.cost_usd, span.price_source = pricing.cost(
            span.provider,
            span.request_model,
            span.input_tokens,
            span.output_tokens,
            span.cache_read_tokens,
            span.cache_write_tokens,
            span.record.start_ns,
            overrides,
        )
    if span.cost_usd is None:
        _reported_cost(span)


def _reported_cost(span: Span) -> None:
    reported = first_text(span.record.attributes, "operation.cost", "llm.cost.total", "gen_ai.usage.cost")
    try:
        dollars = float(reported)
    except ValueError:
        return
    if 0 <= dollars < 1e9:
        span.cost_usd, span.price_source = dollars, "reported"
