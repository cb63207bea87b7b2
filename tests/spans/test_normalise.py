"""One rule, one small span: what the columns say."""

from __future__ import annotations

import json

import pytest
from records import event, record

from tracestore.spans.model import SPAN_TYPES, Value
from tracestore.spans.normalise import normalise

OI = "openinference.instrumentation."


@pytest.mark.parametrize(
    ("name", "attributes", "scope", "type_"),
    [
        ("x", {}, "app", "other"),
        ("x", {"http.request.method": "GET"}, "app", "other"),
        ("x", {"db.system.name": "qdrant", "db.operation.name": "query_points"}, "app", "retrieval"),
        ("x", {"db.system": "postgresql"}, "app", "other"),
        ("x", {"gen_ai.tool.name": "t", "gen_ai.usage.input_tokens": 3}, "app", "other"),
        ("x", {"openinference.span.kind": "LLM", "output.value": "hi"}, "app", "llm"),
        ("x", {"openinference.span.kind": "llm", "output.value": "hi"}, "app", "llm"),
        ("x", {"openinference.span.kind": "RETRIEVER"}, "app", "retrieval"),
        ("x", {"openinference.span.kind": "RERANKER"}, "app", "rerank"),
        ("x", {"openinference.span.kind": "EMBEDDING"}, "app", "embedding"),
        ("x", {"openinference.span.kind": "GUARDRAIL"}, "app", "guardrail"),
        ("x", {"openinference.span.kind": "EVALUATOR"}, "app", "evaluator"),
        ("x", {"openinference.span.kind": "PROMPT"}, "app", "workflow"),
        ("x", {"openinference.span.kind": "UNKNOWN"}, "app", "other"),
        ("x", {"openinference.span.kind": "NEW"}, "app", "other"),
        # The kind wins over everything else on the span.
        ("x", {"openinference.span.kind": "TOOL", "gen_ai.operation.name": "chat"}, "app", "tool"),
        ("x", {"gen_ai.operation.name": "generate_content", "gen_ai.response.id": "r"}, "app", "llm"),
        ("x", {"gen_ai.operation.name": "text_completion", "gen_ai.response.id": "r"}, "app", "llm"),
        ("x", {"gen_ai.operation.name": "embeddings"}, "app", "embedding"),
        ("x", {"gen_ai.operation.name": "create_agent"}, "app", "other"),
        ("x", {"gen_ai.operation.name": "invoke_workflow"}, "app", "workflow"),
        ("x", {"gen_ai.operation.name": "retrieval"}, "app", "retrieval"),
        ("x", {"gen_ai.operation.name": "invented"}, "app", "other"),
        ("x", {"traceloop.span.kind": "task"}, "app", "workflow"),
        ("x.tool", {"traceloop.span.kind": "tool"}, "app", "tool"),
        ("x", {"traceloop.span.kind": "agent"}, "app", "agent"),
        ("x", {"llm.request.type": "chat", "gen_ai.completion.0.content": "hi"}, "app", "llm"),
        ("MCP send tools/call t", {"mcp.method.name": "tools/call"}, "mcp-python-sdk", "tool"),
        ("tools/list", {"mcp.method.name": "tools/list"}, "mcp-python-sdk", "other"),
    ],
)
def test_type(name: str, attributes: dict[str, Value], scope: str, type_: str) -> None:
    span = normalise(record(name, attributes, scope=scope))
    assert span.type == type_
    assert span.type in SPAN_TYPES


@pytest.mark.parametrize(
    ("name", "attributes", "scope"),
    [
        ("handoff to billing", {"openinference.span.kind": "TOOL"}, OI + "openai_agents"),
        ("x", {"gen_ai.operation.name": "agent_handoff"}, "opentelemetry.instrumentation.openai_agents"),
        (
            "execute_tool transfer_to_billing",
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "transfer_to_billing"},
            "autogen-core",
        ),
        (
            "execute_tool transfer_to_agent",
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "transfer_to_agent"},
            "gcp.vertex.agent",
        ),
    ],
)
def test_a_hand_off_is_no_tool(name: str, attributes: dict[str, Value], scope: str) -> None:
    span = normalise(record(name, attributes, scope=scope))
    assert (span.type, span.operation, span.tool_name) == ("workflow", "handoff", "")


def test_a_tool_that_transfers_money_is_a_tool() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "transfer_to_savings",
    }
    assert normalise(record("x", attributes)).type == "tool"


@pytest.mark.parametrize(
    ("scope", "name"),
    [("gcp.vertex.agent", "(merged tools)"), (OI + "smolagents", "final_answer")],
)
def test_what_executes_nothing_is_no_tool(scope: str, name: str) -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    if scope.startswith(OI):
        attributes = {"openinference.span.kind": "TOOL", "tool.name": name}
    span = normalise(record("x", attributes, scope=scope))
    assert (span.type, span.tool_name) == ("other", "")


def _langchain(name: str, kind: str, parent: str = "p", **metadata: Value) -> tuple[str, str]:
    attributes: dict[str, Value] = {
        "openinference.span.kind": kind,
        "metadata": json.dumps(metadata),
    }
    span = normalise(record(name, attributes, scope=OI + "langchain", parent=parent))
    return span.type, span.agent


def test_langchain_agents_are_told_by_metadata_and_not_by_the_word_agent() -> None:
    assert _langchain("concierge", "CHAIN", "", lc_agent_name="concierge") == ("agent", "concierge")
    assert _langchain("stylist", "CHAIN", lc_agent_name="stylist", langgraph_node="tools") == ("agent", "stylist")
    assert _langchain("model", "CHAIN", lc_agent_name="stylist", langgraph_node="model") == ("workflow", "stylist")
    assert _langchain("agent", "AGENT", lc_agent_name="stylist", langgraph_node="agent") == ("workflow", "stylist")
    assert _langchain("LangGraph", "CHAIN", "") == ("agent", "LangGraph")
    assert _langchain("LangGraph", "CHAIN", "p") == ("workflow", "")
    assert _langchain("RunnableSequence", "CHAIN", "") == ("workflow", "")


def test_langchain_tool_with_agent_in_its_name() -> None:
    attributes: dict[str, Value] = {
        "openinference.span.kind": "AGENT",
        "tool.name": "ask_billing_agent",
    }
    span = normalise(record("ask_billing_agent", attributes, scope=OI + "langchain"))
    assert (span.type, span.tool_name) == ("tool", "ask_billing_agent")


@pytest.mark.parametrize(
    ("name", "attributes", "scope", "expected"),
    [
        ("x.run", {}, OI + "smolagents", ("agent", "x")),
        ("r.task._execute_core", {"graph.node.id": "r"}, OI + "crewai", ("agent", "r")),
        ("wf", {}, OI + "openai_agents", ("workflow", "")),
        ("a", {"agent.name": "a"}, OI + "openai_agents", ("agent", "a")),
        ("invoke_agent a", {}, "my.app", ("agent", "a")),
    ],
)
def test_openinference_agents(name: str, attributes: dict[str, Value], scope: str, expected: tuple[str, str]) -> None:
    span = normalise(record(name, {"openinference.span.kind": "AGENT", **attributes}, scope=scope))
    assert (span.type, span.agent) == expected


CONTRIB = "opentelemetry.instrumentation.openai_agents"


@pytest.mark.parametrize(
    ("name", "attributes", "scope", "expected"),
    [
        ("wf", {}, CONTRIB, ("workflow", "")),
        ("invoke_agent a", {"gen_ai.agent.name": "a"}, CONTRIB, ("agent", "a")),
        ("invoke_agent a", {"gen_ai.agent.name": "OpenAI Agent"}, CONTRIB, ("agent", "a")),
        ("invoke_agent LangGraph", {"gen_ai.agent.name": "LangGraph"}, "app", ("agent", "LangGraph")),
        ("invoke_agent a", {}, "app", ("agent", "a")),
        (
            "a.workflow",
            {"traceloop.span.kind": "workflow", "gen_ai.agent.name": "a"},
            "opentelemetry.instrumentation.langchain",
            ("workflow", "a"),
        ),
    ],
)
def test_genai_agents(name: str, attributes: dict[str, Value], scope: str, expected: tuple[str, str]) -> None:
    span = normalise(record(name, {"gen_ai.operation.name": "invoke_agent", **attributes}, scope=scope))
    assert (span.type, span.agent) == expected


def test_placeholder_agent_names_are_not_taken() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "OpenAI Agent",
        "gen_ai.response.id": "r",
    }
    assert normalise(record("chat", attributes)).agent == ""


def test_crewai_delegation_is_the_run_of_the_coworker() -> None:
    attributes: dict[str, Value] = {
        "openinference.span.kind": "TOOL",
        "tool.name": "Delegate work to coworker",
        "input.value": '{"task": "t", "coworker": "billing"}',
    }
    span = normalise(record("Delegate work to coworker.run", attributes, scope=OI + "crewai"))
    assert (span.type, span.agent) == ("agent", "billing")


@pytest.mark.parametrize(
    ("attributes", "tokens", "rule"),
    [
        (
            {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.prompt_tokens": 9, "gen_ai.usage.output_tokens": 2},
            (9, 2, 0, 0, 0),
            "genai",
        ),
        ({"gen_ai.usage.prompt_tokens": 9, "gen_ai.usage.completion_tokens": 2}, (9, 2, 0, 0, 0), "genai-legacy"),
        (
            {
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 8,
                "gen_ai.usage.cache_read.input_tokens": 4,
                "gen_ai.usage.cache_read_input_tokens": 4,
                "gen_ai.usage.cache_creation.input_tokens": 1,
                "gen_ai.usage.reasoning_tokens": 5,
            },
            (9, 8, 4, 1, 5),
            "genai",
        ),
        # Anthropic's wire numbers leave the cached ones out of the input.
        (
            {
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 1,
                "gen_ai.usage.cache_read.input_tokens": 100,
            },
            (109, 1, 100, 0, 0),
            "genai+cached",
        ),
        ({"gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": "x"}, (0, 0, 0, 0, 0), ""),
        ({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": 3.0}, (12, 3, 0, 0, 0), "genai"),
        ({}, (0, 0, 0, 0, 0), ""),
    ],
)
def test_tokens_are_counted_once(attributes: dict[str, Value], tokens: tuple[int, ...], rule: str) -> None:
    call: dict[str, Value] = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r"}
    span = normalise(record("chat", {**call, **attributes}))
    assert tokens == (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
        span.reasoning_tokens,
    )
    assert span.usage_rule == rule


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_event_loop_cycle", "execute_tool"])
def test_only_calls_have_tokens(operation: str) -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": operation,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.request.model": "gpt-4o",
    }
    span = normalise(record("x", attributes))
    assert (span.input_tokens, span.cost_usd) == (0, None)


def test_openinference_agents_that_repeat_the_total_have_no_tokens() -> None:
    attributes: dict[str, Value] = {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 9}
    assert normalise(record("a.run", attributes, scope=OI + "smolagents")).input_tokens == 0


def test_adk_reasoning_is_not_added_twice_behind_litellm() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.request.model": "openai/o4-mini",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 871,
        "gen_ai.usage.reasoning.output_tokens": 384,
    }
    span = normalise(record("x", attributes, scope="gcp.vertex.agent"))
    assert (span.output_tokens, span.reasoning_tokens, span.model) == (487, 384, "o4-mini")
    attributes["gen_ai.request.model"] = "gemini-2.5-pro"
    assert normalise(record("x", attributes, scope="gcp.vertex.agent")).output_tokens == 871


def test_a_call_that_left_nothing_is_no_call() -> None:
    attributes = {"openinference.span.kind": "LLM", "input.value": "q"}
    prepared = record("_prepare_chat_with_tools", attributes)
    told = record("OpenAI._prepare_chat_with_tools", {**attributes, "output.value": '{"messages": []}'})
    assert normalise(told).type == "workflow"
    counted = record("OpenAI._prepare_chat_with_tools", {**attributes, "llm.token_count.prompt": 3})
    assert normalise(counted).type == "llm"
    assert normalise(prepared).type == "workflow"
    # The SDK's limit of 128 attributes may have dropped what it left.
    prepared.dropped_attributes = 3
    assert normalise(prepared).type == "llm"
    prepared.dropped_attributes, prepared.status = 0, "error"
    assert normalise(prepared).type == "llm"


@pytest.mark.parametrize(
    ("sent", "model", "provider"),
    [
        ("openai/gpt-4o", "gpt-4o", "openai"),
        ("openrouter/anthropic/claude-sonnet-4", "claude-sonnet-4", "anthropic"),
        ("meta-llama/Llama-3-70b", "meta-llama/Llama-3-70b", ""),
        ("models/gemini-2.5-pro", "gemini-2.5-pro", "google"),
    ],
)
def test_model_without_routing_and_vendor_behind_a_framework(sent: str, model: str, provider: str) -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "strands-agents",
        "gen_ai.request.model": sent,
        "gen_ai.response.id": "r",
    }
    span = normalise(record("chat", attributes))
    assert (span.model, span.request_model) == (model, model)
    if provider:
        assert span.provider == provider
    assert span.provider != "strands-agents"


def test_response_model_goes_before_the_requested() -> None:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "r",
        "gen_ai.response.finish_reasons": ["stop"],
    }
    span = normalise(record("chat", attributes))
    assert (span.model, span.request_model, span.finish_reason) == ("gpt-4o-2024-08-06", "gpt-4o", "stop")


@pytest.mark.parametrize(
    ("attributes", "session", "user"),
    [
        ({"session.id": "a", "gen_ai.conversation.id": "b", "user.id": "u"}, "a", "u"),
        ({"gen_ai.conversation.id": "b"}, "b", ""),
        ({"traceloop.association.properties.thread_id": "c"}, "c", ""),
        ({"metadata": '{"thread_id": "d", "user_id": 7}'}, "d", "7"),
        ({"metadata": '{"session_id": '}, "", ""),
        ({"metadata": ["x"], "session.id": ""}, "", ""),
    ],
)
def test_session_and_user(attributes: dict[str, Value], session: str, user: str) -> None:
    span = normalise(record("x", attributes))
    assert (span.session_id, span.user_id) == (session, user)


def _tool(**attributes: Value) -> tuple[str, str, str]:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    span = normalise(record("execute_tool t", {"gen_ai.operation.name": "execute_tool", **named}))
    return span.input, span.output, span.tool_call_id


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ('{"b": 1,  "a": "x"}', '{"a":"x","b":1}'),
        ("ORD-1", "ORD-1"),
        ('{"args": [], "sanitize_inputs_outputs": true, "kwargs": {"q": 1}}', '{"q":1}'),
        ('{"args": [1], "kwargs": {}}', "[1]"),
        ('{"kwargs": {"q": 1}}', '{"q":1}'),
        ("""{"args": "()", "kwargs": "{'q': 1}"}""", '{"q":1}'),
        ("{\"input_str\": \"{'q': 'it''s'}\", \"tags\": []}", '{"q":"its"}'),
        ('{"input_str": "ORD-1", "inputs": {"id": "ORD-1"}}', '{"id":"ORD-1"}'),
        ('{"input_str": "ORD-1"}', "ORD-1"),
        ('{"name": "t", "args": {"q": 1}, "id": "c", "type": "tool_call"}', '{"q":1}'),
        ("{'q': True}", '{"q":true}'),
        ('{"q": ', '{"q": '),
        ("", ""),
    ],
)
def test_arguments_are_canonical(sent: str, text: str) -> None:
    assert _tool(gen_ai__tool__call__arguments=sent)[0] == text


def test_structured_arguments() -> None:
    assert _tool(gen_ai__tool__call__arguments={"b": 1, "a": [True]})[0] == '{"a":[true],"b":1}'


@pytest.mark.parametrize(
    ("sent", "text", "call_id"),
    [
        ("plain", "plain", ""),
        ('{"type": "tool", "data": {"content": "r", "tool_call_id": "c"}}', "r", "c"),
        ('{"output": {"lc": 1, "kwargs": {"content": "r", "tool_call_id": "c"}}, "kwargs": {}}', "r", "c"),
        ('{"lc": 1, "kwargs": {"content": [{"type": "text", "text": "r"}]}}', "r", ""),
        ('{"output": "r", "kwargs": {}}', "r", ""),
        ('{"tool_name": "t", "raw_input": {}, "raw_output": "r", "is_error": false}', "r", ""),
        ('{"tool_name": "t", "raw_input": {}, "raw_output": {"a": 1}}', '{"a":1}', ""),
        ('{"content": [{"type": "text", "text": "r"}], "isError": false}', "r", ""),
        ('{"content": [{"text": "r"}], "mine": 1}', '{"content": [{"text": "r"}], "mine": 1}', ""),
        ('{"content": "mine", "output": 1}', '{"content": "mine", "output": 1}', ""),
        ('{"result": 5}', '{"result": 5}', ""),
    ],
)
def test_results_are_unwrapped(sent: str, text: str, call_id: str) -> None:
    assert _tool(gen_ai__tool__call__result=sent)[1:] == (text, call_id)


def test_adk_results_are_unwrapped_and_handled_errors_seen() -> None:
    def adk(result: str) -> tuple[str, str]:
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "t",
            "gen_ai.tool.call.result": result,
        }
        span = normalise(record("execute_tool t", attributes, scope="gcp.vertex.agent"))
        return span.output, span.error_type

    assert adk('{"result": "[1]"}') == ("[1]", "")
    assert adk('{"status": "ok"}') == ('{"status": "ok"}', "")
    failed = '{"status": "error", "error_message": "TimeoutError: slow"}'
    assert adk(failed) == (failed, "TimeoutError")


def test_strands_tool_events() -> None:
    span = normalise(
        record(
            "execute_tool t",
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"},
            scope="strands.telemetry.tracer",
            events=[
                event("gen_ai.tool.message", content='{"q": 1}', role="tool"),
                event("gen_ai.choice", message='[{"text": "r"}]'),
            ],
        )
    )
    assert (span.input, span.output) == ('{"q":1}', "r")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attributes": {"error.type": "<class 'openai.BadRequestError'>"}}, "openai.BadRequestError"),
        (
            {"status": "error", "events": [event("exception", **{"exception.type": "KeyError"})]},
            "KeyError",
        ),
        ({"events": [event("exception", **{"exception.type": "KeyError"})]}, ""),
        ({"status": "error", "status_message": "PermissionError('no')Traceback"}, "PermissionError"),
        ({"status": "error", "status_message": "openai.APITimeout: slow"}, "openai.APITimeout"),
        ({"status": "error", "status_message": "it broke"}, "_OTHER"),
        ({"status": "error"}, "_OTHER"),
        ({}, ""),
    ],
)
def test_error_type(fields: dict[str, object], expected: str) -> None:
    assert normalise(record("x", **fields)).error_type == expected  # type: ignore[arg-type]


def test_response_id_hidden_in_the_answer() -> None:
    def answer(value: str) -> str:
        attributes: dict[str, Value] = {"openinference.span.kind": "LLM", "output.value": value}
        return normalise(record("x", attributes)).response_id

    assert answer('{"id":"chatcmpl-1","choices":[]}') == "chatcmpl-1"
    assert answer('{"object": "response", "id": "resp_1"}') == "resp_1"
    metadata = {"response_metadata": {"id": "chatcmpl-2"}}
    result = {"generations": [[{"message": {"lc": 1, "kwargs": metadata}}]]}
    assert answer(json.dumps(result)) == "chatcmpl-2"
    assert answer('{"generations": 5}') == ""
    assert answer('{"id":"unfinished') == ""


def test_smolagents_answer_tells_the_model_and_the_cached_tokens() -> None:
    raw = "ChatCompletion(id='c1', choices=[Choice(finish_reason='stop')], model='gpt-4o-2024-08-06', cached_tokens=4)"
    attributes: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 9,
        "llm.token_count.completion": 1,
        "output.value": json.dumps({"role": "assistant", "raw": raw}),
    }
    span = normalise(record("x", attributes, scope=OI + "smolagents"))
    assert (span.response_id, span.model, span.request_model) == ("c1", "gpt-4o-2024-08-06", "gpt-4o")
    assert (span.cache_read_tokens, span.finish_reason) == (4, "stop")


def test_payload_attributes() -> None:
    attributes: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.input_messages.0.message.content": "x",
        "input.value": "x",
        "input.mime_type": "text/plain",
        "embedding.embeddings.0.embedding.vector": [0.5],
        "note": "n" * 513,
        "short": "n" * 512,
    }
    assert normalise(record("x", attributes)).payload_attributes == {
        "llm.input_messages.0.message.content",
        "input.value",
        "embedding.embeddings.0.embedding.vector",
        "note",
    }


def test_old_openllmetry_messages() -> None:
    attributes: dict[str, Value] = {
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "q",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.tool_calls.0.name": "t",
        "gen_ai.completion.0.tool_calls.0.arguments": "{}",
        "gen_ai.usage.prompt_tokens": 3,
        "gen_ai.usage.completion_tokens": 1,
    }
    span = normalise(record("openai.chat", attributes))
    assert (span.type, span.provider, span.convention) == ("llm", "openai", "openllmetry")
    assert (span.input_tokens, span.usage_rule) == (3, "openllmetry-legacy")
    assert json.loads(span.input) == [{"role": "user", "content": "q"}]
    assert json.loads(span.output)[0]["tool_calls"] == [{"id": "", "name": "t", "arguments": "{}"}]


def test_agent_version() -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.version": "2"}
    assert normalise(record("invoke_agent a", attributes, service_version="1")).agent_version == "2"
    assert normalise(record("x", {}, service_version="1")).agent_version == "1"


def test_reported_cost_only_when_no_price_is_known() -> None:
    call: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 0,
        "operation.cost": 7.5,
        "gen_ai.request.model": "nobody-knows-it",
    }
    span = normalise(record("chat", call))
    assert (span.cost_usd, span.price_source) == (7.5, "reported by the sender")
    call["gen_ai.request.model"] = "gpt-4o"
    span = normalise(record("chat", call))
    assert span.cost_usd == pytest.approx(0.0025)
    assert span.price_source.startswith("genai-prices ")


@pytest.mark.parametrize(
    ("counts", "dropped", "rule"),
    [
        ({"input": 5, "output": 1}, 9, "genai"),
        ({"input": 5}, 0, "genai"),
        ({"input": 5}, 9, "genai+incomplete"),
        ({"output": 5}, 9, "genai+incomplete"),
        ({}, 9, ""),
    ],
)
def test_usage_of_which_the_sdk_dropped_half(counts: dict[str, int], dropped: int, rule: str) -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "chat"}
    attributes |= {f"gen_ai.usage.{name}_tokens": number for name, number in counts.items()}
    span = normalise(record("chat m", attributes, dropped_attributes=dropped))
    assert (span.type, span.usage_rule) == ("llm", rule)


def test_an_agents_id() -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": "asst_1"}
    assert normalise(record("invoke_agent a", attributes)).agent_id == "asst_1"
