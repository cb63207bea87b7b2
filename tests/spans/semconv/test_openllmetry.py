"""OpenLLMetry's older releases: numbered messages, and `llm.*` names before those of GenAI."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

CALL: dict[str, Value] = {
    "llm.request.type": "chat",
    "gen_ai.system": "OpenAI",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-1",
    "llm.headers": "None",
    "llm.is_streaming": False,
    "llm.usage.total_tokens": 120,
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 20,
    "gen_ai.usage.cache_read_input_tokens": 40,
    "llm.usage.reasoning_tokens": 8,
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "be good",
    "gen_ai.prompt.1.role": "assistant",
    "gen_ai.prompt.1.tool_calls.0.id": "c1",
    "gen_ai.prompt.1.tool_calls.0.name": "t",
    "gen_ai.prompt.1.tool_calls.0.arguments": '{"q": 1}',
    "gen_ai.prompt.2.role": "tool",
    "gen_ai.prompt.2.tool_call_id": "c1",
    "gen_ai.prompt.2.content": "found",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "hi",
    "gen_ai.completion.0.finish_reason": "stop",
    "llm.request.functions.0.name": "t",
    "traceloop.association.properties.session_id": "s1",
    "traceloop.association.properties.user_id": "u1",
}


def read(attributes: dict[str, Value], name: str = "openai.chat", **fields: object) -> Span:
    scope = "opentelemetry.instrumentation.openai.v1"
    return normalise(record(name, attributes, scope=scope, **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


def test_release_0_40() -> None:
    span = read(CALL)
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "openllmetry")
    assert (span.provider, span.model, span.response_id) == ("openai", "gpt-4o-2024-08-06", "chatcmpl-1")
    # Cached inside the input, reasoning inside the output: OpenAI's counts, and for Anthropic it adds.
    assert (numbers(span), span.usage_rule) == ((100, 20, 40, 0, 8), "openllmetry-legacy")
    assert (span.finish_reason, span.session_id, span.user_id) == ("stop", "s1", "u1")
    found = messages(CALL, [], "llm").to_json()
    assert found["input"] == [
        {"role": "system", "parts": [{"type": "text", "text": "be good"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "t", "arguments": {"q": 1}}]},
        {"role": "tool", "parts": [{"type": "tool_result", "id": "c1", "name": "", "result": "found"}]},
    ]
    assert found["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "text": "hi"}], "finish_reason": "stop"}
    ]


def test_before_0_19() -> None:
    attributes: dict[str, Value] = {
        "llm.request.type": "chat",
        "llm.vendor": "Anthropic",
        "llm.request.model": "claude-3-opus-20240229",
        "llm.response.model": "claude-3-opus-20240229",
        "llm.usage.prompt_tokens": 10,
        "llm.usage.completion_tokens": 5,
        "llm.usage.total_tokens": 15,
        "llm.prompts.0.role": "user",
        "llm.prompts.0.content": "hello",
        "llm.completions.0.content": "hi",
        "llm.completions.0.finish_reason": "end_turn",
    }
    span = read(attributes)
    assert (span.type, span.provider, span.model) == ("llm", "anthropic", "claude-3-opus-20240229")
    assert (numbers(span), span.usage_rule, span.finish_reason) == ((10, 5, 0, 0, 0), "openllmetry-llm", "end_turn")
    assert span.cost_usd is not None
    found = messages(attributes, [], "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"][0]["parts"] == [{"type": "text", "text": "hi"}]


def test_dropped_attributes_leave_gaps_in_the_numbers() -> None:
    # An SDK that keeps 128 attributes drops the oldest: the first messages of a long conversation.
    attributes = {key: value for key, value in CALL.items() if not key.startswith("gen_ai.prompt.0.")}
    assert [message["role"] for message in json.loads(read(attributes).input)] == ["assistant", "tool"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"gen_ai.prompt.0.user": "once upon"}, {"role": "", "content": "once upon"}),
        (
            {"gen_ai.prompt.0.refusal": "no", "gen_ai.prompt.0.role": "assistant"},
            {"role": "assistant", "content": "no"},
        ),
        (
            {"gen_ai.prompt.0.role": "assistant", "gen_ai.prompt.0.function_call.name": "t"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "", "name": "t", "arguments": ""}],
            },
        ),
    ],
)
def test_forms_of_a_message(more: dict[str, Value], expected: object) -> None:
    assert json.loads(read({"llm.request.type": "completion", **more}).input) == [expected]


def test_ten_messages_stay_in_order() -> None:
    attributes: dict[str, Value] = {"llm.request.type": "chat"}
    for number in reversed(range(12)):
        attributes[f"gen_ai.prompt.{number}.content"] = str(number)
    assert [message["content"] for message in json.loads(read(attributes).input)] == [str(n) for n in range(12)]


def test_a_trace_of_the_decorators() -> None:
    spans = [
        read(
            {"traceloop.span.kind": "workflow", "traceloop.entity.name": "joke"}, "joke.workflow", span_id="a", end=50
        ),
        read(
            {"traceloop.span.kind": "agent", "traceloop.entity.name": "teller", "traceloop.workflow.name": "joke"},
            "teller.agent",
            span_id="b",
            parent="a",
            end=40,
        ),
        read(
            {**CALL, "traceloop.workflow.name": "joke", "traceloop.entity.path": "teller"},
            span_id="c",
            parent="b",
            start=1,
            end=20,
        ),
        read(
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "look_up",
                "traceloop.entity.input": '{"args": [], "kwargs": {"q": 1}}',
                "traceloop.entity.output": '"found"',
            },
            "look_up.tool",
            span_id="d",
            parent="b",
            start=21,
            end=30,
        ),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["workflow", "agent", "llm", "tool"]
    assert [span.agent for span in spans] == ["", "teller", "teller", "teller"]
    assert (spans[3].tool_name, spans[3].input) == ("look_up", '{"q":1}')
    assert sum(span.input_tokens for span in spans) == 100


def test_an_mcp_call_inside_a_workflow_is_still_one() -> None:
    call = {"traceloop.workflow.name": "w", "mcp.method.name": "tools/call", "gen_ai.tool.name": "search"}
    span = normalise(record("tools/call search", call))
    assert (span.type, span.tool_name, span.convention) == ("tool", "search", "mcp")
    assert normalise(record("GET", {"traceloop.workflow.name": "w", "http.request.method": "GET"})).type == "other"
