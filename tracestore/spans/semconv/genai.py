"""OpenTelemetry GenAI semantic conventions, old (events) and new (message attributes).

The kind of a span is `gen_ai.operation.name` and never guessed from a tool name or token counts
that happen to be there. See https://opentelemetry.io/docs/specs/semconv/gen-ai/ and
docs/conventions.md for what each framework makes of it.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import events, tools, usage
from tracestore.spans.semconv.errors import type_in_message
from tracestore.spans.semconv.values import first_payload, first_text, parse_json, text
from tracestore.spans.semconv.vocabulary import (
    OPERATION_TYPES,
    PLACEHOLDER_AGENTS,
    model_name,
    provider_name,
)

ADK: Final = "gcp.vertex.agent"
OPENAI_AGENTS: Final = "opentelemetry.instrumentation.openai_agents"

#: Tool names by which these frameworks pass control to another agent.
_HANDOFF_SCOPES: Final = frozenset({ADK, "autogen-core", OPENAI_AGENTS})


def read(span: Span) -> None:
    """Fill the columns of a span that carries `gen_ai.operation.name`."""
    record = span.record
    attributes = record.attributes
    span.convention = "genai"
    span.operation = text(attributes.get("gen_ai.operation.name"))
    span.type = OPERATION_TYPES.get(span.operation.lower(), "other")
    if span.type == "other" and span.operation.lower().startswith("vector_db"):
        span.type = "retrieval"
    read_names(span)
    if span.type in ("llm", "embedding"):
        read_call(span)
    elif span.type == "tool":
        read_tool(span)
    else:
        read_step(span)


def read_names(span: Span) -> None:
    """Agent, provider and models, which any kind of GenAI span may carry."""
    attributes = span.record.attributes
    agent = first_text(attributes, "gen_ai.agent.name", "agent_name")
    span.agent = "" if agent in PLACEHOLDER_AGENTS else agent
    span.provider = provider_name(first_text(attributes, "gen_ai.provider.name", "gen_ai.system"))
    span.request_model = model_name(first_text(attributes, "gen_ai.request.model", "model_name", "llm.request.model"))
    returned = model_name(first_text(attributes, "gen_ai.response.model", "llm.response.model"))
    span.model = returned or span.request_model


def read_call(span: Span) -> None:
    """A model call: usage, identity, messages."""
    record = span.record
    attributes = record.attributes
    if record.scope.name == "com.anthropic.sdk.python":
        usage.from_genai(span, attributes, "anthropic-sdk")
    else:
        usage.from_genai(span, attributes)
    if record.scope.name == ADK:
        _undo_double_reasoning(span)
    span.response_id = text(attributes.get("gen_ai.response.id"))
    reasons = attributes.get("gen_ai.response.finish_reasons")
    if isinstance(reasons, list) and reasons:
        span.finish_reason = text(reasons[0])
    elif reasons is not None:
        span.finish_reason = _first_of(text(reasons))
    else:
        span.finish_reason = first_text(attributes, "anthropic.message.stop_reason", "gen_ai.response.finish_reason")
    span.input = first_payload(attributes, "gen_ai.input.messages", "gen_ai.prompt")
    span.output = first_payload(attributes, "gen_ai.output.messages", "gen_ai.completion")
    if record.events and not (span.input and span.output):
        got, gave = events.conversation_texts(record.events)
        span.input = span.input or got
        span.output = span.output or gave
        span.finish_reason = span.finish_reason or events.finish_reason(record.events)


def _first_of(reasons: str) -> str:
    """The first reason of a list that came as JSON text (LiteLLM)."""
    parsed = parse_json(reasons) if reasons[:1] == "[" else None
    return text(parsed[0]) if isinstance(parsed, list) and parsed else reasons


def _undo_double_reasoning(span: Span) -> None:
    """ADK adds the thinking tokens to the output, which for Gemini is right.

    For models behind LiteLLM (their name keeps the routing prefix) the completion already
    includes them, so they would be counted twice.
    """
    routed = "/" in text(span.record.attributes.get("gen_ai.request.model"))
    if routed and 0 < span.reasoning_tokens * 2 <= span.output_tokens:
        span.output_tokens -= span.reasoning_tokens
        span.usage_rule += "-reasoning"


def read_tool(span: Span) -> None:
    """A tool execution, or a hand-off that is dressed as one."""
    record = span.record
    attributes = record.attributes
    span.tool_name = text(attributes.get("gen_ai.tool.name"))
    if not span.tool_name:
        prefix, _, rest = record.name.partition(" ")
        span.tool_name = rest if prefix == "execute_tool" else record.name
    span.tool_call_id = text(attributes.get("gen_ai.tool.call.id"))
    got = first_payload(attributes, "gen_ai.tool.call.arguments", "traceloop.entity.input", "input.value")
    gave = first_payload(attributes, "gen_ai.tool.call.result", "traceloop.entity.output", "output.value")
    if record.events and not (got and gave):
        event_got, event_gave = events.tool_texts(record.events)
        got = got or event_got
        gave = gave or tools.blocks(event_gave)
    span.input = tools.arguments(got)
    if record.scope.name == ADK:
        span.output = tools.wrapped_result(gave)
        if span.tool_name.startswith("(merged"):
            # After parallel calls ADK reports one more span that stands for all of them.
            span.type, span.tool_name = "other", ""
        elif gave:
            _read_handled_error(span)
    else:
        span.output, call_id = tools.result(gave)
        span.tool_call_id = span.tool_call_id or call_id
    if span.tool_name.startswith("transfer_to_") and record.scope.name in _HANDOFF_SCOPES:
        span.type, span.operation, span.tool_name = "workflow", "handoff", ""


def _read_handled_error(span: Span) -> None:
    """ADK's way to report a failure that was handled: `{"status": "error", "error_message": …}`.

    The span's status stays unset then; `error_type` is the only sign of the failure.
    """
    if '"status"' not in span.output or '"error' not in span.output:
        return
    parsed = parse_json(span.output)
    if isinstance(parsed, dict) and parsed.get("status") == "error":
        message = parsed.get("error_message") or parsed.get("error")
        span.error_type = type_in_message(message if isinstance(message, str) else "")


def read_step(span: Span) -> None:
    """Agents, workflows and everything else: payload, and which of them are no agent runs."""
    record = span.record
    attributes = record.attributes
    span.input = first_payload(
        attributes,
        "gen_ai.input.messages",
        "pydantic_ai.all_messages",
        "traceloop.entity.input",
        "gen_ai.task.input",
        "gen_ai.retrieval.query.text",
        "gen_ai.memory.query.text",
        "gen_ai.memory.query",
        "db.query.text",
        "gen_ai.handoff.from_agent",
        "input.value",
    )
    span.output = first_payload(
        attributes,
        "gen_ai.output.messages",
        "final_result",
        "traceloop.entity.output",
        "gen_ai.task.output",
        "gen_ai.retrieval.documents",
        "gen_ai.memory.search.results",
        "gen_ai.memory.records",
        "gen_ai.handoff.to_agent",
        "output.value",
    )
    if record.events and not (span.input and span.output):
        got, gave = events.conversation_texts(record.events)
        span.input = span.input or got
        span.output = span.output or gave
    if span.operation == "agent_handoff":
        span.operation = "handoff"
    if span.type != "agent":
        return
    if not span.agent:
        prefix, _, rest = record.name.partition(" ")
        named = rest if prefix == "invoke_agent" else ""
        if named == span.request_model:
            named = ""  # Vercel's AI SDK 7 names a run that nobody named after its model
        if named and (named not in PLACEHOLDER_AGENTS or not record.parent_span_id):
            span.agent = named
    if not span.agent and record.scope.name == OPENAI_AGENTS:
        # The instrumentation's outermost span is the workflow, written like an agent's run.
        span.type, span.operation = "workflow", "invoke_workflow"
