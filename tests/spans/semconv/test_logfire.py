"""Logfire's integrations of vendors' SDKs, and Pydantic AI before 1: whole spans."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "stream": False}
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 8},
}
#: Release 3: no operation, no counts in attributes.
CALL: dict[str, Value] = {
    "logfire.span_type": "span",
    "logfire.msg": "Chat Completion with 'gpt-4o'",
    "logfire.msg_template": "Chat Completion with {request_data[model]!r}",
    "logfire.tags": ["LLM"],
    "logfire.json_schema": '{"type":"object"}',
    "async": False,
    "request_data": json.dumps(REQUEST),
    "response_data": json.dumps({"message": {"role": "assistant", "content": "hi"}, "usage": USAGE}),
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
}
#: Release 4 adds these.
NEWER: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.raw": json.dumps(USAGE),
    "operation.cost": 0.5,
}


def read(attributes: dict[str, Value], name: str = "x", scope: str = "logfire.openai", **fields: object) -> Span:
    return normalise(record(name, attributes, scope=scope, **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


@pytest.mark.parametrize("more", [{}, NEWER])
def test_a_call_of_openai(more: dict[str, Value]) -> None:
    attributes = {**CALL, **more}
    span = read(attributes)
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "logfire")
    assert (span.provider, span.model, span.request_model) == ("openai", "gpt-4o-2024-08-06", "gpt-4o")
    # The attributes have no cached tokens and no reasoning; the vendor's object has.
    assert (numbers(span), span.usage_rule) == ((100, 20, 40, 0, 8), "logfire")
    found = messages(attributes, [], "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]
    assert {"request_data", "response_data", "logfire.json_schema"} <= span.payload_attributes


def test_a_call_of_anthropic_has_cached_tokens_beside_the_input() -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
    attributes: dict[str, Value] = {
        "request_data": json.dumps({**REQUEST, "model": "claude-sonnet-4-5", "system": "be good"}),
        "response_data": json.dumps({"message": {"role": "assistant", "content": "hi"}, "usage": usage}),
        "gen_ai.request.model": "claude-sonnet-4-5",
    }
    span = read(attributes, scope="logfire.anthropic")
    assert (span.provider, span.type) == ("anthropic", "llm")
    assert (numbers(span), span.usage_rule) == ((16, 5, 4, 2, 0), "logfire+cached")
    # Release 4 adds them up in the attribute, and keeps the vendor's object: once, not twice.
    newer = {**attributes, **NEWER, "gen_ai.usage.input_tokens": 16, "gen_ai.usage.output_tokens": 5}
    assert numbers(read({**newer, "gen_ai.usage.raw": json.dumps(usage)}, scope="logfire.anthropic")) == numbers(span)


def test_events_of_the_responses_api() -> None:
    attributes: dict[str, Value] = {
        **NEWER,
        "request_data": json.dumps({"model": "gpt-4o", "stream": False}),
        "events": json.dumps(
            [
                {"event.name": "gen_ai.system.message", "content": "be good", "role": "system"},
                {"event.name": "gen_ai.user.message", "content": "hello", "role": "user"},
                {
                    "event.name": "gen_ai.assistant.message",
                    "role": "assistant",
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
                },
                {"event.name": "gen_ai.tool.message", "role": "tool", "id": "c1", "content": "found", "name": "t"},
                {"event.name": "gen_ai.assistant.message", "content": "hi", "role": "assistant"},
            ]
        ),
    }
    span = read(attributes)
    assert (span.type, span.input_tokens, span.cache_read_tokens) == ("llm", 100, 40)
    found = messages(attributes, [], "llm").to_json()
    assert [message["role"] for message in found["input"]] == ["system", "user", "assistant", "tool"]
    assert found["input"][2]["parts"] == [{"type": "tool_call", "id": "c1", "name": "t", "arguments": {}}]
    assert found["input"][3]["parts"] == [{"type": "tool_result", "id": "c1", "name": "t", "result": "found"}]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]


@pytest.mark.parametrize(
    ("request_data", "type_"),
    [
        ({"model": "text-embedding-3-small", "input": "x"}, "embedding"),
        ({"model": "gpt-image-1", "prompt": "a cat", "size": "1024x1024"}, "other"),
        ({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}, "llm"),
        ({"url": "/files"}, "other"),
        ([], "other"),
    ],
)
def test_by_what_is_asked(request_data: object, type_: str) -> None:
    attributes: dict[str, Value] = {
        "request_data": json.dumps(request_data),
        "response_data": json.dumps({"text": "hi", "usage": {"prompt_tokens": 5, "total_tokens": 5}}),
    }
    span = read(attributes)
    assert span.type == type_
    assert span.input_tokens == (5 if type_ in ("llm", "embedding") else 0)


def test_request_data_of_anyone_else_says_nothing() -> None:
    assert read(CALL, scope="my.app").type == "other"


@pytest.mark.parametrize("newer", [True, False])
def test_a_streamed_call_is_counted_once(newer: bool) -> None:
    # Two spans: the request, and a log afterwards that has the answer and copies the rest.
    request = {key: value for key, value in CALL.items() if key != "response_data"}
    request["request_data"] = json.dumps({**REQUEST, "stream": True})
    answer: dict[str, Value] = {
        **request,
        "logfire.span_type": "log",
        "response_data": json.dumps({"combined_chunk_content": "hi", "chunk_count": 2}),
    }
    if newer:
        request["gen_ai.operation.name"] = "chat"
        answer |= {**NEWER, "response_data": json.dumps({"message": {"role": "assistant", "content": "hi"}})}
    spans = [
        normalise(record("Chat Completion", request, span_id="a", parent="p", end=3, scope="logfire.openai")),
        normalise(record("streaming response", answer, span_id="b", parent="p", start=9, scope="logfire.openai")),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["workflow", "llm"]
    assert [span.input_tokens for span in spans] == [0, 100 if newer else 0]
    assert messages(answer, [], "llm").to_json()["output"][0]["parts"] == [{"type": "text", "text": "hi"}]


def test_a_pending_span_is_nothing_but_a_sign_of_life() -> None:
    pending: dict[str, Value] = {
        **NEWER,
        "logfire.span_type": "pending_span",
        "logfire.pending_parent_id": "0000000000000000",
    }
    span = read(pending)
    assert (span.type, span.input_tokens) == ("other", 0)


EVENTS = [
    {"content": "be good", "role": "system", "gen_ai.message.index": 0, "event.name": "gen_ai.system.message"},
    {"content": "hello", "role": "user", "gen_ai.message.index": 0, "event.name": "gen_ai.user.message"},
    {"role": "assistant", "content": "hi", "gen_ai.message.index": 1, "event.name": "gen_ai.assistant.message"},
]


def test_an_old_run_of_pydantic_ai() -> None:
    attributes: dict[str, Value] = {
        "model_name": "gpt-4o",
        "agent_name": "planner",
        "logfire.msg": "planner run",
        "final_result": "hi",
        "gen_ai.usage.input_tokens": 300,
        "gen_ai.usage.output_tokens": 50,
        "all_messages_events": json.dumps(EVENTS),
        "logfire.json_schema": '{"type": "object"}',
    }
    span = read(attributes, "agent run", "pydantic-ai")
    assert (span.type, span.operation, span.agent) == ("agent", "invoke_agent", "planner")
    assert (span.input_tokens, span.output) == (0, "hi")
    found = messages({**attributes, "final_result": None}, [], "agent").to_json()
    assert [message["role"] for message in found["input"]] == ["system", "user"]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]


def test_an_old_tool_of_pydantic_ai() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": "c1",
        "tool_arguments": '{"city":"Oslo"}',
        "tool_response": "4 degrees",
        "logfire.msg": "running tool: weather",
    }
    span = read(attributes, "running tool", "pydantic-ai")
    assert (span.type, span.tool_name, span.tool_call_id) == ("tool", "weather", "c1")
    assert (span.input, span.output) == ('{"city":"Oslo"}', "4 degrees")
    # Before 0.2 without arguments, and never counted for its parent `running 2 tools`.
    assert read({"gen_ai.tool.name": "weather"}, "running tool", "pydantic-ai").type == "tool"
    assert read({"logfire.msg": "running 2 tools"}, "running tools", "pydantic-ai").type == "workflow"


def test_an_old_trace_of_pydantic_ai() -> None:
    chat: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "events": json.dumps(
            [
                *EVENTS[:2],
                {"index": 0, "message": {"role": "assistant", "content": "hi"}, "event.name": "gen_ai.choice"},
            ]
        ),
    }
    run: dict[str, Value] = {"agent_name": "planner", "model_name": "gpt-4o", "gen_ai.usage.input_tokens": 100}
    scope = "pydantic-ai"
    spans = [
        normalise(record("agent run", run, span_id="a", end=50, scope=scope)),
        normalise(record("chat gpt-4o", chat, span_id="b", parent="a", start=1, end=20, scope=scope)),
        normalise(
            record("running tools", {"tools": ["weather"]}, span_id="c", parent="a", start=21, end=30, scope=scope)
        ),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "llm", "workflow"]
    assert json.loads(spans[1].output) == [{"role": "assistant", "content": "hi"}]
    assert sum(span.input_tokens for span in spans) == 100
    assert {span.agent for span in spans} == {"planner"}
    found = messages(chat, [], "llm").to_json()
    assert [message["role"] for message in found["input"]] == ["system", "user"]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]
