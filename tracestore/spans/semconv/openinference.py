"""OpenInference (Arize): `openinference.span.kind` and flattened `llm.*` attributes.

See https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md. The kind
wins over everything else on the span. Its packages differ in what a kind means; the differences
that matter are handled here, one function each.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import tools, usage
from tracestore.spans.semconv.context import Metadata
from tracestore.spans.semconv.flattened import unflatten
from tracestore.spans.semconv.response import read_answer
from tracestore.spans.semconv.values import (
    first_payload,
    first_text,
    parse_json,
    text,
    to_json,
)
from tracestore.spans.semconv.vocabulary import (
    OPENINFERENCE_TYPES,
    OPERATIONS,
    PLACEHOLDER_AGENTS,
    model_name,
    provider_name,
)

LANGCHAIN: Final = "openinference.instrumentation.langchain"
SMOLAGENTS: Final = "openinference.instrumentation.smolagents"
OPENAI_AGENTS: Final = "openinference.instrumentation.openai_agents"
CREWAI: Final = "openinference.instrumentation.crewai"

#: CrewAI's built-in tools that let another agent work; it reports no span for that agent.
_DELEGATION: Final = frozenset({"delegate work to coworker", "ask question to coworker"})


def read(span: Span, found: Metadata) -> None:
    """Fill the columns of a span that carries `openinference.span.kind`."""
    record = span.record
    attributes = record.attributes
    scope = record.scope.name
    kind = text(attributes.get("openinference.span.kind")).upper()
    span.convention = "openinference"
    span.type = OPENINFERENCE_TYPES.get(kind, "other")
    span.agent = first_text(attributes, "agent.name", "gen_ai.agent.name")
    if span.agent in PLACEHOLDER_AGENTS:
        span.agent = ""
    if scope == LANGCHAIN:
        _read_langchain(span, found)
    if span.type == "agent":
        _read_agent(span)
    if span.type in ("llm", "embedding"):
        _read_call(span)
    elif span.type == "tool":
        _read_tool(span)
    else:
        span.input = first_payload(attributes, "input.value")
        span.output = first_payload(attributes, "output.value")
    if not span.operation:
        span.operation = text(attributes.get("gen_ai.operation.name")) or OPERATIONS.get(span.type, "")


def _read_langchain(span: Span, found: Metadata) -> None:
    """LangChain's package calls a run AGENT only because its name contains "agent".

    So a tool named `ask_billing_agent` comes as AGENT (it has a tool name: a tool), and an agent
    named `concierge` as CHAIN. The metadata tell: an agent's run has the agent's own name, and a
    graph node's run the name of its node. `execute_task` marks graph nodes for
    `tracestore.spans.resolve`, which finds agents that have no name in the metadata.
    """
    record = span.record
    named = text(found.lc_agent_name)
    if named and named not in PLACEHOLDER_AGENTS:
        span.agent = named
    if span.type not in ("agent", "workflow"):
        return
    if text(record.attributes.get("tool.name")):
        span.type = "tool"
        return
    if record.name == text(found.langgraph_node) and record.name != named:
        span.type, span.operation = "workflow", "execute_task"
    elif named and record.name == named:
        span.type = "agent"
    elif not record.parent_span_id and (record.name == "LangGraph" or found.ls_integration):
        span.type = "agent"
        span.agent = span.agent or record.name
    elif span.type == "agent" and not named:
        span.agent = record.name
    elif span.type == "agent":
        span.type = "workflow"


def _read_agent(span: Span) -> None:
    record = span.record
    attributes = record.attributes
    if text(attributes.get("tool.name")):
        span.type = "tool"
        return
    if span.agent:
        return
    span.agent = text(attributes.get("graph.node.id"))
    if span.agent:
        return
    scope = record.scope.name
    if scope == OPENAI_AGENTS:
        # The SDK's outermost span stands for the workflow; real agents carry their name.
        span.type = "workflow"
    elif scope == SMOLAGENTS:
        span.agent = record.name.removesuffix(".run")
    else:
        prefix, _, rest = record.name.partition(" ")
        span.agent = rest if prefix == "invoke_agent" and rest else record.name


def _read_call(span: Span) -> None:
    attributes = span.record.attributes
    span.provider = provider_name(first_text(attributes, "llm.provider", "llm.system", "gen_ai.provider.name"))
    returned = model_name(
        first_text(
            attributes,
            "llm.model_name",
            "embedding.model_name",
            "gen_ai.response.model",
            "gen_ai.request.model",
        )
    )
    span.model = returned
    span.request_model = model_name(_requested(span)) or returned
    if not usage.from_openinference(span, attributes):
        usage.from_genai(span, attributes)
    span.finish_reason = text(attributes.get("llm.finish_reason"))
    span.input = first_payload(attributes, "input.value") or _flattened(span, "llm.input_messages.")
    span.output = first_payload(attributes, "output.value") or _flattened(span, "llm.output_messages.")
    span.response_id = text(attributes.get("gen_ai.response.id"))
    if span.type == "llm" and not span.response_id:
        answer = read_answer(attributes.get("output.value"))
        span.response_id = answer.response_id
        span.model = answer.model or span.model
        span.finish_reason = span.finish_reason or answer.finish_reason
        if span.usage_rule:
            if answer.cache_read and not span.cache_read_tokens:
                span.cache_read_tokens = min(answer.cache_read, span.input_tokens)
            if answer.reasoning and not span.reasoning_tokens:
                span.reasoning_tokens = min(answer.reasoning, span.output_tokens)


def _flattened(span: Span, prefix: str) -> str:
    """The messages one by one, where the whole is missing.

    Hidden by the sender, or lost: long conversations exceed the SDK's 128 attributes, and it drops
    the oldest, which the whole is among.
    """
    if span.type != "llm":
        return ""
    found = unflatten(span.record.attributes, prefix)
    return to_json(found) if found else ""


def _requested(span: Span) -> str:
    """The model asked for stands only in the parameters of the call."""
    attributes = span.record.attributes
    raw = attributes.get("llm.invocation_parameters") or attributes.get("embedding.invocation_parameters")
    if not isinstance(raw, str) or '"model"' not in raw:
        return ""
    if raw.startswith('{"model": "'):
        end = raw.find('"', 11, 200)
        if end > 0:
            return raw[11:end]
    parsed = parse_json(raw)
    return text(parsed.get("model")) if isinstance(parsed, dict) else ""


def _read_tool(span: Span) -> None:
    record = span.record
    attributes = record.attributes
    scope = record.scope.name
    span.tool_name = first_text(attributes, "tool.name", "tool_call.function.name")
    span.tool_call_id = first_text(attributes, "tool_call.id", "gen_ai.tool.call.id")
    got = first_payload(attributes, "input.value", "tool_call.function.arguments", "gen_ai.tool.call.arguments")
    gave = first_payload(attributes, "output.value", "gen_ai.tool.call.result")
    if not span.tool_name:
        if record.name.startswith("handoff to ") or record.name == "handoff":
            span.type, span.operation = "workflow", "handoff"
            span.input, span.output = got, gave
            return
        span.tool_name = record.name
    span.input = tools.arguments(got)
    span.output, call_id = tools.result(gave)
    span.tool_call_id = span.tool_call_id or call_id
    if scope == SMOLAGENTS and span.tool_name == "final_answer":
        # The answer comes dressed as a tool call; nothing is executed.
        span.type, span.operation, span.tool_name = "other", "final_answer", ""
    elif scope == CREWAI and span.tool_name.lower() in _DELEGATION:
        # The coworker's calls stand below this span: it is the coworker's run.
        parsed = parse_json(span.input)
        coworker = text(parsed.get("coworker")) if isinstance(parsed, dict) else ""
        if coworker:
            span.type, span.operation, span.tool_name = "agent", "invoke_agent", ""
            span.agent = coworker
