"""LangSmith's OpenTelemetry exporter: whole spans, as its sources write them."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

PROMPT = {
    "messages": [
        [
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "schema", "messages", "HumanMessage"],
                "kwargs": {"content": "hello", "type": "human"},
            }
        ]
    ]
}
COMPLETION = {
    "generations": [
        [
            {
                "text": "hi",
                "message": {
                    "lc": 1,
                    "id": ["langchain", "schema", "messages", "AIMessage"],
                    "kwargs": {"content": "hi", "type": "ai", "response_metadata": {"id": "chatcmpl-1"}},
                },
            }
        ]
    ]
}
LLM: dict[str, Value] = {
    "langsmith.span.kind": "llm",
    "langsmith.trace.name": "ChatOpenAI",
    "langsmith.trace.session_name": "my-project",
    "langsmith.trace.session_id": "project-uuid",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.total_tokens": 120,
    "gen_ai.usage.input_token_details": "{'audio': 0, 'cache_read': 40}",
    "gen_ai.usage.output_token_details": "{'audio': 0, 'reasoning': 8}",
    "gen_ai.prompt": json.dumps(PROMPT),
    "gen_ai.completion": json.dumps(COMPLETION),
    "langsmith.metadata.ls_provider": "openai",
    "langsmith.metadata.ls_model_name": "gpt-4o",
    "langsmith.metadata.thread_id": "th1",
    "langsmith.metadata.user_id": "u1",
    "langsmith.metadata.lc_agent_name": "planner",
}


def read(attributes: dict[str, Value], name: str = "x", **fields: object) -> Span:
    return normalise(record(name, attributes, scope="langsmith", **fields))  # type: ignore[arg-type]


def numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )


def test_a_call() -> None:
    span = read(LLM)
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "langsmith")
    assert (span.provider, span.model, span.response_id) == ("openai", "gpt-4o", "chatcmpl-1")
    # LangChain's counts: cached inside the input, reasoning inside the output.
    assert (numbers(span), span.usage_rule) == ((100, 20, 40, 0, 8), "langsmith")
    assert span.cost_usd is not None
    assert (span.session_id, span.user_id) == ("th1", "u1")
    found = messages(LLM, [], "llm").to_json()
    assert found["input"] == [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]
    assert found["output"] == [{"role": "assistant", "parts": [{"type": "text", "text": "hi"}]}]


@pytest.mark.parametrize(
    ("kind", "written", "type_"),
    [
        ("llm", "chat", "llm"),
        ("LLM", "chat", "llm"),
        ("chain", "chain", "workflow"),
        ("tool", "execute_tool", "tool"),
        # The exporter's own operations for these are wrong.
        ("retriever", "embeddings", "retrieval"),
        ("prompt", "chat", "workflow"),
        ("embedding", "embeddings", "embedding"),
        ("parser", "parser", "workflow"),
        ("invented", "invented", "other"),
    ],
)
def test_the_kind_wins_over_the_operation(kind: str, written: str, type_: str) -> None:
    span = read({**LLM, "langsmith.span.kind": kind, "gen_ai.operation.name": written})
    assert span.type == type_
    assert bool(span.input_tokens) == (type_ in ("llm", "embedding"))


@pytest.mark.parametrize(
    ("more", "session"),
    [
        ({}, ""),  # the exporter's session is the project
        ({"langsmith.metadata.session_id": "s1", "langsmith.metadata.thread_id": "th"}, "s1"),
        ({"langsmith.metadata.conversation_id": "c1"}, "c1"),
        ({"session.id": "plain"}, "plain"),
    ],
)
def test_sessions(more: dict[str, Value], session: str) -> None:
    attributes: dict[str, Value] = {
        "langsmith.span.kind": "chain",
        "langsmith.trace.session_name": "my-project",
        "langsmith.trace.session_id": "project-uuid",
        **more,
    }
    assert read(attributes).session_id == session


def test_a_session_that_an_application_set_by_itself() -> None:
    assert read({"langsmith.span.kind": "chain", "langsmith.trace.session_id": "s1"}).session_id == "s1"


def test_a_tool_gets_the_repr_of_its_arguments() -> None:
    output = {
        "output": {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "schema", "messages", "ToolMessage"],
            "kwargs": {"content": "4 degrees", "type": "tool", "tool_call_id": "c1", "status": "success"},
        }
    }
    attributes: dict[str, Value] = {
        "langsmith.span.kind": "tool",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.system": "langchain",
        "gen_ai.tool.name": "weather",
        "gen_ai.prompt": json.dumps({"input": "{'city': 'Oslo'}"}),
        "gen_ai.completion": json.dumps(output),
    }
    span = read(attributes, "weather")
    assert (span.type, span.tool_name, span.tool_call_id) == ("tool", "weather", "c1")
    assert (span.input, span.output, span.provider) == ('{"city":"Oslo"}', "4 degrees", "")
    traced = read({**attributes, "gen_ai.prompt": '{"city": "Oslo"}', "gen_ai.completion": '{"output": "warm"}'})
    assert (traced.input, traced.output) == ('{"city":"Oslo"}', "warm")


def test_graphs_and_their_nodes() -> None:
    run: dict[str, Value] = {"langsmith.span.kind": "chain", "langsmith.metadata.lc_agent_name": "planner"}
    assert (read(run, "planner").type, read(run, "planner").agent) == ("agent", "planner")
    assert read(run, "RunnableSequence").type == "workflow"
    node: dict[str, Value] = {**run, "langsmith.metadata.langgraph_node": "model"}
    assert (read(node, "model").type, read(node, "model").operation) == ("workflow", "execute_task")
    unnamed: dict[str, Value] = {"langsmith.span.kind": "chain"}
    assert (read(unnamed, "LangGraph").type, read(unnamed, "LangGraph").agent) == ("agent", "LangGraph")
    assert read(unnamed, "LangGraph", parent="p").type == "workflow"


def test_a_trace_counts_each_call_once() -> None:
    # The exporter puts the tokens of an answer on every run that returns it.
    spans = [
        normalise(record("planner", {**LLM, "langsmith.span.kind": "chain"}, span_id="a", end=50)),
        normalise(
            record(
                "model",
                {**LLM, "langsmith.span.kind": "chain", "langsmith.metadata.langgraph_node": "model"},
                span_id="b",
                parent="a",
                end=40,
            )
        ),
        normalise(record("ChatOpenAI", LLM, span_id="c", parent="b", start=1, end=30)),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "workflow", "llm"]
    assert [span.input_tokens for span in spans] == [0, 0, 100]
    assert {span.agent for span in spans} == {"planner"}


def test_indexed_messages_of_other_senders() -> None:
    attributes: dict[str, Value] = {
        "langsmith.span.kind": "llm",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hello",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "hi",
    }
    span = read(attributes)
    assert span.type == "llm"
    assert json.loads(span.output) == [{"role": "assistant", "content": "hi"}]
