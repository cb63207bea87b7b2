"""From a span as received to a span as understood, looking at nothing but the span itself.

Which dialect reads it: OpenInference where its span kind is there, else the first row that matches
in `tracestore.spans.semconv.dialects`. What needs other spans of the trace (doubles, inherited
agents and sessions) is `tracestore.spans.resolve`.

On the hot path of ingest: look-ups of known keys only, JSON parsed only where a column needs it.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans import pricing
from tracestore.spans.model import Span, SpanRecord
from tracestore.spans.own_prices import Overrides
from tracestore.spans.semconv import haystack, llamaindex, openinference, retrieved, usage
from tracestore.spans.semconv.context import metadata, read_context
from tracestore.spans.semconv.dialects import named, reader
from tracestore.spans.semconv.errors import error_type
from tracestore.spans.semconv.payload import payload_attributes
from tracestore.spans.semconv.reported import reported_cost
from tracestore.spans.semconv.values import text


def normalise(record: SpanRecord, overrides: Overrides | None = None) -> Span:
    """The span with all columns that it can tell itself. Never raises; strange values read as ''.

    `overrides` are own prices that go before the built-in table.
    """
    span = Span(record)
    attributes = record.attributes
    if attributes:
        found = metadata(attributes)
        if "openinference.span.kind" in attributes:
            openinference.read(span, found)
        else:
            reader(span)(span)
        read_context(span, found)
        span.payload_attributes = payload_attributes(attributes)
    elif read := named(record):
        read(span)
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


def _finish_call(span: Span, overrides: Overrides | None) -> None:
    if is_no_call(span):
        span.type = "workflow"
        usage.drop_usage(span)
        return
    if not span.provider and span.model:
        span.provider = pricing.vendor(span.model)
    price_call(span, overrides)


#: Whose calls are calls whatever they tell: without content Haystack tells nothing of one, and a stream of
#: LlamaIndex ends before its answer.
_CERTAIN: Final = frozenset({haystack.CONVENTION, llamaindex.CONVENTION})


#: LlamaIndex's method that puts a request together. Later versions of its instrumentations tell what it returns.
_PREPARED: Final = "_prepare_chat_with_tools"


def is_no_call(span: Span) -> bool:
    """A call leaves a trace of itself: usage, an answer, an id, a reason to stop, or an error.

    Frameworks also write LLM-kind spans around the preparation of a call (LlamaIndex). A span that
    lost attributes to the SDK's limit of 128 gets the benefit of the doubt.
    """
    return not (
        span.type != "llm"
        or span.usage_rule
        or (span.output and not span.record.name.endswith(_PREPARED))
        or span.response_id
        or span.finish_reason
        or span.record.status == "error"
        or span.error_type
        or span.record.dropped_attributes
        or span.convention in _CERTAIN
    )


def price_call(span: Span, overrides: Overrides | None = None) -> None:
    """Fill `cost_usd`: from our prices, else what the sender computed, else None (unknown).

    A span that was read back has no attributes; what its sender computed stands in the column then.
    """
    reported = span.cost_usd if span.price_source == pricing.REPORTED else None
    span.cost_usd, span.price_source = None, ""
    if not span.usage_rule:
        return
    model, asked = span.model, span.request_model
    price = pricing.find(
        span.provider,
        (model, asked) if asked and asked != model else (model,),
        span.input_tokens,
        span.record.start_ns,
        overrides,
    )
    if price is None:
        given = reported_cost(span.record.attributes)
        span.cost_usd = reported if given is None else given.amount
        span.price_source = "" if span.cost_usd is None else pricing.REPORTED
        return
    span.price_source = price.source
    span.cost_usd = pricing.cost(
        price,
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )
