"""Logfire and Pydantic AI's releases before 1, where no `gen_ai.operation.name` says what a span is.

See https://logfire.pydantic.dev/docs/integrations/llms/. Newer releases of both set the operation
and are read as GenAI, completed with what only Logfire's own attributes have: the request and
response as JSON (`request_data`, `response_data`).
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv import events, genai, tools
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.places import document
from tracestore.spans.semconv.values import first_payload, first_text, payload_text, text, to_json
from tracestore.spans.semconv.vocabulary import OPERATIONS, PLACEHOLDER_AGENTS, model_name, provider_name

PYDANTIC_AI: Final = "pydantic-ai"

#: Logfire's LLM integrations send under a scope of their own: `logfire.openai`, `logfire.anthropic`.
SCOPE: Final = "logfire."

RESPONSE: Final = "response_data"
RAW_USAGE: Final = "gen_ai.usage.raw"


def read_pending(span: Span) -> None:
    """A copy of a span that Logfire sends when the span starts; the span itself follows."""
    span.convention = "logfire"
    span.type = "other"


def read_old(span: Span) -> None:
    """A span of Pydantic AI before 1 that has no operation: agent runs, tools, and steps."""
    attributes = span.record.attributes
    span.convention = "logfire"
    name = text(attributes.get("gen_ai.tool.name"))
    if "agent_name" in attributes or "gen_ai.agent.name" in attributes:
        if name:
            _read_tool(span, name)
        else:
            span.type = "agent"
            agent = first_text(attributes, "gen_ai.agent.name", "agent_name")
            span.agent = "" if agent in PLACEHOLDER_AGENTS else agent
            span.input, span.output = _conversation(attributes)
            span.output = first_payload(attributes, "final_result") or span.output
    elif name:
        _read_tool(span, name)
    else:
        span.type = "workflow"
    span.operation = OPERATIONS.get(span.type, "")


def _read_tool(span: Span, name: str) -> None:
    attributes = span.record.attributes
    span.type, span.tool_name = "tool", name
    span.agent = first_text(attributes, "gen_ai.agent.name", "agent_name")
    span.tool_call_id = text(attributes.get("gen_ai.tool.call.id"))
    got = first_payload(attributes, "tool_arguments", "gen_ai.tool.call.arguments")
    gave = first_payload(attributes, "tool_response", "gen_ai.tool.call.result")
    span.input = tools.arguments(got)
    span.output = tools.result(gave).text


def read_listed(span: Span) -> None:
    """A GenAI span of Pydantic AI before 1, whose messages are one JSON list under `events`."""
    genai.read(span)
    if span.type == "llm":
        got, gave = _conversation(span.record.attributes)
        span.input = span.input or got
        span.output = span.output or gave


def read_call(span: Span) -> None:
    """A call by Logfire's integration of a vendor's SDK: `request_data` is there."""
    attributes = span.record.attributes
    if "gen_ai.operation.name" in attributes:
        genai.read(span)
    else:
        genai.read_names(span)
        request = document(attributes.get("request_data"))
        span.type = _type_of(request)
        span.operation = OPERATIONS.get(span.type, "")
        if span.type in ("llm", "embedding"):
            genai.read_call(span)
    span.convention = "logfire"
    if span.type in ("llm", "embedding"):
        _read_call_data(span)


def _type_of(request: dict[str, Any]) -> str:
    """By what is asked for, as releases before 4 tell nothing else: embeddings have no messages."""
    if "messages" in request or "stream" in request:
        return "llm"
    if "prompt" in request:
        return "other" if "size" in request else "llm"  # an image has a size
    return "embedding" if "input" in request else "other"


def _read_call_data(span: Span) -> None:
    """Names, usage and messages out of the request and the response.

    A streamed call is two spans: the request, which ends before the answer, and after it a log in
    the form of a span with the answer and the usage. Only the second tells of a call.
    """
    attributes = span.record.attributes
    request = document(attributes.get("request_data"))
    asked = request.get("model")
    asked = model_name(asked) if isinstance(asked, str) else ""
    span.request_model = span.request_model or asked
    span.model = span.model or asked
    if not span.provider and span.record.scope.name.startswith(SCOPE):
        span.provider = provider_name(span.record.scope.name.removeprefix(SCOPE))
    response = document(attributes.get(RESPONSE))
    found = response.get("usage")
    # The attributes have no cached tokens: the vendor's object has, and says how it counts.
    if isinstance(found, dict):
        from_document(span, found, "logfire")
    elif raw := document(attributes.get(RAW_USAGE)):
        from_document(span, raw, "logfire")
    got, gave = _conversation(attributes)
    span.input = span.input or got or payload_text(attributes.get("request_data"))
    span.output = span.output or gave or (payload_text(attributes.get("response_data")) if response else "")


def _conversation(attributes: Attributes) -> tuple[str, str]:
    """The messages of an `events` or `all_messages_events` attribute, as two JSON texts."""
    inputs, outputs = events.listed(attributes)
    return to_json(inputs) if inputs else "", to_json(outputs) if outputs else ""
