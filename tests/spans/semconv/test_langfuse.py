"""Langfuse's SDK: whole spans, as its sources and its LangChain handler write them."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.pricing import REPORTED
from tracestore.spans.resolve import resolve

GENERATION: dict[str, Value] = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.input": json.dumps([{"role": "user", "content": "hello"}]),
    "langfuse.observation.output": json.dumps(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": '{"q": 1}'}}],
        }
    ),
    "langfuse.observation.model.name": "gpt-4o-2024-08-06",
    "langfuse.observation.model.parameters": '{"temperature": 1}',
    "langfuse.observation.usage_details": json.dumps(
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 8},
        }
    ),
    "langfuse.environment": "production",
    "session.id": "s1",
    "user.id": "u1",
}


def read(attributes: dict[str, Value], name: str = "x", **fields: object) -> Span:
    return normalise(record(name, attributes, scope="langfuse-sdk", **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


def test_a_generation() -> None:
    span = read(GENERATION)
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "langfuse")
    assert (span.model, span.request_model) == ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06")
    assert span.provider == "openai"
    assert (numbers(span), span.usage_rule) == ((100, 20, 40, 0, 8), "langfuse")
    assert (span.session_id, span.user_id) == ("s1", "u1")
    assert span.cost_usd is not None
    found = messages(GENERATION, [], "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"][0]["parts"] == [{"type": "tool_call", "id": "c1", "name": "t", "arguments": {"q": 1}}]


@pytest.mark.parametrize(
    ("kind", "type_", "operation"),
    [
        ("generation", "llm", "chat"),
        ("embedding", "embedding", "embeddings"),
        ("span", "workflow", ""),
        ("chain", "workflow", ""),
        ("agent", "agent", "invoke_agent"),
        ("tool", "tool", "execute_tool"),
        ("retriever", "retrieval", "retrieval"),
        ("evaluator", "evaluator", "evaluation"),
        ("guardrail", "guardrail", "guardrail"),
        ("event", "other", ""),
        ("GENERATION", "llm", "chat"),
        ("invented", "other", ""),
    ],
)
def test_what_is_what(kind: str, type_: str, operation: str) -> None:
    attributes = {**GENERATION, "langfuse.observation.type": kind}
    span = read(attributes, "step")
    assert (span.type, span.operation) == (type_, operation)
    # Usage on anything but a call is what its children had.
    assert bool(span.input_tokens) == (type_ in ("llm", "embedding"))
    assert span.agent == ("step" if type_ == "agent" else "")


@pytest.mark.parametrize(
    ("usage", "expected", "rule"),
    [
        # Buckets of Langfuse's own exclude one another; the LangChain handler fills them so.
        (
            {
                "input": 60,
                "output": 12,
                "total": 120,
                "input_cache_read": 30,
                "input_cache_creation": 10,
                "output_reasoning": 8,
            },
            (100, 20, 30, 10, 8),
            "langfuse+cached+reasoning",
        ),
        ({"input": 60, "output": 12, "input_cached_tokens": 40}, (100, 12, 40, 0, 0), "langfuse+cached"),
        ({"input": 60, "output": 12, "input_audio_tokens": 5, "output_audio": 3}, (65, 15, 0, 0, 0), "langfuse"),
        # The total proves that this application counted the cached ones in.
        ({"input": 100, "output": 20, "total": 120, "input_cached_tokens": 40}, (100, 20, 40, 0, 0), "langfuse"),
        # Priority tiers are the same tokens by another measure.
        ({"input": 9, "output": 1, "input_priority": 9}, (9, 1, 0, 0, 0), "langfuse"),
        ({"input": 9}, (9, 0, 0, 0, 0), "langfuse"),
        # Anthropic's object as it came: cached tokens beside the input.
        (
            {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2},
            (16, 5, 4, 2, 0),
            "langfuse+cached",
        ),
        # OpenAI's Responses: a part of the input.
        (
            {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 4}},
            (10, 5, 4, 0, 0),
            "langfuse",
        ),
        ({"input": "many"}, (0, 0, 0, 0, 0), ""),
        ([], (0, 0, 0, 0, 0), ""),
    ],
)
def test_usage(usage: object, expected: tuple[int, ...], rule: str) -> None:
    span = read({**GENERATION, "langfuse.observation.usage_details": json.dumps(usage)})
    assert (numbers(span), span.usage_rule) == (expected, rule)


def test_the_cost_of_an_unknown_model_is_what_the_sender_says() -> None:
    own: dict[str, Value] = {**GENERATION, "langfuse.observation.model.name": "our-own-model"}
    assert read(own).cost_usd is None
    told = read({**own, "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5, "total": 0.75}'})
    assert (told.cost_usd, told.price_source) == (0.75, REPORTED)
    assert read({**own, "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'}).cost_usd == 0.75
    assert read({**own, "langfuse.observation.cost_details": '{"total": "free"}'}).cost_usd is None
    assert read({**own, "langfuse.observation.cost_details": '{"total": -1}'}).cost_usd is None


def test_a_tool() -> None:
    attributes: dict[str, Value] = {
        "langfuse.observation.type": "tool",
        "langfuse.observation.input": '{"args": [], "kwargs": {"city": "Oslo"}}',
        "langfuse.observation.output": "4 degrees",
    }
    span = read(attributes, "weather")
    assert (span.tool_name, span.input, span.output) == ("weather", '{"city":"Oslo"}', "4 degrees")


def test_an_error_that_stands_only_in_the_level() -> None:
    attributes: dict[str, Value] = {
        "langfuse.observation.type": "tool",
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.status_message": "TimeoutError: too slow",
    }
    assert read(attributes).error_type == "TimeoutError"
    assert read({**attributes, "langfuse.observation.level": "WARNING"}).error_type == ""


def test_an_unsaid_span_with_an_operation_is_what_the_operation_says() -> None:
    attributes: dict[str, Value] = {
        "langfuse.observation.type": "span",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 1,
    }
    span = read(attributes)
    assert (span.type, span.input_tokens, span.convention) == ("llm", 5, "langfuse")
    kept = read({**attributes, "langfuse.observation.type": "tool"}, "t")
    assert (kept.type, kept.tool_name, kept.input_tokens) == ("tool", "t", 0)


@pytest.mark.parametrize(
    "attributes",
    [
        {"session.id": "s", "user.id": "u"},
        {"langfuse.session.id": "s", "langfuse.user.id": "u"},
        {"langfuse.trace.session_id": "s", "langfuse.trace.user_id": "u"},
        # Release 5 writes metadata values as JSON.
        {"langfuse.trace.metadata.session_id": '"s"', "langfuse.trace.metadata.userId": '"u"'},
    ],
)
def test_session_and_user(attributes: dict[str, Value]) -> None:
    span = read({"langfuse.observation.type": "span", **attributes})
    assert (span.session_id, span.user_id) == ("s", "u")


def test_a_trace_counts_each_call_once() -> None:
    spans = [
        normalise(record("assistant", {**GENERATION, "langfuse.observation.type": "agent"}, span_id="a", end=50)),
        normalise(record("ChatOpenAI", GENERATION, span_id="b", parent="a", start=1, end=20)),
        # The handler's generation around the one of Langfuse's own OpenAI client: one call.
        normalise(record("OpenAI-generation", GENERATION, span_id="c", parent="b", start=2, end=19, scope="other")),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "llm", "other"]
    assert sum(span.input_tokens for span in spans) == 100
    assert {span.agent for span in spans} == {"assistant"}
