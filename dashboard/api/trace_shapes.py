"""Shapes of traces and of spans in a list, for the OpenAPI schema; `representations` makes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import AttributesField, choice, count, moment, money, text
from tracestore.search.fields import TRACE_STATUSES
from tracestore.spans.model import SPAN_KINDS, SPAN_TYPES, STATUSES


class TraceSummary(serializers.Serializer[Any]):
    trace_id = text()
    name = text("Name of the root span.")
    agent = text()
    service = text()
    session_id = text()
    user_id = text()
    start_time = moment()
    end_time = moment()
    duration_ns = count()
    span_count = count()
    llm_calls = count()
    tool_calls = count()
    errors = count("Spans with status error.")  # type: ignore[assignment]
    input_tokens = count("Includes cached ones.")
    output_tokens = count("Includes reasoning.")
    cache_read_tokens = count()
    cache_write_tokens = count()
    reasoning_tokens = count()
    cost_usd = money("Null when no call of the trace has a known price.")
    unpriced_calls = count("Model calls whose price is unknown and so is missing from the cost.")
    incomplete = count("Model calls whose usage the sender dropped: tokens and cost are at least what is given.")
    status = choice(TRACE_STATUSES)
    findings = count("Number of findings about this trace.")
    models = serializers.ListField(child=text())
    tools = serializers.ListField(child=text())
    agents = serializers.ListField(child=text())
    input_preview = text("Beginning of the root's input.")
    output_preview = text("Beginning of the root's output.")


class TracePage(serializers.Serializer[Any]):
    results = TraceSummary(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page; null at the end.")


class Event(serializers.Serializer[Any]):
    time = moment()
    name = text()
    attributes = AttributesField()
    origin = choice(("span", "log"), "`log` for a log record that belongs to the span; only when one span is read.")
    dropped_attributes = count("Attributes that the sender's SDK threw away.")


class Link(serializers.Serializer[Any]):
    trace_id = text()
    span_id = text()
    attributes = AttributesField()
    flags = count("As of a span, of the other one.")
    dropped_attributes = count("Attributes that the sender's SDK threw away.")


class Span(serializers.Serializer[Any]):
    project = text()
    trace_id = text()
    span_id = text()
    parent_span_id = text("Empty when the span has no parent.")
    name = text()
    kind = choice(SPAN_KINDS, "OpenTelemetry's SpanKind.")
    type = choice(SPAN_TYPES, "What the span is to an agent.")
    service = text()
    agent = text()
    agent_id = text()
    agent_version = text()
    session_id = text()
    user_id = text()
    start_time = moment()
    end_time = moment()
    duration_ns = count()
    status = choice(STATUSES)
    status_message = text()
    error_type = text()
    provider = text()
    model = text("The model that answered, else the requested one.")
    request_model = text("The requested model.")
    operation = text()
    input_tokens = count("Filled only on the span that made the model call; includes cached ones.")
    output_tokens = count("Filled only on the span that made the model call; includes reasoning.")
    cache_read_tokens = count()
    cache_write_tokens = count()
    reasoning_tokens = count()
    usage_rule = text("Which rule filled the token fields.")
    cost_usd = money("Null when the price is unknown, never 0 for that.")
    price_source = text("Which price list made the cost.")
    tool_name = text()
    tool_call_id = text()
    finish_reason = text()
    response_id = text()
    convention = text("The semantic convention that the span was read from.")
    scope_name = text()
    scope_version = text()
    dropped_attributes = count("Attributes that the sender's own limits dropped.")
    attributes = AttributesField()
    resource_attributes = AttributesField()
    scope_attributes = AttributesField()
    dropped_events = count("Events that the sender's SDK, or a limit, threw away.")
    dropped_links = count("Links that the sender's SDK, or a limit, threw away.")
    flags = count("W3C trace flags in the low eight bits; bits 8 and 9 say whether the parent is remote.")
    resource_schema_url = text("The schema that the resource's attributes follow.")
    scope_schema_url = text("The schema that the span's attributes follow.")
    resource_dropped_attributes = count("Attributes of the resource that the sender's SDK threw away.")
    scope_dropped_attributes = count("Attributes of the scope that the sender's SDK threw away.")
    events = Event(many=True)
    links = Link(many=True)
    input_preview = text()
    output_preview = text()
    input_bytes = count()
    output_bytes = count()


class SumsExplained(serializers.Serializer[Any]):
    """How the totals of a trace came about."""

    calls = count("Model calls and embeddings.")
    priced = count()
    unpriced = count("Used tokens whose price is unknown.")
    without_usage = count("Reported no tokens.")
    incomplete = count("Of these the sender dropped attributes.")
    sources = serializers.DictField(child=serializers.FloatField(), help_text="US dollars by price source.")
    unpriced_models = serializers.ListField(child=text())
    tokens_words = text()
    cost_words = text()


class LookHere(serializers.Serializer[Any]):
    span_id = serializers.CharField(help_text="The step to open first.")
    reason = serializers.CharField(help_text="Why, in a sentence.")


class TraceDetail(TraceSummary):
    explanation = SumsExplained(allow_null=True, help_text="Null when not all spans are given here.")
    look_here = LookHere(
        allow_null=True, help_text="Where to look first in a run that failed: a hint. Null when there is none."
    )
    spans = Span(many=True)
    truncated = serializers.BooleanField(help_text="Whether the trace has more spans than are given here.")
