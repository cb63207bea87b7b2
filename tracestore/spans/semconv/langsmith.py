"""LangSmith's SDK, exporting runs as OpenTelemetry spans: `langsmith.*` beside GenAI attributes.

See https://docs.langchain.com/langsmith/trace-with-opentelemetry. `langsmith.span.kind` decides:
the operation that the exporter writes beside it is wrong for retrievers (`embeddings`) and prompts
(`chat`), and its token counts stand on every run whose output has an answer in it.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import genai, tools, usage
from tracestore.spans.semconv.context import read_labels
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.openllmetry import indexed_messages
from tracestore.spans.semconv.places import document
from tracestore.spans.semconv.response import read_answer
from tracestore.spans.semconv.values import (
    first_count,
    first_payload,
    first_text,
    parse_json,
    text,
    to_json,
)
from tracestore.spans.semconv.vocabulary import OPERATIONS, PLACEHOLDER_AGENTS, model_name, provider_name

#: `langsmith.span.kind` (the run type) to `type`. A prompt or parser only prepares texts.
_TYPES: Final = {
    "llm": "llm",
    "chat_model": "llm",
    "chain": "workflow",
    "tool": "tool",
    "retriever": "retrieval",
    "embedding": "embedding",
    "prompt": "workflow",
    "parser": "workflow",
    "agent": "agent",
}

USAGE: Final = "langsmith.usage_metadata"
INPUT_DETAILS: Final = "gen_ai.usage.input_token_details"
OUTPUT_DETAILS: Final = "gen_ai.usage.output_token_details"


def read(span: Span) -> None:
    """Fill the columns of a span that carries `langsmith.span.kind`."""
    attributes = span.record.attributes
    kind = text(attributes.get("langsmith.span.kind")).lower()
    span.type = _TYPES.get(kind, "other")
    span.operation = OPERATIONS.get(span.type, "")
    genai.read_names(span)
    if span.type in ("llm", "embedding"):
        _read_call(span)
    elif span.type == "tool":
        _read_tool(span)
    else:
        genai.read_step(span)
        span.input = span.input or text(attributes.get("gen_ai.prompt"))
        span.output = span.output or text(attributes.get("gen_ai.completion"))
        _read_graph(span)
    span.convention = "langsmith"
    read_labels(span, "langsmith.metadata.")
    if not span.session_id and "langsmith.trace.session_name" not in attributes:
        # LangSmith calls a project a session; its exporter sends the project's id and name. An
        # application that sets only the id means the session of its user.
        span.session_id = text(attributes.get("langsmith.trace.session_id"))


def _read_graph(span: Span) -> None:
    """LangGraph's runs: an agent's run has the agent's own name, a node's the name of its node."""
    attributes = span.record.attributes
    name = span.record.name
    named = text(attributes.get("langsmith.metadata.lc_agent_name"))
    if named and named not in PLACEHOLDER_AGENTS:
        span.agent = named
    if name == text(attributes.get("langsmith.metadata.langgraph_node")) and name != named:
        span.type, span.operation = "workflow", "execute_task"
    elif span.type == "workflow" and (
        (named and name == named) or (name == "LangGraph" and not span.record.parent_span_id)
    ):
        span.type, span.operation = "agent", "invoke_agent"
    if span.type == "agent":
        span.agent = span.agent or name


def _read_call(span: Span) -> None:
    attributes = span.record.attributes
    genai.read_call(span)
    asked = model_name(first_text(attributes, "gen_ai.request.model", "langsmith.metadata.ls_model_name"))
    span.request_model = span.request_model or asked
    span.model = span.model or asked
    # The exporter guesses the vendor from the model's name; LangChain knows it.
    told = provider_name(text(attributes.get("langsmith.metadata.ls_provider")))
    span.provider = told or span.provider
    _read_usage(span)
    if not span.input:
        span.input = indexed_messages(attributes, "gen_ai.prompt.")
    if not span.output:
        span.output = indexed_messages(attributes, "gen_ai.completion.")
    if not span.response_id:
        span.response_id = read_answer(attributes.get("gen_ai.completion")).response_id


def _read_usage(span: Span) -> None:
    """LangChain's counts: cached tokens are in the input, reasoning in the output.

    The details come as the Python repr of a dict, or in `langsmith.usage_metadata` as JSON.
    """
    attributes = span.record.attributes
    whole = document(attributes.get(USAGE), python=True)
    if not whole:
        whole = {
            "input_tokens": first_count(attributes, *usage.INPUT),
            "output_tokens": first_count(attributes, *usage.OUTPUT),
            "input_token_details": document(attributes.get(INPUT_DETAILS), python=True),
            "output_token_details": document(attributes.get(OUTPUT_DETAILS), python=True),
        }
        if not whole["input_token_details"] and not whole["output_token_details"]:
            if span.usage_rule:
                span.usage_rule = "langsmith" + span.usage_rule.removeprefix("genai")
            return
    from_document(span, whole, "langsmith", cached_inside=True)


def _read_tool(span: Span) -> None:
    attributes = span.record.attributes
    genai.read_tool(span)
    got = first_payload(attributes, "gen_ai.tool.call.arguments", "gen_ai.prompt", "input.value")
    gave = first_payload(attributes, "gen_ai.tool.call.result", "gen_ai.completion", "output.value")
    parsed = parse_json(got)
    if isinstance(parsed, dict) and parsed.keys() == {"input"} and isinstance(parsed["input"], str):
        # LangChain hands a tool's run the repr of the arguments.
        inner = document(parsed["input"], python=True)
        got = to_json(inner, canonical=True) if inner else got
    span.input = tools.arguments(got)
    span.output, call_id = tools.result(gave)
    span.tool_call_id = span.tool_call_id or text(attributes.get("langsmith.metadata.tool_call_id")) or call_id
