"""Whatever a stranger sends: a span, never an exception, and nothing that cannot be stored."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import SPAN_TYPES, Event, Span, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

KEYS = [
    "openinference.span.kind",
    "traceloop.span.kind",
    "llm.request.type",
    "gen_ai.operation.name",
    "mcp.method.name",
    "gen_ai.agent.name",
    "gen_ai.system",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.id",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.name",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.prompt.0.role",
    "gen_ai.prompt.0.content",
    "llm.input_messages.0.message.content",
    "llm.input_messages.x.message.content",
    "llm.input_messages.0.message",
    "llm.input_messages.0.message.contents.0.message_content.text",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
    "llm.tools.0.tool.json_schema",
    "llm.token_count.prompt",
    "llm.model_name",
    "llm.invocation_parameters",
    "operation.cost",
    "metadata",
    "input.value",
    "output.value",
    "session.id",
    "tool.name",
    "error.type",
    "message",
]
WORDS = [
    "",
    "chat",
    "LLM",
    "TOOL",
    "AGENT",
    "CHAIN",
    "execute_tool",
    "invoke_agent",
    "tools/call",
    "workflow",
    "gpt-4o",
    "openai/gpt-4o",
    '{"messages": [{"role": "user", "content": [{"type": "image"}]}]}',
    '{"generations": [[{"message": {"kwargs": null}}]]}',
    '{"input_str": "{\'a\': 1}", "inputs": null}',
    '{"id":"x',
    '[{"role": "assistant", "parts": [{"type": "tool_call"}]}]',
    "nan",
    "1e400",
    "\ud800",
]
SCOPES = [
    "app",
    "openinference.instrumentation.langchain",
    "openinference.instrumentation.smolagents",
    "openinference.instrumentation.crewai",
    "opentelemetry.instrumentation.openai_agents",
    "gcp.vertex.agent",
    "com.anthropic.sdk.python",
    "pydantic-ai",
]

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
JSON_TEXTS = VALUES.map(lambda value: json.dumps(value, default=str))
ATTRIBUTES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), VALUES | JSON_TEXTS, max_size=10)
EVENTS = st.lists(
    st.builds(
        Event,
        st.just(0),
        st.sampled_from(["exception", "gen_ai.choice", "gen_ai.tool.message", "gen_ai.user.message", "x"]),
        st.dictionaries(
            st.sampled_from(["content", "message", "exception.type", "role", "tool_calls", "finish_reason"]),
            VALUES | JSON_TEXTS,
            max_size=4,
        ),
    ),
    max_size=3,
)


@st.composite
def spans(draw: st.DrawFn) -> SpanRecord:
    return record(
        draw(st.sampled_from(["", "x", "execute_tool t", "invoke_agent a", "handoff to b", "tools/call t"])),
        draw(ATTRIBUTES),
        span_id=draw(st.sampled_from("abcde")),
        parent=draw(st.sampled_from(["", *"abcdef"])),
        trace=draw(st.sampled_from("tu")),
        scope=draw(st.sampled_from(SCOPES)),
        start=draw(st.integers(0, 5)),
        end=draw(st.integers(0, 9)),
        events=draw(EVENTS),
        status=draw(st.sampled_from(["unset", "error"])),
        status_message=draw(st.text(max_size=8)),
    )


@settings(max_examples=300, deadline=None)
@given(spans())
def test_normalise_never_raises(found: SpanRecord) -> None:
    span = normalise(found)
    assert span.type in SPAN_TYPES
    for column in _texts(span):
        assert isinstance(column, str)
    for number in (span.input_tokens, span.output_tokens, span.cache_read_tokens, span.reasoning_tokens):
        assert 0 <= number < 2**60
    assert span.cost_usd is None or span.cost_usd >= 0
    assert span.payload_attributes <= found.attributes.keys()


def _texts(span: Span) -> list[object]:
    return [
        span.agent,
        span.agent_version,
        span.session_id,
        span.user_id,
        span.provider,
        span.model,
        span.request_model,
        span.operation,
        span.usage_rule,
        span.tool_name,
        span.tool_call_id,
        span.finish_reason,
        span.error_type,
        span.response_id,
        span.input,
        span.output,
    ]


@settings(max_examples=300, deadline=None)
@given(ATTRIBUTES, EVENTS, st.sampled_from(SPAN_TYPES))
def test_messages_never_raise(attributes: dict[str, Value], events: list[Event], type_: str) -> None:
    json.dumps(messages(attributes, events, type_).to_json())


@settings(max_examples=200, deadline=None)
@given(st.lists(spans(), max_size=8), st.randoms(use_true_random=False))
def test_resolve_never_raises_and_settles(found: list[SpanRecord], chooser: object) -> None:
    resolved = [normalise(one) for one in found]
    resolve(resolved)
    assert all(span.type in SPAN_TYPES for span in resolved)
    assert resolve(resolved) == []
