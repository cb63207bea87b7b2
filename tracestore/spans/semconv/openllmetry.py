"""OpenLLMetry (Traceloop): GenAI attributes beside `traceloop.*`, and its older indexed messages.

Model calls carry `gen_ai.operation.name` (older: `llm.request.type`) and no `traceloop.span.kind`;
everything around them carries the kind and, for LangGraph, the operation too.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv import genai, plumbing
from tracestore.spans.semconv.values import first_text, text, to_json
from tracestore.spans.semconv.vocabulary import (
    OPERATIONS,
    PLACEHOLDER_AGENTS,
    TRACELOOP_TYPES,
)

#: Instrumentations under OpenTelemetry's own names that are not OpenLLMetry's.
_CONTRIB: Final = (
    "opentelemetry.instrumentation.openai_v2",
    "opentelemetry.instrumentation.openai_agents",
    "opentelemetry.instrumentation.google_genai",
    "opentelemetry.instrumentation.vertexai",
)

_REQUEST_TYPES: Final = {
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
}

_MAX_INDEXED: Final = 10_000


def is_openllmetry(span: Span) -> bool:
    """Whether OpenLLMetry made this span."""
    record = span.record
    attributes = record.attributes
    if (
        "traceloop.span.kind" in attributes
        or "traceloop.workflow.name" in attributes
        or "llm.request.type" in attributes
        or "traceloop.entity.path" in attributes
    ):
        return True
    scope = record.scope.name
    return (
        scope.startswith("opentelemetry.instrumentation.")
        and not scope.startswith(_CONTRIB)
        and "gen_ai.operation.name" in attributes
    )


def read(span: Span) -> None:
    """Fill the columns; the operation decides, then the kind."""
    record = span.record
    attributes = record.attributes
    kind = text(attributes.get("traceloop.span.kind"))
    if "gen_ai.operation.name" in attributes:
        genai.read(span)
        if kind == "workflow" and span.type == "agent":
            # `X.workflow` inside `invoke_agent X`, both called invoke_agent: one run.
            span.type, span.operation = "workflow", "invoke_workflow"
    elif "llm.request.type" in attributes:
        request = text(attributes.get("llm.request.type"))
        span.operation = _REQUEST_TYPES.get(request, request)
        span.type = {"embedding": "embedding", "rerank": "rerank"}.get(request, "llm")
        genai.read_names(span)
        if span.type in ("llm", "embedding"):
            genai.read_call(span)
        else:
            genai.read_step(span)
    elif not kind:
        # Another instrumentation's span, marked only because it stands inside a workflow.
        plumbing.read(span)
        return
    else:
        span.type = TRACELOOP_TYPES.get(kind, "workflow")
        span.operation = OPERATIONS.get(span.type, "handoff" if kind == "handoff" else "")
        genai.read_names(span)
        if span.type == "tool":
            genai.read_tool(span)
            span.tool_name = first_text(
                attributes, "gen_ai.tool.name", "traceloop.entity.name"
            ) or span.tool_name.removesuffix(".tool")
        else:
            genai.read_step(span)
            if span.type == "agent" and not span.agent:
                span.agent = first_text(attributes, "traceloop.entity.name")
    span.convention = "openllmetry"
    if span.usage_rule.startswith("genai"):
        span.usage_rule = "openllmetry" + span.usage_rule[5:]
    named = text(attributes.get("traceloop.association.properties.lc_agent_name"))
    if named and named not in PLACEHOLDER_AGENTS:
        span.agent = span.agent or named
    if span.type in ("llm", "embedding") and not span.input:
        span.input = indexed_messages(attributes, "gen_ai.prompt.")
        span.output = span.output or indexed_messages(attributes, "gen_ai.completion.")


def indexed_messages(attributes: Attributes, prefix: str) -> str:
    """Older releases: `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, … as JSON text."""
    found = []
    for index in range(_MAX_INDEXED):
        role = attributes.get(f"{prefix}{index}.role")
        content = attributes.get(f"{prefix}{index}.content")
        first_call = attributes.get(f"{prefix}{index}.tool_calls.0.name")
        if role is None and content is None and first_call is None:
            break
        message: dict[str, object] = {"role": text(role), "content": content}
        calls = _indexed_calls(attributes, f"{prefix}{index}.tool_calls.")
        if calls:
            message["tool_calls"] = calls
        call_id = text(attributes.get(f"{prefix}{index}.tool_call_id"))
        if call_id:
            message["tool_call_id"] = call_id
        reason = text(attributes.get(f"{prefix}{index}.finish_reason"))
        if reason:
            message["finish_reason"] = reason
        found.append(message)
    return to_json(found) if found else ""


def _indexed_calls(attributes: Attributes, prefix: str) -> list[dict[str, str]]:
    calls = []
    for index in range(_MAX_INDEXED):
        name = attributes.get(f"{prefix}{index}.name")
        arguments = attributes.get(f"{prefix}{index}.arguments")
        if name is None and arguments is None:
            break
        calls.append(
            {
                "id": text(attributes.get(f"{prefix}{index}.id")),
                "name": text(name),
                "arguments": text(arguments),
            }
        )
    return calls
