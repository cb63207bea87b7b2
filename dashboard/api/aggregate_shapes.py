"""The shapes of agents, tools and sessions, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, money, text
from dashboard.api.trace_shapes import TraceSummary

NEXT = "Cursor of the next page; null at the end."


def names(help_text: str = "") -> serializers.ListField:
    return serializers.ListField(child=text(), help_text=help_text)


class Latencies(serializers.Serializer[Any]):
    p50_ns = count("Half took at most so many nanoseconds; 0 where nothing was measured.")
    p95_ns = count("95 of 100 took at most so many nanoseconds.")
    p99_ns = count("99 of 100 took at most so many nanoseconds.")


class Agent(Latencies):
    name = text()
    agent = text("The name once more, as traces and findings call it.")
    state = choice(("healthy", "degraded", "critical", "unknown"), "Its health now.")
    traces = count("Traces that began in the time and in which it took part.")
    failed = count("Those of them with status error.")
    llm_calls = count("Of its own spans, as are the other figures: sums over agents count nothing twice.")
    tool_calls = count()
    errors = count("What failed in it, counted where it happened.")  # type: ignore[assignment]
    input_tokens = count()
    output_tokens = count()
    cost_usd = money("Null when nothing of it has a known price.")
    unpriced_calls = count("Calls whose price is unknown and so is missing from the cost.")
    models = names()
    tools = names()
    versions = names()
    last_start_time = serializers.DateTimeField(allow_null=True, help_text="When its last span began.")


class AgentPage(serializers.Serializer[Any]):
    results = Agent(many=True)
    next = serializers.CharField(allow_null=True, help_text=NEXT)


class Version(serializers.Serializer[Any]):
    version = text("Empty when none is named.")
    traces = count()
    errors = count()  # type: ignore[assignment]
    llm_calls = count()
    cost_usd = money("Null when nothing has a known price.")
    p95_ns = count()
    first_start_time = moment()
    last_start_time = moment()


class Path(serializers.Serializer[Any]):
    tools = names("Tools in the order of their calls, repeats in a row once.")
    traces = count()
    share = serializers.FloatField(help_text="Of the agent's traces.")
    trace_id = text("The latest of them.")


class ToolFigures(Latencies):
    name = text()
    tool = text("The name once more, as filters call it.")
    calls = count()
    errors = count()  # type: ignore[assignment]
    traces = count()
    agents = names()
    last_start_time = serializers.DateTimeField(allow_null=True)


class ToolPage(serializers.Serializer[Any]):
    results = ToolFigures(many=True)
    next = serializers.CharField(allow_null=True, help_text=NEXT)


class ErrorKind(serializers.Serializer[Any]):
    template = text("The message with numbers, ids and quoted words masked.")
    error_type = text()
    where = names("Tools, models or spans that said it.")
    occurrences = count()
    traces = count("Traces in which it happened.")
    first_start_time = moment()
    last_start_time = moment()
    example = text("The latest message as it came.")
    trace_id = text("Where the example is.")
    span_id = text()


class ModelSpend(serializers.Serializer[Any]):
    model = text()
    calls = count()
    traces = count()
    tokens = count("Input and output.")
    cost_usd = money("Null when no call has a known price.")
    unpriced_calls = count()


class AgentDetail(Agent):
    version_figures = Version(many=True, help_text="Latest first.")
    model_figures = ModelSpend(many=True, help_text="The dearest first.")
    tool_figures = ToolFigures(many=True)
    paths = Path(many=True, help_text="The most frequent ways through the tools.")
    error_kinds = ErrorKind(many=True)


class Caller(serializers.Serializer[Any]):
    agent = text("Empty for calls outside any agent.")
    calls = count()
    errors = count()  # type: ignore[assignment]
    traces = count()
    p95_ns = count()


class ToolDetail(ToolFigures):
    callers = Caller(many=True)
    error_kinds = ErrorKind(many=True)


class Session(serializers.Serializer[Any]):
    session_id = text()
    agents = names()
    user_id = text()
    start_time = moment()
    end_time = moment()
    traces = count("Traces of it that began in the time.")
    failed = count("Those of them with status error.")
    span_count = count()
    llm_calls = count()
    tool_calls = count()
    errors = count()  # type: ignore[assignment]
    input_tokens = count()
    output_tokens = count()
    cost_usd = money("Null when nothing of it has a known price.")
    unpriced_calls = count()
    input_preview = text("Beginning of what was asked first.")


class SessionPage(serializers.Serializer[Any]):
    results = Session(many=True)
    next = serializers.CharField(allow_null=True, help_text=NEXT)


class SessionDetail(Session):
    turns = TraceSummary(many=True, help_text="Its traces by start, at most the latest thousand.")
