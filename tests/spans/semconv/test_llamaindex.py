"""LlamaIndex's own spans: named by class and method, told by events."""

from __future__ import annotations

import json

import pytest
from records import event, record

from tracestore.spans.messages import messages
from tracestore.spans.model import Event, Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve
from tracestore.spans.semconv.llamaindex import SCOPE

SUMMARY = "llamaindex.step.input_summary"
CALLED = "ToolCall(tool_name='search', tool_kwargs={'q': 1}, tool_id='c1')"
CALL = {"block_type": "tool_call", "tool_call_id": "c1", "tool_name": "search", "tool_kwargs": '{"q": 1}'}
OLD_CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": 1}'}}
ASKED = [{"role": "user", "additional_kwargs": {}, "blocks": [{"block_type": "text", "text": "where?"}]}]
TOLD = {
    "role": "tool",
    "additional_kwargs": {"tool_call_id": "c1"},
    "blocks": [{"block_type": "text", "text": "found"}],
}


def sent(name: str, attributes: dict[str, Value] | None = None, *events: Event, **fields: object) -> Span:
    fields.setdefault("scope", SCOPE)
    return normalise(record(name, attributes, events=list(events), **fields))  # type: ignore[arg-type]


def started(asked: list[object] | None = None) -> Event:
    tools = [{"type": "function", "function": {"name": "search", "description": "Finds.", "parameters": {"a": 1}}}]
    fields: dict[str, Value] = {
        "messages": json.dumps(asked or ASKED),
        "model_dict.model_name": "gpt-4o-mini",
        "additional_kwargs.tools": json.dumps(tools),
    }
    return event("LLMChatStartEvent", **fields)


def ended(asked: list[object] | None = None, **more: Value) -> Event:
    fields: dict[str, Value] = {
        "messages": json.dumps(asked or ASKED),
        "response.message.role": "assistant",
        "response.message.blocks": json.dumps([{"block_type": "text", "text": "I look."}, CALL]),
        "response.message.additional_kwargs.tool_calls": json.dumps([OLD_CALL]),
        "response.raw.id": "r1",
        "response.raw.model": "gpt-4o-mini-2024-07-18",
        "response.raw.choices": json.dumps([{"finish_reason": "tool_calls"}]),
        "response.raw.usage.prompt_tokens": 12,
        "response.raw.usage.completion_tokens": 3,
        "response.raw.usage.prompt_tokens_details.cached_tokens": 4,
        "response.raw.usage.prompt_tokens_details.cache_write_tokens": "null",
        "response.additional_kwargs.prompt_tokens": 12,
        **more,
    }
    return event("LLMChatEndEvent", **fields)


def test_a_call() -> None:
    span = sent("OpenAI.achat", {"session.id": "s1", "llamaindex.user_id": "u1"}, started(), ended())
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "llamaindex")
    assert (span.model, span.request_model, span.provider) == ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", "openai")
    assert (span.input_tokens, span.output_tokens, span.cache_read_tokens, span.usage_rule) == (12, 3, 4, "llamaindex")
    assert (span.response_id, span.finish_reason, span.session_id, span.user_id) == ("r1", "tool_calls", "s1", "u1")
    assert span.cost_usd is not None
    said = messages(span.record.attributes, span.record.events, span.type)
    call = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": 1}}
    assert [(m.role, m.parts) for m in said.input] == [("user", [{"type": "text", "text": "where?"}])]
    assert [(m.role, m.parts) for m in said.output] == [("assistant", [{"type": "text", "text": "I look."}, call])]
    assert said.tools == [{"name": "search", "description": "Finds.", "parameters": {"a": 1}}]


def test_calls_of_older_releases_stand_beside_the_text() -> None:
    blocks = json.dumps([{"block_type": "text", "text": "I look."}])
    span = sent("OpenAI.chat", {}, started(), ended(**{"response.message.blocks": blocks}))
    said = messages({}, span.record.events, "llm")
    assert [part["type"] for part in said.output[0].parts] == ["text", "tool_call"]


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({"response.raw.usage.input_tokens": 5, "response.raw.usage.cache_read_input_tokens": 9}, (14, 9)),
        ({"response.raw.usage_metadata.prompt_token_count": 6}, (6, 0)),
        ({"response.additional_kwargs.prompt_tokens": 7}, (7, 0)),
        ({"response.raw": "null"}, (0, 0)),
    ],
)
def test_usage_under_the_vendor_s_names(fields: dict[str, Value], figures: tuple[int, int]) -> None:
    span = sent("Claude.chat", {}, started(), event("LLMChatEndEvent", **fields))
    assert (span.input_tokens, span.cache_read_tokens) == figures


def test_a_completion() -> None:
    began = event("LLMCompletionStartEvent", **{"prompt": "where?", "model_dict.model_name": "m"})
    done = event("LLMCompletionEndEvent", **{"prompt": "where?", "response.text": "here", "response.raw": "null"})
    span = sent("MockLLM.complete", None, began, done)
    said = messages({}, span.record.events, span.type)
    assert (span.type, span.model) == ("llm", "m")
    assert [part["text"] for message in (*said.input, *said.output) for part in message.parts] == ["where?", "here"]


def test_a_span_without_attributes_or_events_is_a_step() -> None:
    span = sent("OpenAI._prepare_chat_with_tools")
    assert (span.type, span.convention) == ("workflow", "llamaindex")


def test_what_is_around_a_call_is_none() -> None:
    output = event("LLMPredictEndEvent", output="here")
    spans = [
        sent("OpenAI.predict", None, event("LLMPredictStartEvent"), output, span_id="p", end=20),
        sent("OpenAI.chat", None, started(), ended(), parent="p", start=1, end=9),
    ]
    resolve(spans)
    assert [(span.type, span.input_tokens) for span in spans] == [("workflow", 0), ("llm", 12)]
    assert spans[0].output == "here"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FunctionAgent.run", ("agent", "FunctionAgent")),
        ("AgentWorkflow.run", ("agent", "AgentWorkflow")),
        ("SupportAgent.run", ("agent", "SupportAgent")),
        ("OurWorkflow.run", ("workflow", "")),
        ("FunctionAgent.run_agent_step", ("workflow", "")),
        ("RetrieverQueryEngine.query", ("workflow", "")),
    ],
)
def test_runs(name: str, expected: tuple[str, str]) -> None:
    span = sent(name)
    assert (span.type, span.agent) == expected


def test_a_tool_s_arguments_are_from_the_step_and_its_result_from_the_next_call() -> None:
    later = [*ASKED, {"role": "assistant", "additional_kwargs": {}, "blocks": [CALL]}, TOLD]
    spans = [
        sent("FunctionAgent.run", span_id="a", end=40),
        sent("OpenAI.achat", None, started(), ended(), parent="a", start=1, end=5),
        sent("BaseWorkflowAgent.call_tool", {SUMMARY: CALLED}, parent="a", span_id="t", start=6, end=9),
        sent("FunctionTool.acall", {SUMMARY: CALLED}, parent="t", start=7, end=8),
        sent(
            "OpenAI.achat",
            None,
            started(later),
            ended(later, **{"response.raw.id": "r2"}),
            parent="a",
            start=10,
            end=20,
        ),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["agent", "llm", "workflow", "tool", "llm"]
    tool = spans[3]
    assert (tool.tool_name, tool.tool_call_id, tool.input, tool.output) == ("search", "c1", '{"q":1}', "found")


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("ToolCall(tool_name='search', tool_kwargs={'q': 'a long te...", ("search", "", "")),
        ("ToolCall(tool_name='search', tool_kwargs={'q': <object>}, tool_id='c1')", ("search", "", "")),
        ("AgentSetup(input=[", ("FunctionTool", "", "")),
        ("", ("FunctionTool", "", "")),
    ],
)
def test_what_is_cut_short(summary: str, expected: tuple[str, str, str]) -> None:
    span = sent("FunctionTool.acall", {SUMMARY: summary})
    assert (span.tool_name, span.tool_call_id, span.input) == expected


def test_a_hand_off_is_no_tool() -> None:
    summary = "ToolCall(tool_name='handoff', tool_kwargs={'to_agent': 'writer', 'reason': 'r'}, tool_id='c1')"
    assert sent("FunctionTool.acall", {SUMMARY: summary}).type == "workflow"
    assert sent("FunctionTool.acall", {SUMMARY: CALLED.replace("search", "handoff")}).type == "tool"


def test_a_tool_that_raised() -> None:
    raised = event("exception", **{"exception.type": "PermissionError"})
    span = sent("FunctionTool.acall", {SUMMARY: CALLED}, raised, status="error")
    assert (span.type, span.error_type) == ("tool", "PermissionError")


def test_a_retrieval() -> None:
    node = {"id_": "n", "text": "text", "metadata": {"page": 3}, "embedding": [0.1], "relationships": {"1": {}}}
    fields: dict[str, Value] = {"nodes": json.dumps([{"node": node, "score": 0.5}])}
    query = event("RetrievalStartEvent", **{"str_or_query_bundle.query_str": "where?"})
    span = sent("VectorIndexRetriever.retrieve", None, query, event("RetrievalEndEvent", **fields))
    assert (span.type, span.input) == ("retrieval", "where?")
    assert json.loads(span.output) == [{"id": "n", "text": "text", "metadata": {"page": 3}, "score": 0.5}]
    assert span.derived is not None
    assert span.derived["tracestore.retrieval.best_score"] == 0.5


def test_an_embedding() -> None:
    began = event("EmbeddingStartEvent", **{"model_dict.model_name": "text-embedding-3-small"})
    span = sent("OpenAIEmbedding.get_query_embedding", None, began, event("EmbeddingEndEvent", chunks=["a", "b"]))
    assert (span.type, span.model, span.input) == ("embedding", "text-embedding-3-small", '["a","b"]')


OPENAI: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.id": "r1",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
}


def test_the_client_s_own_span_is_the_same_call() -> None:
    spans = [
        sent("OpenAI.achat", None, started(), ended(), span_id="c", end=9),
        normalise(record("chat gpt-4o-mini", OPENAI, parent="c", scope="openai", start=1, end=8)),
    ]
    resolve(spans)
    assert [(span.type, span.input_tokens) for span in spans] == [("llm", 12), ("other", 0)]


def test_a_stream_s_request_is_made_after_its_span() -> None:
    """The client's span stands beside and is the same call: LlamaIndex knows neither answer nor usage."""
    spans = [
        sent("FunctionAgent.run_agent_step", span_id="a", end=50),
        sent("OpenAI.astream_chat", None, started(), parent="a", start=1, end=3),
        normalise(record("chat gpt-4o-mini", OPENAI, parent="a", scope="openai", start=5, end=9)),
        sent("OpenAI.astream_chat", None, started(), parent="a", start=11, end=13),
        normalise(record("chat", {**OPENAI, "gen_ai.response.id": "r2"}, parent="a", scope="openai", start=15, end=19)),
        sent("OpenAI.astream_chat", None, started(), parent="a", start=21, end=23),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["workflow", "llm", "other", "llm", "other", "llm"]
    assert [(span.input_tokens, span.response_id) for span in spans[1::2]] == [(12, "r1"), (12, "r2"), (0, "")]
    assert sum(span.input_tokens for span in spans) == 24
    assert not resolve(spans)


def test_another_instrumentation_of_the_same_method_counts_no_tool_twice() -> None:
    oi: dict[str, Value] = {"openinference.span.kind": "TOOL", "tool.name": "search", "output.value": "found"}
    spans = [
        sent("FunctionTool.acall", {SUMMARY: CALLED}, parent="t", start=7, end=9),
        normalise(record("FunctionTool.acall", oi, parent="t", scope="openinference", start=8, end=10)),
        normalise(record("FunctionTool.acall", oi, parent="t", scope="openinference", start=11, end=12)),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["tool", "other", "tool"]
    assert (spans[0].input, spans[0].output, spans[0].tool_call_id) == ('{"q":1}', "found", "c1")


@pytest.mark.parametrize("value", ["", "null", "[", "[3]", "3", "{}", '[{"blocks": 3}]', '[{"blocks": [3, null]}]'])
def test_strange_values_are_read_as_far_as_they_go(value: str) -> None:
    fields: dict[str, Value] = {"messages": value, "response.message.blocks": value, "response.raw.choices": value}
    span = sent("X.chat", {SUMMARY: value}, event("LLMChatStartEvent", **fields), event("LLMChatEndEvent", **fields))
    assert (span.type, span.usage_rule) == ("llm", "")
    messages(span.record.attributes, span.record.events, "llm")
    assert sent("X.retrieve", None, event("RetrievalStartEvent"), event("RetrievalEndEvent", nodes=value)).type
