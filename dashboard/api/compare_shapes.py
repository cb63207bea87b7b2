"""The shape of a comparison of two traces."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, money, text
from dashboard.api.trace_shapes import TraceSummary
from tracestore.analysis.comparison import DIFFERENCES
from tracestore.spans.model import SPAN_TYPES, STATUSES


class ComparedStep(serializers.Serializer[Any]):
    number = count("From 1, in its own trace.")
    span_id = text()
    type = choice(SPAN_TYPES)
    name = text("Of the tool or agent; of a model call the agent that made it.")
    model = text()
    status = choice(STATUSES)
    duration_ns = count()
    input_tokens = count()
    output_tokens = count()
    cost_usd = money("Null when the price is unknown.")


class StepPair(serializers.Serializer[Any]):
    a = ComparedStep(allow_null=True)
    b = ComparedStep(allow_null=True)
    differences = serializers.ListField(child=choice(DIFFERENCES), help_text="Empty when the step is the same in both.")


class TypicalOf(serializers.Serializer[Any]):
    alike = count("Runs that went the same way as this one.")
    runs = count("Finished runs that were looked at.")


class TraceComparison(serializers.Serializer[Any]):
    a = TraceSummary()
    b = TraceSummary()
    typical = TypicalOf(allow_null=True, help_text="Null unless the typical run was asked for.")
    words = text("Where the runs part, in words.")
    first_difference = serializers.IntegerField(
        allow_null=True, min_value=0, help_text="Place in `steps` of the first that takes another way; null for none."
    )
    steps = StepPair(many=True)
    steps_left_out = count("Steps beyond those that are compared.")
    exact = serializers.BooleanField(
        help_text="False where payloads are so large that some were compared by their beginning and length only."
    )
