"""AutoGen's messages: each call once, whoever processes it and however often it is repeated."""

from __future__ import annotations

import json

import pytest
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

RUNTIME = "autogen SingleThreadedAgentRuntime"
USED = {"prompt_tokens": 12, "completion_tokens": 3}
CALL = [{"id": "c1", "name": "search", "arguments": '{"q": 1}'}]


def body(content: object = "hello", kind: str = "TextMessage", used: object = USED, identity: str = "m1") -> object:
    return {"id": identity, "source": "planner", "models_usage": used, "content": content, "type": kind}


def processed(message: object, operation: str = "process", **fields: object) -> Span:
    raw = message if isinstance(message, str) else json.dumps(message)
    attributes: dict[str, Value] = {"messaging.operation": operation, "message": raw}
    return normalise(record("autogen process x", attributes, scope=RUNTIME, **fields))  # type: ignore[arg-type]


def test_a_call() -> None:
    span = processed({"message": body(CALL, "ToolCallRequestEvent")})
    assert (span.type, span.agent, span.input_tokens, span.output_tokens) == ("llm", "planner", 12, 3)
    assert (span.usage_rule, span.model, span.cost_usd) == ("autogen", "", None)
    said = messages(span.record.attributes, span.record.events, span.type)
    assert said.output[0].parts == [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": 1}}]


@pytest.mark.parametrize(
    "message",
    [
        {"message": body(used=None)},
        {"response": {"chat_message": body(), "inner_messages": [body()]}},
        {"messages": [body()]},
        {"message": "hello"},
        {"message": {"models_usage": 3}},
        '{"message": {"models_usage": {"prompt_tokens": 12',
        "No Message",
    ],
)
def test_what_is_no_call(message: object) -> None:
    span = processed(message)
    assert (span.type, span.input_tokens, span.usage_rule) == ("workflow", 0, "")


def test_only_processing_counts() -> None:
    assert processed({"message": body()}, "receive").type == "workflow"


@pytest.mark.parametrize("counts", [{}, {"prompt_tokens": "x"}, {"prompt_tokens": -1, "completion_tokens": None}])
def test_strange_counts_are_no_usage(counts: object) -> None:
    span = processed({"message": body(used=counts)})
    assert (span.type, span.usage_rule) == ("llm", "")


def test_a_message_that_several_process_is_one_call() -> None:
    spans = [processed({"message": body()}, trace=trace, start=n) for n, trace in enumerate(("a", "a", "b"))]
    resolve(spans)
    assert [(span.type == "llm", span.input_tokens) for span in spans] == [(True, 12), (False, 0), (False, 0)]


def test_an_id_of_two_meanings_tells_nothing() -> None:
    """Mock servers repeat their ids."""
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.id": "c1",
    }
    tool = normalise(record("execute_tool search", attributes, scope="autogen-core", trace="t"))
    other = [{**CALL[0], "arguments": '{"q": 2}'}]
    spans = [
        processed({"message": body(content, "ToolCallRequestEvent", identity=f"m{n}")}, trace=f"r{n}")
        for n, content in enumerate((CALL, other))
    ]
    resolve([tool, *spans])
    assert tool.input == ""
    resolve([tool, spans[0]])
    assert tool.input == '{"q":1}'
