"""Vercel AI SDK: whole spans of its releases 4 to 6, as its sources write them."""

from __future__ import annotations

import json

import pytest
from records import event, record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

PROMPT = [
    {"role": "system", "content": "be good"},
    {"role": "user", "content": [{"type": "text", "text": "weather in Oslo?"}]},
]
CALLS_5 = [{"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": {"city": "Oslo"}}]


def around(**more: Value) -> dict[str, Value]:
    return {
        "operation.name": "ai.streamText planner",
        "resource.name": "planner",
        "ai.operationId": "ai.streamText",
        "ai.telemetry.functionId": "planner",
        "ai.model.provider": "openai.chat",
        "ai.model.id": "gpt-4o",
        "ai.prompt": json.dumps({"system": "be good", "messages": [{"role": "user", "content": "weather in Oslo?"}]}),
        "ai.telemetry.metadata.sessionId": "s1",
        "ai.telemetry.metadata.userId": "u1",
        "ai.response.finishReason": "stop",
        "ai.response.text": "It rains.",
        "ai.usage.inputTokens": 300,
        "ai.usage.outputTokens": 50,
        "ai.usage.totalTokens": 350,
        **more,
    }


def call(inputs: int = 100, outputs: int = 20, **more: Value) -> dict[str, Value]:
    return {
        "operation.name": "ai.streamText.doStream planner",
        "ai.operationId": "ai.streamText.doStream",
        "ai.telemetry.functionId": "planner",
        "ai.model.provider": "openai.chat",
        "ai.model.id": "gpt-4o",
        "ai.prompt.messages": json.dumps(PROMPT),
        "ai.prompt.tools": [
            json.dumps({"type": "function", "name": "weather", "description": "d", "inputSchema": {"type": "object"}})
        ],
        "gen_ai.system": "openai.chat",
        "gen_ai.request.model": "gpt-4o",
        "ai.response.finishReason": "tool-calls",
        "ai.response.text": "",
        "ai.response.toolCalls": json.dumps(CALLS_5),
        "ai.response.id": f"chatcmpl-{inputs}",
        "ai.response.model": "gpt-4o-2024-08-06",
        "ai.usage.inputTokens": inputs,
        "ai.usage.outputTokens": outputs,
        "ai.usage.totalTokens": inputs + outputs,
        "gen_ai.response.finish_reasons": ["tool-calls"],
        "gen_ai.response.id": f"chatcmpl-{inputs}",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens": inputs,
        "gen_ai.usage.output_tokens": outputs,
        **more,
    }


TOOL: dict[str, Value] = {
    "operation.name": "ai.toolCall planner",
    "ai.operationId": "ai.toolCall",
    "ai.telemetry.functionId": "planner",
    "ai.toolCall.name": "weather",
    "ai.toolCall.id": "c1",
    "ai.toolCall.args": '{"city":"Oslo"}',
    "ai.toolCall.result": '{"temperature":4}',
}


def read(attributes: dict[str, Value], name: str = "ai.x", **fields: object) -> Span:
    return normalise(record(name, attributes, scope="ai", **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


def test_a_streamed_call() -> None:
    span = read(call())
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "vercel")
    assert (span.provider, span.model, span.request_model) == ("openai", "gpt-4o-2024-08-06", "gpt-4o")
    assert (span.response_id, span.finish_reason, span.usage_rule) == ("chatcmpl-100", "tool-calls", "vercel")
    assert numbers(span) == (100, 20, 0, 0, 0)
    assert span.cost_usd == pytest.approx(100 * 2.5e-6 + 20 * 10e-6)
    assert {"ai.prompt.messages", "ai.prompt.tools", "ai.response.toolCalls"} <= span.payload_attributes
    assert "ai.model.id" not in span.payload_attributes


def test_the_messages_of_a_call() -> None:
    found = messages(call(), [], "llm").to_json()
    assert found["input"] == [
        {"role": "system", "parts": [{"type": "text", "text": "be good"}]},
        {"role": "user", "parts": [{"type": "text", "text": "weather in Oslo?"}]},
    ]
    part = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}
    assert found["output"] == [{"role": "assistant", "parts": [part], "finish_reason": "tool-calls"}]
    assert found["tools"] == [{"name": "weather", "description": "d", "parameters": {"type": "object"}}]


def test_the_span_around_is_a_run_when_the_application_named_it() -> None:
    span = read(around())
    assert (span.type, span.operation, span.agent) == ("agent", "invoke_agent", "planner")
    assert (span.session_id, span.user_id) == ("s1", "u1")
    assert (numbers(span), span.usage_rule, span.cost_usd) == ((0, 0, 0, 0, 0), "", None)
    found = messages(around(), [], "agent").to_json()
    assert [message["role"] for message in found["input"]] == ["system", "user"]
    assert found["output"][0]["parts"] == [{"type": "text", "text": "It rains."}]
    unnamed = around()
    del unnamed["ai.telemetry.functionId"]
    assert read(unnamed).type == "workflow"


@pytest.mark.parametrize(
    ("operation", "type_"),
    [
        ("ai.generateText", "workflow"),
        ("ai.generateText.doGenerate", "llm"),
        ("ai.streamText.doStream", "llm"),
        ("ai.generateObject", "workflow"),
        ("ai.generateObject.doGenerate", "llm"),
        ("ai.streamObject.doStream", "llm"),
        ("ai.embed", "workflow"),
        ("ai.embed.doEmbed", "embedding"),
        ("ai.embedMany", "workflow"),
        ("ai.embedMany.doEmbed", "embedding"),
        ("ai.rerank.doRerank", "rerank"),
        ("ai.toolCall", "tool"),
        ("ai.generateSpeech", "other"),
        ("ai.invented", "other"),
    ],
)
def test_what_is_what(operation: str, type_: str) -> None:
    # GenAI names and numbers are on all of them, and decide nothing.
    attributes: dict[str, Value] = {
        "ai.operationId": operation,
        "gen_ai.system": "openai",
        "ai.usage.tokens": 7,
        "ai.usage.promptTokens": 7,
        "ai.usage.completionTokens": 1,
        "gen_ai.usage.input_tokens": 7,
    }
    span = read(attributes)
    assert span.type == type_
    assert bool(span.input_tokens) == (type_ in ("llm", "embedding"))


def test_release_4_says_prompt_and_completion() -> None:
    attributes: dict[str, Value] = {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "openai.chat",
        "ai.model.id": "gpt-4o",
        "ai.prompt.format": "messages",
        "ai.prompt.messages": json.dumps(
            [
                {
                    "role": "tool",
                    "content": [{"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "result": {"t": 4}}],
                }
            ]
        ),
        "ai.response.text": "4 degrees",
        "ai.response.toolCalls": '[{"toolCallType":"function","toolCallId":"c2","toolName":"t","args":"{\\"a\\":1}"}]',
        "ai.usage.promptTokens": 40,
        "ai.usage.completionTokens": 5,
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
    }
    assert numbers(read(attributes)) == (40, 5, 0, 0, 0)
    found = messages(attributes, [], "llm").to_json()
    result = {"type": "tool_result", "id": "c1", "name": "weather", "result": '{"t":4}'}
    assert found["input"] == [{"role": "tool", "parts": [result]}]
    assert found["output"][0]["parts"] == [
        {"type": "text", "text": "4 degrees"},
        {"type": "tool_call", "id": "c2", "name": "t", "arguments": {"a": 1}},
    ]


ANTHROPIC_5 = {
    "anthropic": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 6, "cache_creation_input_tokens": 2}}
}


@pytest.mark.parametrize(
    ("more", "expected", "rule"),
    [
        # Release 5 passes on Anthropic's numbers: cached tokens beside the input, few or many.
        (
            {"ai.response.providerMetadata": json.dumps(ANTHROPIC_5), "ai.usage.cachedInputTokens": 6},
            (18, 20, 6, 2, 0),
            "vercel+cached",
        ),
        # Release 4 has no usage object there.
        (
            {
                "ai.response.providerMetadata": '{"anthropic":{"cacheReadInputTokens":3,"cacheCreationInputTokens":0}}',
            },
            (13, 20, 3, 0, 0),
            "vercel+cached",
        ),
        # Release 6 adds them up, and says what was not cached.
        (
            {
                "ai.response.providerMetadata": json.dumps(ANTHROPIC_5),
                "ai.usage.inputTokens": 18,
                "ai.usage.inputTokenDetails.noCacheTokens": 10,
                "ai.usage.inputTokenDetails.cacheReadTokens": 6,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 2,
                "ai.usage.cachedInputTokens": 6,
            },
            (18, 20, 6, 2, 0),
            "vercel",
        ),
        # OpenAI: a part of the input, and reasoning a part of the output.
        ({"ai.usage.cachedInputTokens": 8, "ai.usage.reasoningTokens": 5}, (10, 20, 8, 0, 5), "vercel"),
        # Google in release 5: thoughts on top of the answer, as the total shows.
        (
            {"ai.usage.reasoningTokens": 7, "ai.usage.totalTokens": 37},
            (10, 27, 0, 0, 7),
            "vercel+reasoning",
        ),
    ],
)
def test_cached_and_reasoning_tokens(more: dict[str, Value], expected: tuple[int, ...], rule: str) -> None:
    span = read(call(10, 20, **more))
    assert (numbers(span), span.usage_rule) == (expected, rule)


@pytest.mark.parametrize(
    ("named", "model", "provider"),
    [
        ("anthropic.messages", "claude-sonnet-4-5", "anthropic"),
        ("google.generative-ai", "gemini-2.5-flash", "google"),
        ("google.vertex.chat", "gemini-2.5-flash", "google"),
        ("amazon-bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0", "aws.bedrock"),
        ("gateway", "anthropic/claude-sonnet-4-5", "anthropic"),
        ("azure-openai.chat", "gpt-4o", "azure"),
    ],
)
def test_providers(named: str, model: str, provider: str) -> None:
    span = read(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.provider": named,
            "ai.model.id": model,
            "ai.usage.inputTokens": 1000,
            "ai.usage.outputTokens": 10,
        }
    )
    assert (span.provider, span.model) == (provider, model.removeprefix("anthropic/"))
    assert span.cost_usd is not None


def test_a_tool() -> None:
    span = read(TOOL)
    assert (span.type, span.tool_name, span.tool_call_id) == ("tool", "weather", "c1")
    assert (span.input, span.output) == ('{"city":"Oslo"}', '{"temperature":4}')
    assert read({**TOOL, "ai.toolCall.result": '"sunny"'}).output == "sunny"


def test_a_tool_that_failed() -> None:
    thrown = event("exception", **{"exception.type": "TypeError", "exception.message": "no city"})
    span = read(TOOL, status="error", status_message="no city", events=[thrown])
    assert (span.type, span.error_type) == ("tool", "TypeError")


def test_an_object_by_a_schema_is_the_answer() -> None:
    attributes: dict[str, Value] = {
        "ai.operationId": "ai.generateObject.doGenerate",
        "ai.prompt.messages": json.dumps(PROMPT),
        "ai.response.object": '{"city":"Oslo"}',
        "ai.usage.promptTokens": 3,
        "ai.usage.completionTokens": 4,
    }
    assert read(attributes).type == "llm"
    found = messages(attributes, [], "llm").to_json()
    assert found["output"][0]["parts"] == [{"type": "text", "text": '{"city":"Oslo"}'}]


def test_files_and_reasoning_in_messages() -> None:
    content = [
        {"type": "reasoning", "text": "hm"},
        {"type": "file", "mediaType": "image/png", "data": "aGVsbG8="},
        {"type": "image", "mimeType": "image/jpeg", "image": "https://x.test/a.jpg"},
        {"type": "file", "mediaType": "application/pdf", "data": {"0": 1, "1": 2}},
    ]
    attributes: dict[str, Value] = {"ai.prompt.messages": json.dumps([{"role": "user", "content": content}])}
    assert messages(attributes, [], "llm").to_json()["input"][0]["parts"] == [
        {"type": "reasoning", "text": "hm"},
        {"type": "image", "mime_type": "image/png", "size": 5},
        {"type": "image", "mime_type": "image/jpeg", "uri": "https://x.test/a.jpg"},
        {"type": "file", "mime_type": "application/pdf", "size": 2},
    ]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"type": "text", "value": "ok"}, "ok"),
        ({"type": "json", "value": {"a": 1}}, '{"a":1}'),
        ({"type": "content", "value": [{"type": "text", "text": "ok"}]}, "ok"),
        ({"type": "execution-denied", "reason": "no"}, "no"),
    ],
)
def test_results_of_release_5(output: object, expected: str) -> None:
    block = {"type": "tool-result", "toolCallId": "c1", "toolName": "t", "output": output}
    attributes: dict[str, Value] = {"ai.prompt.messages": json.dumps([{"role": "tool", "content": [block]}])}
    part = messages(attributes, [], "llm").to_json()["input"][0]["parts"][0]
    assert part == {"type": "tool_result", "id": "c1", "name": "t", "result": expected}


def trace() -> list[SpanRecord]:
    return [
        record("ai.streamText", around(), span_id="a", end=100, scope="ai"),
        record("ai.streamText.doStream", call(100, 20), span_id="b", parent="a", start=1, end=30, scope="ai"),
        record("ai.toolCall", dict(TOOL), span_id="c", parent="a", start=31, end=40, scope="ai"),
        record("ai.streamText.doStream", call(200, 30), span_id="d", parent="a", start=41, end=90, scope="ai"),
    ]


def test_a_trace_counts_each_call_once() -> None:
    spans = [normalise(found) for found in trace()]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "llm", "tool", "llm"]
    assert (sum(span.input_tokens for span in spans), sum(span.output_tokens for span in spans)) == (300, 50)
    assert {span.agent for span in spans} == {"planner"}
    assert {(span.session_id, span.user_id) for span in spans} == {("s1", "u1")}


def test_release_7_sends_genai_spans_and_a_run_nobody_named_has_no_name() -> None:
    run = normalise(
        record(
            "invoke_agent gpt-4o",
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 300,
            },
        )
    )
    assert (run.type, run.agent, run.input_tokens) == ("agent", "", 0)
    assert normalise(record("step 1", {"gen_ai.operation.name": "agent_step"})).type == "workflow"
