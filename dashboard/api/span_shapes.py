"""The shape of a span with its messages and what explains its figures."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, text
from dashboard.api.trace_shapes import Span


class Part(serializers.Serializer[Any]):
    """A piece of a message. `type` decides which of the other fields are there."""

    type = choice(
        ("text", "reasoning", "raw", "tool_call", "tool_result", "image", "audio", "file"),
        "`raw` is what could not be read.",
    )
    text = serializers.CharField(required=False)
    id = serializers.CharField(required=False, help_text="Of the tool call.")
    name = serializers.CharField(required=False, help_text="Of the tool.")
    arguments = serializers.JSONField(required=False, help_text="Of the tool call.")
    result = serializers.CharField(required=False, help_text="Of the tool call.")
    mime_type = serializers.CharField(required=False)
    uri = serializers.CharField(required=False, help_text="Where a file is; never its content.")
    size = serializers.IntegerField(required=False, help_text="Bytes of a file that was sent inline.")


class Message(serializers.Serializer[Any]):
    role = choice(("system", "user", "assistant", "tool"))
    parts = Part(many=True)
    finish_reason = serializers.CharField(required=False)


class Tool(serializers.Serializer[Any]):
    name = text()
    description = text()
    parameters = serializers.JSONField(allow_null=True, help_text="A JSON schema.")


class Conversation(serializers.Serializer[Any]):
    """A model call's messages in one form, whatever convention they were sent in."""

    input = Message(many=True)
    output = Message(many=True)
    tools = Tool(many=True, help_text="The tools that the model was offered.")


class Evaluation(serializers.Serializer[Any]):
    name = text("Of the metric.")
    score = serializers.FloatField(allow_null=True)
    label = text()  # type: ignore[assignment]  # a field of this name, not the label of one
    explanation = text()
    time = moment()


class TokensRead(serializers.Serializer[Any]):
    figure = text("The column that was filled.")
    attribute = text("The attribute that it was read from.")
    value = serializers.JSONField(help_text="As received.")
    key = text("Where inside the attribute, when it holds a document; else empty.")


class TokensIgnored(serializers.Serializer[Any]):
    attribute = text()
    value = serializers.JSONField(help_text="As received.")
    why = text()
    key = text("As of what was read.")


class TokensExplained(serializers.Serializer[Any]):
    rule = text("The rule that read the tokens, as in `usage_rule`.")
    words = text("What the rule does.")
    read = TokensRead(many=True)
    ignored = TokensIgnored(many=True)
    notes = serializers.ListField(child=text(), help_text="What was added, taken off, or is part of what.")


class CostPart(serializers.Serializer[Any]):
    figure = text("input, cache read, cache write, output, reasoning or request.")
    count = count("Tokens; 1 for a request.")
    usd_per_million = serializers.FloatField(help_text="The unit price; of a request that of one.")
    usd = serializers.FloatField()


class CostExplained(serializers.Serializer[Any]):
    source = text("The price source and its version, as in `price_source`.")  # type: ignore[assignment]
    words = text()
    formula = text("Empty when the price that made the cost is not known any more.")
    parts = CostPart(many=True)
    notes = serializers.ListField(child=text())


class Explained(serializers.Serializer[Any]):
    """How the figures of a span came about."""

    tokens = TokensExplained()
    cost = CostExplained()
    incomplete = serializers.BooleanField(help_text="Whether the sender dropped attributes.")


class SpanDetail(Span):
    explanation = Explained()
    input = text("The whole input payload.")
    output = text("The whole output payload.")
    messages = Conversation()
    evaluations = Evaluation(many=True, help_text="`gen_ai.evaluation.result` events about the span.")
