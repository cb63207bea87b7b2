"""Who reads a span that speaks several dialects; and that no value under their keys can hurt."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import record

from tracestore.spans.messages import messages
from tracestore.spans.model import SPAN_TYPES, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve
from tracestore.spans.semconv.dialects import DIALECTS

#: From the first to the last: each wins over all that stand below it.
ORDER: list[tuple[str, dict[str, Value]]] = [
    ("openinference", {"openinference.span.kind": "TOOL"}),
    ("logfire", {"logfire.pending_parent_id": "1"}),
    ("langsmith", {"langsmith.span.kind": "tool"}),
    ("langfuse", {"langfuse.observation.type": "tool"}),
    ("mlflow", {"mlflow.spanType": '"TOOL"'}),
    ("vercel", {"ai.operationId": "ai.toolCall"}),
    ("openllmetry", {"traceloop.span.kind": "tool"}),
    ("logfire", {"request_data": "{}"}),
    ("mcp", {"mcp.method.name": "tools/call"}),
    ("genai", {"gen_ai.operation.name": "execute_tool"}),
    ("logfire", {"tool_arguments": "{}", "gen_ai.tool.name": "t"}),
    ("", {"http.request.method": "GET"}),
]


@pytest.mark.parametrize(("first", "second"), list(pairwise(ORDER)), ids=lambda row: f"{row[0]}-{next(iter(row[1]))}")
def test_the_first_that_matches_reads(
    first: tuple[str, dict[str, Value]], second: tuple[str, dict[str, Value]]
) -> None:
    both = {**second[1], **first[1]}
    assert normalise(record("x", both, scope="logfire.openai")).convention == first[0]
    assert normalise(record("x", second[1], scope="logfire.openai")).convention == second[0]


@pytest.mark.parametrize("key", [key for key, _ in DIALECTS])
def test_every_row_is_reached(key: str) -> None:
    """With an operation: without one, what only stands inside a workflow of OpenLLMetry's is plumbing."""
    family = key.partition(".")[0]
    convention = normalise(record("x", {key: "x", "gen_ai.operation.name": "chat"})).convention
    assert convention == {"ai": "vercel", "traceloop": "openllmetry", "llm": "openllmetry"}.get(family, family)


def test_an_mcp_call_of_openllmetrys_is_openllmetrys() -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "mcp.method.name": "tools/call"}
    scope = "opentelemetry.instrumentation.mcp"
    assert normalise(record("x", attributes, scope=scope)).convention == "openllmetry"


KEYS = [
    *(key for key, _ in DIALECTS),
    *("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.system", "gen_ai.prompt", "gen_ai.completion"),
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.input_token_details"),
    *("gen_ai.usage.raw", "gen_ai.response.finish_reasons", "gen_ai.prompt.0.content", "gen_ai.prompt.x.content"),
    *(
        "gen_ai.completion.0.tool_calls.0.name",
        "gen_ai.completion.0.tool_calls.y.id",
        "gen_ai.completion.0.finish_reason",
    ),
    *("ai.model.provider", "ai.model.id", "ai.prompt", "ai.prompt.messages", "ai.prompt.tools", "ai.response.text"),
    *("ai.response.object", "ai.response.toolCalls", "ai.response.reasoning", "ai.response.finishReason"),
    *("ai.response.providerMetadata", "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.outputTokens"),
    *("ai.usage.totalTokens", "ai.usage.cachedInputTokens", "ai.usage.reasoningTokens", "ai.usage.tokens"),
    *("ai.usage.inputTokenDetails.noCacheTokens", "ai.toolCall.name", "ai.toolCall.args", "ai.toolCall.result"),
    *("ai.telemetry.functionId", "ai.telemetry.metadata.sessionId", "ai.values", "ai.embeddings"),
    *("langfuse.observation.input", "langfuse.observation.output", "langfuse.observation.model.name"),
    *("langfuse.observation.usage_details", "langfuse.observation.cost_details", "langfuse.observation.level"),
    *("langfuse.observation.status_message", "langfuse.trace.metadata.session_id", "langfuse.trace.user_id"),
    *("langsmith.metadata.lc_agent_name", "langsmith.metadata.langgraph_node", "langsmith.metadata.ls_provider"),
    *("langsmith.metadata.thread_id", "langsmith.trace.session_id", "langsmith.usage_metadata"),
    *("mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tokenUsage", "mlflow.llm.model", "mlflow.llm.cost"),
    *("mlflow.llm.provider", "mlflow.spanFunctionName", "mlflow.trace.session"),
    *("request_data", "response_data", "events", "all_messages_events", "agent_name", "tool_arguments"),
    *("tool_response", "final_result", "llm.vendor", "llm.usage.prompt_tokens", "llm.usage.completion_tokens"),
    *("llm.usage.reasoning_tokens", "llm.prompts.0.content", "llm.completions.0.content", "llm.prompts.99999999.role"),
]
WORDS = [
    *("", "x", "llm", "tool", "agent", "generation", "embedding", "span", "chain", '"LLM"', '"TOOL"', '"', '""'),
    *("ai.toolCall", "ai.streamText", "ai.streamText.doStream", "ai.embed.doEmbed", "ai.x.", "ERROR", "chat"),
    *("nan", "1e400", "-1", "\ud800", "null", "[]", "{}", "[[]]", "[null]", '{"a":', "{'a': 1}", "[" * 2000),
    '{"anthropic": {"usage": {"input_tokens": 1}}}',
    '{"anthropic": {"usage": [], "cacheReadInputTokens": -1}}',
    '{"input": 1e400, "output": null, "total": {}}',
    '{"input_tokens": 3, "input_token_details": {"cache_read": "x"}}',
    '{"prompt_tokens": 3, "completion_tokens": 1, "completion_tokens_details": []}',
    '{"choices": [null], "usage": 3}',
    '{"choices": [{"message": []}], "model": [], "id": {}}',
    '{"output": {"message": {"content": {}}}, "stopReason": 3}',
    '{"message": {"role": 3, "content": [{"type": []}]}}',
    '{"prompt": [3], "system": {}}',
    '{"combined_chunk_content": 3}',
    '{"messages": [{"role": "tool", "content": [{"type": "tool-result", "output": {"type": "x", "value": null}}]}]}',
    '[{"event.name": "gen_ai.choice", "message": []}, {"event.name": 3}, 3]',
    '[{"toolCallId": 1, "args": 2}, null]',
    '[{"type": "file", "mediaType": 3, "data": {"0": 1}}, {"type": "image", "mimeType": "x", "image": []}]',
    '[{"type": "web_search_call", "action": [], "results": 3}, {"type": "server_tool_call", "server_tool_call": 3}]',
    '[{"document": {"source": {"s3Location": []}}}, {"executableCode": []}, {"codeExecutionResult": []}]',
]
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "usage", "0", "input", "total"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
JSON_TEXTS = VALUES.map(lambda value: json.dumps(value, default=str))
ATTRIBUTES = st.dictionaries(st.sampled_from(KEYS), VALUES | JSON_TEXTS, max_size=10)
SCOPES = ["app", "ai", "logfire.openai", "pydantic-ai", "opentelemetry.instrumentation.openai.v1", "langfuse-sdk"]


@settings(max_examples=400, deadline=None)
@given(ATTRIBUTES, st.sampled_from([None, *(key for key, _ in DIALECTS)]), st.sampled_from(SCOPES))
def test_nothing_under_these_keys_raises(attributes: dict[str, Value], mark: str | None, scope: str) -> None:
    if mark is not None:
        attributes = {mark: "llm", **attributes}
    found = record("x_1", attributes, scope=scope)
    before = json.dumps(attributes, default=str)
    span = normalise(found)
    assert span.type in SPAN_TYPES
    for text in (span.model, span.request_model, span.provider, span.agent, span.tool_name, span.tool_call_id):
        assert isinstance(text, str)
    for text in (span.session_id, span.user_id, span.finish_reason, span.response_id, span.input, span.output):
        assert isinstance(text, str)
    counts = (span.input_tokens, span.output_tokens, span.cache_read_tokens, span.cache_write_tokens)
    assert all(0 <= number < 2**60 for number in (*counts, span.reasoning_tokens))
    assert span.cache_read_tokens + span.cache_write_tokens <= span.input_tokens
    assert span.reasoning_tokens <= span.output_tokens
    assert span.type in ("llm", "embedding") or not (span.usage_rule or any(counts))
    assert span.cost_usd is None or span.cost_usd >= 0
    assert json.dumps(found.attributes, default=str) == before
    resolve([span])


@settings(max_examples=400, deadline=None)
@given(ATTRIBUTES, st.sampled_from(SPAN_TYPES))
def test_nothing_under_these_keys_hurts_the_messages(attributes: dict[str, Value], type_: str) -> None:
    json.dumps(messages(attributes, [], type_).to_json())
