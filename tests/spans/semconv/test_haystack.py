"""Haystack's own spans: what releases 2 and 3 send, with content and without."""

from __future__ import annotations

import json

import pytest
from records import event, record

from tracestore.spans.messages import messages
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

USED = {
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
}
META = {"model": "gpt-4o-mini-2024-07-18", "index": 0, "finish_reason": "tool_calls", "usage": USED}
CALL = {"tool_name": "search", "arguments": {"q": 1}, "id": "c1", "extra": None}
RESULT = {"tool_call_result": {"result": "found", "origin": CALL, "error": False}}
ANSWER = {"role": "assistant", "meta": META, "name": None, "content": [{"text": "I look."}, {"tool_call": CALL}]}
TOLD = {"role": "tool", "meta": {}, "name": None, "content": [RESULT]}
ASKED = {"role": "user", "meta": {}, "name": None, "content": [{"text": "where?"}]}
TOOL = {
    "type": "haystack.tools.tool.Tool",
    "data": {"name": "search", "description": "Finds.", "parameters": {}, "function": "app.search"},
}


def sent(name: str, attributes: dict[str, Value] | None = None, **fields: object) -> Span:
    fields.setdefault("scope", "the application's")
    return normalise(record(f"haystack.{name}", attributes, **fields))  # type: ignore[arg-type]


def component(kind: str, got: object = None, gave: object = None, **more: Value) -> dict[str, Value]:
    found: dict[str, Value] = {"haystack.component.name": "it", "haystack.component.type": kind, **more}
    if got is not None:
        found["haystack.component.input"] = json.dumps(got)
    if gave is not None:
        found["haystack.component.output"] = json.dumps(gave)
    return found


def test_a_step_s_call() -> None:
    span = sent(
        "agent.step.llm",
        {
            "haystack.agent.step.llm.input": json.dumps({"messages": [ASKED, ANSWER, TOLD], "tools": [TOOL]}),
            "haystack.agent.step.llm.output": json.dumps({"replies": [ANSWER]}),
        },
    )
    assert (span.type, span.operation, span.convention) == ("llm", "chat", "haystack")
    assert (span.model, span.provider, span.finish_reason) == ("gpt-4o-mini-2024-07-18", "openai", "tool_calls")
    assert (span.input_tokens, span.output_tokens, span.cache_read_tokens, span.usage_rule) == (12, 3, 4, "haystack")
    assert span.cost_usd is not None
    said = messages(span.record.attributes, span.record.events, span.type)
    call = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": 1}}
    assert [message.role for message in said.input] == ["user", "assistant", "tool"]
    assert said.input[2].parts == [{"type": "tool_result", "id": "c1", "name": "search", "result": "found"}]
    assert [message.parts for message in said.output] == [[{"type": "text", "text": "I look."}, call]]
    assert said.tools == [{"name": "search", "description": "Finds.", "parameters": None}]


def test_without_content_a_call_is_a_call_though_it_has_no_attribute() -> None:
    span = sent("agent.step.llm")
    assert (span.type, span.convention, span.usage_rule, span.cost_usd) == ("llm", "haystack", "", None)


def test_several_replies_repeat_one_usage() -> None:
    span = sent("component.run", component("OpenAIChatGenerator", {}, {"replies": [ANSWER, ANSWER]}))
    assert (span.input_tokens, span.output_tokens) == (12, 3)


def test_a_generator_of_texts_has_its_meta_beside_them() -> None:
    span = sent(
        "component.run", component("OpenAIGenerator", {"prompt": "where?"}, {"replies": ["here"], "meta": [META]})
    )
    assert (span.type, span.model, span.input_tokens) == ("llm", "gpt-4o-mini-2024-07-18", 12)
    said = messages(span.record.attributes, span.record.events, span.type)
    assert [part["text"] for message in (*said.input, *said.output) for part in message.parts] == ["where?", "here"]


@pytest.mark.parametrize(
    ("kind", "outputs", "expected"),
    [
        ("AnthropicChatGenerator", "", "llm"),
        ("OurModel", '{"replies": {"type": "list[ChatMessage]", "receivers": []}}', "llm"),
        ("OurModel", '{"prompt": {"type": "str", "receivers": []}}', "workflow"),
        ("OpenAIImageGenerator", "", "workflow"),
        ("LLM", '{"last_message": {"type": "ChatMessage"}}', "workflow"),
        ("QdrantEmbeddingRetriever", "", "retrieval"),
        ("SentenceTransformersTextEmbedder", "", "embedding"),
        ("LLMRanker", "", "rerank"),
        ("FaithfulnessEvaluator", "", "evaluator"),
        ("ChatPromptBuilder", "", "workflow"),
        ("ToolInvoker", "", "workflow"),
    ],
)
def test_components_by_their_class(kind: str, outputs: str, expected: str) -> None:
    assert sent("component.run", component(kind, **{"haystack.component.output_spec": outputs})).type == expected


def test_an_embedder_s_tokens_are_counted_and_its_vector_left_out() -> None:
    gave = {"embedding": [0.1], "meta": {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 7}}}
    span = sent("component.run", component("OpenAITextEmbedder", {"text": "x"}, gave))
    assert (span.type, span.model, span.input_tokens, span.output) == ("embedding", "text-embedding-3-small", 7, "")
    assert span.cost_usd is not None


def test_a_retriever() -> None:
    gave = {"documents": [{"id": "d", "content": "text", "blob": None, "score": 1.5, "embedding": [0.1]}]}
    span = sent("component.run", component("InMemoryBM25Retriever", {"query": "where?", "top_k": None}, gave))
    assert (span.input, json.loads(span.output)) == ("where?", [{"id": "d", "content": "text", "score": 1.5}])
    assert span.derived is not None
    assert span.derived["tracestore.retrieval.hits"] == 1


def tool(gave: Value, **more: Value) -> Span:
    attributes: dict[str, Value] = {
        "haystack.tool.name": "search",
        "haystack.agent.step.tool.input": '{"b": 1, "a": 2}',
        "haystack.agent.step.tool.output": gave,
        **more,
    }
    return sent("agent.step.tool", attributes)


def test_a_tool() -> None:
    span = tool("found")
    assert (span.type, span.operation, span.tool_name) == ("tool", "execute_tool", "search")
    assert (span.input, span.output, span.error_type) == ('{"a":2,"b":1}', "found", "")


def test_a_tool_that_failed_has_no_error_status() -> None:
    span = tool('{"error": "no such thing"}', **{"haystack.tool.error": True})
    assert (span.record.status, span.error_type, span.output) == ("unset", "ToolInvocationError", "no such thing")


def test_the_invoker_of_release_2_is_an_execution_only_of_a_single_tool() -> None:
    one = sent("component.run", component("ToolInvoker", {}, {"tool_messages": [TOLD]}))
    assert (one.type, one.tool_name, one.tool_call_id) == ("tool", "search", "c1")
    assert (one.input, one.output, one.error_type) == ('{"q":1}', "found", "")
    failed = {**TOLD, "content": [{"tool_call_result": {**RESULT["tool_call_result"], "error": True}}]}
    assert sent("component.run", component("ToolInvoker", {}, {"tool_messages": [failed]})).error_type
    assert sent("component.run", component("ToolInvoker", {}, {"tool_messages": [TOLD, TOLD]})).type == "workflow"


def test_an_agent_s_run_is_one_span_with_its_component_s_name() -> None:
    gave = {"messages": [ASKED, ANSWER], "last_message": ANSWER}
    spans = [
        sent("pipeline.run", {"haystack.pipeline.input_data": "{}"}, span_id="p"),
        sent("component.run", component("Agent", {"messages": [ASKED]}, gave), span_id="c", parent="p"),
        sent("agent.run", {"haystack.agent.tools": json.dumps([TOOL])}, span_id="a", parent="c"),
        sent("agent.step", {"haystack.agent.step": 0}, span_id="s", parent="a"),
        sent("agent.step.llm", span_id="l", parent="s"),
    ]
    resolve(spans)
    assert [span.type for span in spans] == ["workflow", "agent", "workflow", "workflow", "llm"]
    assert [span.agent for span in spans] == ["", "it", "it", "it", "it"]
    assert json.loads(spans[1].output) == [ANSWER]
    said = messages(spans[1].record.attributes, [], "agent")
    assert [len(said.input), len(said.output)] == [1, 1]


def test_a_run_of_its_own_is_an_agent_if_it_has_tools() -> None:
    assert sent("agent.run", {"haystack.agent.tools": json.dumps([TOOL])}).type == "agent"
    assert sent("agent.run", {"haystack.agent.tools": "[]"}).type == "workflow"


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (
            'Traceback\n  File "a"\nopenai.RateLimitError: slow\n  down:\nplease, now\n\n{}\nTraceback\n',
            "openai.RateLimitError",
        ),
        ("{}", "haystack.core.errors.PipelineRuntimeError"),
        ("Traceback\nValueError: cut short", "haystack.core.errors.PipelineRuntimeError"),
    ],
)
def test_what_made_a_component_fail(stack: str, expected: str) -> None:
    raised = event(
        "exception",
        **{
            "exception.type": "haystack.core.errors.PipelineRuntimeError",
            "exception.stacktrace": stack.format(
                "The above exception was the direct cause of the following exception:"
            ),
        },
    )
    assert sent("component.run", component("OurWriter"), events=[raised], status="error").error_type == expected


@pytest.mark.parametrize("content", [True, False])
def test_the_client_s_own_span_below_is_the_same_call(content: bool) -> None:
    gave = {"replies": [ANSWER]} if content else None
    openai: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "r1",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
    }
    spans = [
        sent("component.run", component("OpenAIChatGenerator", None, gave), span_id="c", end=9),
        normalise(record("chat gpt-4o-mini", openai, parent="c", scope="openai", start=1, end=8)),
    ]
    resolve(spans)
    (call,) = [span for span in spans if span.type == "llm"]
    assert (call.input_tokens, call.response_id, sum(span.input_tokens for span in spans)) == (12, "r1", 12)


@pytest.mark.parametrize(
    "value", ["", "[", "3", "[]", '{"replies": 3}', '{"replies": [{"meta": 3}]}', '{"replies": []}']
)
def test_strange_values_are_no_figures(value: str) -> None:
    span = sent("agent.step.llm", {"haystack.agent.step.llm.output": value})
    assert (span.type, span.usage_rule, span.model) == ("llm", "", "")
    messages(span.record.attributes, [], "llm")


def test_content_is_payload() -> None:
    span = sent("component.run", component("OpenAIChatGenerator", {"messages": []}, {"replies": []}))
    assert span.payload_attributes == {"haystack.component.input", "haystack.component.output"}


def test_an_operation_goes_before_the_name() -> None:
    assert sent("agent.step.llm", {"gen_ai.operation.name": "execute_tool"}).convention == "genai"
