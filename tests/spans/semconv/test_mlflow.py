"""MLflow tracing: whole spans, in which every value is JSON text."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.pricing import REPORTED
from tracestore.spans.resolve import resolve

CHAT: dict[str, Value] = {
    "mlflow.traceRequestId": '"tr-1"',
    "mlflow.experimentId": '"0"',
    "mlflow.spanType": '"CHAT_MODEL"',
    "mlflow.spanInputs": json.dumps(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "temperature": 0}
    ),
    "mlflow.spanOutputs": json.dumps(
        {
            "id": "chatcmpl-1",
            "model": "gpt-4o-2024-08-06",
            "object": "chat.completion",
            "choices": [{"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": "hi"}}],
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 8},
            },
        }
    ),
    "mlflow.chat.tokenUsage": json.dumps(
        {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120, "cache_read_input_tokens": 40}
    ),
    "mlflow.llm.model": '"gpt-4o"',
    "mlflow.llm.provider": '"openai"',
    "mlflow.message.format": '"openai"',
}


def read(attributes: dict[str, Value], name: str = "x", **fields: object) -> Span:
    return normalise(record(name, attributes, scope="mlflow", **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


def test_a_call() -> None:
    span = read(CHAT)
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "mlflow")
    assert (span.provider, span.model, span.request_model) == ("openai", "gpt-4o-2024-08-06", "gpt-4o")
    assert (span.response_id, span.finish_reason) == ("chatcmpl-1", "stop")
    # MLflow's own counts have the cached tokens inside, and no reasoning: the response has.
    assert (numbers(span), span.usage_rule) == ((100, 20, 40, 0, 8), "mlflow")
    assert span.cost_usd is not None
    found = messages(CHAT, [], "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ('"LLM"', "llm"),
        ('"CHAT_MODEL"', "llm"),
        ("CHAT_MODEL", "llm"),
        ('"TOOL"', "tool"),
        ('"AGENT"', "agent"),
        ('"CHAIN"', "workflow"),
        ('"WORKFLOW"', "workflow"),
        ('"TASK"', "workflow"),
        ('"PARSER"', "workflow"),
        ('"UNKNOWN"', "workflow"),
        ('"RETRIEVER"', "retrieval"),
        ('"MEMORY"', "retrieval"),
        ('"EMBEDDING"', "embedding"),
        ('"RERANKER"', "rerank"),
        ('"GUARDRAIL"', "guardrail"),
        ('"EVALUATOR"', "evaluator"),
        ('"of our own"', "workflow"),
        (17, "workflow"),
    ],
)
def test_what_is_what(kind: Value, type_: str) -> None:
    span = read({**CHAT, "mlflow.spanType": kind}, "step")
    assert span.type == type_
    assert bool(span.input_tokens) == (type_ in ("llm", "embedding"))
    assert span.agent == ("step" if type_ == "agent" else "")


@pytest.mark.parametrize(
    ("more", "expected", "rule"),
    [
        # Older releases keep only the response. Anthropic's: cached tokens beside the input.
        (
            {
                "mlflow.spanOutputs": json.dumps(
                    {
                        "id": "msg_1",
                        "role": "assistant",
                        "stop_reason": "end_turn",
                        "content": [{"type": "text", "text": "hi"}],
                        "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 3},
                    }
                )
            },
            (13, 5, 3, 0, 0),
            "mlflow-response+cached",
        ),
        # Google's: thoughts beside the answer, cached inside.
        (
            {
                "mlflow.spanOutputs": json.dumps(
                    {
                        "candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}}],
                        "usage_metadata": {
                            "prompt_token_count": 10,
                            "candidates_token_count": 5,
                            "thoughts_token_count": 7,
                            "cached_content_token_count": 4,
                            "total_token_count": 22,
                        },
                    }
                )
            },
            (10, 12, 4, 0, 7),
            "mlflow-response+reasoning",
        ),
        # Bedrock Converse counts like Anthropic.
        (
            {
                "mlflow.spanOutputs": json.dumps(
                    {
                        "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
                        "stopReason": "end_turn",
                        "usage": {
                            "inputTokens": 10,
                            "outputTokens": 5,
                            "totalTokens": 18,
                            "cacheReadInputTokens": 3,
                        },
                    }
                )
            },
            (13, 5, 3, 0, 0),
            "mlflow-response+cached",
        ),
        ({"mlflow.chat.tokenUsage": "null", "mlflow.spanOutputs": '"hi"'}, (0, 0, 0, 0, 0), ""),
    ],
)
def test_usage_of_the_response(more: dict[str, Value], expected: tuple[int, ...], rule: str) -> None:
    attributes = {key: value for key, value in CHAT.items() if key != "mlflow.chat.tokenUsage"}
    span = read({**attributes, **more})
    assert (numbers(span), span.usage_rule) == (expected, rule)
    assert messages({**attributes, **more}, [], "llm").to_json()["output"][0]["parts"] == [
        {"type": "text", "text": "hi"}
    ]


def test_reported_cost() -> None:
    own: dict[str, Value] = {
        **CHAT,
        "mlflow.llm.model": '"ours"',
        "mlflow.spanOutputs": '"hi"',
        "mlflow.spanInputs": '"hello"',
        "mlflow.llm.cost": '{"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75}',
    }
    span = read(own)
    assert (span.model, span.cost_usd, span.price_source) == ("ours", 0.75, REPORTED)


def test_a_tool() -> None:
    attributes: dict[str, Value] = {
        "mlflow.spanType": '"TOOL"',
        "mlflow.spanFunctionName": '"weather"',
        "mlflow.spanInputs": '{"city": "Oslo"}',
        "mlflow.spanOutputs": '"4 degrees"',
    }
    span = read(attributes, "weather_2")
    assert (span.tool_name, span.input, span.output) == ("weather", '{"city":"Oslo"}', "4 degrees")
    assert read(attributes, "look_up").tool_name == "look_up"


@pytest.mark.parametrize(
    "attributes",
    [
        {"mlflow.trace.session": '"s"', "mlflow.trace.user": '"u"'},
        {"mlflow.trace.session": "s", "mlflow.trace.user": "u"},
        {"session.id": "s", "user.id": "u"},
    ],
)
def test_session_and_user(attributes: dict[str, Value]) -> None:
    span = read({"mlflow.spanType": '"CHAIN"', **attributes})
    assert (span.session_id, span.user_id) == ("s", "u")


def test_a_trace_counts_each_call_once() -> None:
    # LangChain's and OpenAI's autologging both on: a call within a call, one of them with a response id.
    usage: Value = CHAT["mlflow.chat.tokenUsage"]
    outer: dict[str, Value] = {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.spanInputs": '[[{"content": "hello", "type": "human"}]]',
        "mlflow.spanOutputs": '{"generations": [[{"text": "hi", "message": {"content": "hi", "type": "ai"}}]]}',
        "mlflow.chat.tokenUsage": usage,
        "mlflow.llm.model": '"gpt-4o"',
    }
    spans = [
        normalise(
            record("agent", {"mlflow.spanType": '"AGENT"', "mlflow.chat.tokenUsage": usage}, span_id="a", end=50)
        ),
        normalise(record("ChatOpenAI", outer, span_id="b", parent="a", start=1, end=40)),
        normalise(record("Completions", CHAT, span_id="c", parent="b", start=2, end=39)),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "llm", "other"]
    assert [span.input_tokens for span in spans] == [0, 100, 0]
    assert spans[1].response_id == "chatcmpl-1"
    assert {span.agent for span in spans} == {"agent"}
