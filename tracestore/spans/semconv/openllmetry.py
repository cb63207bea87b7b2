"""OpenLLMetry (Traceloop): GenAI attributes beside `traceloop.*`, and its older indexed messages.

Model calls carry `gen_ai.operation.name` (older: `llm.request.type`) and no `traceloop.span.kind`;
everything around them carries the kind and, for LangGraph, the operation too.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes, Span, Value
from tracestore.spans.semconv import genai, mcp, plumbing, usage
from tracestore.spans.semconv.places import Places
from tracestore.spans.semconv.values import first_count, first_text, text, to_json
from tracestore.spans.semconv.vocabulary import (
    OPERATIONS,
    PLACEHOLDER_AGENTS,
    TRACELOOP_TYPES,
    provider_name,
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
    # LiteLLM, which uses OpenLLMetry's names, writes the function that was called.
    "acompletion": "chat",
    "atext_completion": "text_completion",
    "aembedding": "embeddings",
    "arerank": "rerank",
}


#: The usage before 0.19. Reasoning came later and is beside either.
OLDER: Final[Places] = {
    "input_tokens": ("llm.usage.prompt_tokens",),
    "output_tokens": ("llm.usage.completion_tokens",),
    "cache_read_tokens": ("llm.usage.cache_read_input_tokens",),
    "cache_write_tokens": ("llm.usage.cache_creation_input_tokens",),
}
REASONING: Final[Places] = {"reasoning_tokens": ("llm.usage.reasoning_tokens",)}


def is_scope(scope: str) -> bool:
    """Whether this is an instrumentation of OpenLLMetry's, by its name."""
    return scope.startswith("opentelemetry.instrumentation.") and not scope.startswith(_CONTRIB)


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
        span.type = {"embeddings": "embedding", "rerank": "rerank"}.get(span.operation, "llm")
        genai.read_names(span)
        if span.type in ("llm", "embedding"):
            genai.read_call(span)
        else:
            genai.read_step(span)
    elif not kind:
        # Another instrumentation's span, marked only because it stands inside a workflow.
        (mcp if "mcp.method.name" in span.record.attributes else plumbing).read(span)
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
    if span.type in ("llm", "embedding"):
        _read_older(span)


def _read_older(span: Span) -> None:
    """What releases to 0.40 write instead: numbered messages, and before 0.19 `llm.*` names."""
    attributes = span.record.attributes
    if not span.input:
        span.input = indexed_messages(attributes, "gen_ai.prompt.") or indexed_messages(attributes, "llm.prompts.")
    if not span.output:
        span.output = indexed_messages(attributes, "gen_ai.completion.") or indexed_messages(
            attributes, "llm.completions."
        )
    if not span.finish_reason:
        span.finish_reason = first_text(
            attributes,
            "gen_ai.completion.0.finish_reason",
            "llm.completions.0.finish_reason",
            "llm.response.finish_reason",
            "llm.response.stop_reason",
        )
    if not span.provider:
        span.provider = provider_name(text(attributes.get("llm.vendor")))
    if not span.usage_rule:
        usage.from_counts(span, "openllmetry-llm", *usage.at_attributes(attributes, OLDER))
    if span.usage_rule and not span.reasoning_tokens:
        thought = first_count(attributes, *REASONING["reasoning_tokens"]) or 0
        span.reasoning_tokens = min(thought, span.output_tokens)


def indexed_messages(attributes: Attributes, prefix: str) -> str:
    """Older releases: `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, … as JSON text.

    Numbers may have gaps: an SDK that keeps 128 attributes drops the oldest ones first.
    """
    skip = len(prefix)
    found: dict[int, dict[str, Value]] = {}
    for key, value in attributes.items():
        if key.startswith(prefix) and value is not None:
            number, _, field = key[skip:].partition(".")
            if field and len(number) < 6 and number.isascii() and number.isdigit():
                found.setdefault(int(number), {})[field] = value
    return to_json([_message(found[number]) for number in sorted(found)]) if found else ""


def _message(fields: dict[str, Value]) -> dict[str, object]:
    # Completions without a chat have their prompt under `user`.
    content = fields.get("content", fields.get("user"))
    message: dict[str, object] = {"role": text(fields.get("role")), "content": content}
    if content is None and "refusal" in fields:
        message["content"] = fields["refusal"]
    for name in ("tool_call_id", "finish_reason", "reasoning"):
        if said := text(fields.get(name)):
            message[name] = said
    calls: dict[int, dict[str, str]] = {}
    for key, value in fields.items():
        if key.startswith(("tool_calls.", "function_call.")):
            number, _, field = key.removeprefix("tool_calls.").rpartition(".")
            if field in ("id", "name", "arguments"):
                index = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
                calls.setdefault(index, {"id": "", "name": "", "arguments": ""})[field] = text(value)
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return message
