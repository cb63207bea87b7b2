"""A step as the instrumentation of a framework describes it: span name, kind, attributes."""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from tracestore.demo.story import Message, Run, Step, as_json

Value = str | int | list[str]


class Described(NamedTuple):
    name: str
    kind: ProtoSpan.SpanKind.ValueType
    attributes: dict[str, Value]


def describe(run: Run, step: Step) -> Described:
    """The step in the dialect of its agent."""
    return _openinference(run, step) if step.agent.dialect == "openinference" else _genai(run, step)


def _genai(run: Run, step: Step) -> Described:
    """OpenTelemetry's own conventions, latest form: messages as JSON attributes."""
    agent = step.agent
    found: dict[str, Value] = {
        "gen_ai.conversation.id": run.session,
        "gen_ai.agent.name": agent.name,
        "gen_ai.provider.name": agent.provider,
        "user.id": run.user,
    }
    if step.error_type:
        found["error.type"] = step.error_type
    if step.kind == "llm":
        found |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": agent.model,
            "gen_ai.response.model": agent.model,
            "gen_ai.response.id": f"resp_{step.span_id.hex()}",
            "gen_ai.response.finish_reasons": [step.finish],
            "gen_ai.usage.input_tokens": step.input_tokens,
            "gen_ai.usage.output_tokens": step.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": step.cached_tokens,
            "gen_ai.system_instructions": as_json([{"type": "text", "content": agent.system}]),
            "gen_ai.input.messages": as_json([_parts(message) for message in step.input if message.role != "system"]),
        }
        if step.output is not None:
            found["gen_ai.output.messages"] = as_json([_parts(step.output) | {"finish_reason": step.finish}])
        return Described(f"chat {agent.model}", ProtoSpan.SPAN_KIND_CLIENT, found)
    if step.kind == "agent":
        found |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.version": agent.version}
        found["gen_ai.input.messages"] = as_json([_parts(message) for message in step.input])
        if step.output is not None:
            found["gen_ai.output.messages"] = as_json([_parts(step.output)])
        return Described(f"invoke_agent {step.name}", ProtoSpan.SPAN_KIND_INTERNAL, found)
    found |= {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": step.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": step.call_id,
        "gen_ai.tool.call.arguments": step.arguments,
        "gen_ai.tool.call.result": step.result,
    }
    return Described(f"execute_tool {step.name}", ProtoSpan.SPAN_KIND_INTERNAL, found)


def _parts(message: Message) -> dict[str, object]:
    if message.role == "tool":
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message.call_id, "response": message.text}],
        }
    parts: list[dict[str, object]] = []
    if message.text:
        parts.append({"type": "text", "content": message.text})
    if message.tool:
        parts.append({"type": "tool_call", "id": message.call_id, "name": message.tool, "arguments": message.arguments})
    return {"role": message.role, "parts": parts}


def _openinference(run: Run, step: Step) -> Described:
    """OpenInference: flattened messages, everything else as input and output values."""
    agent = step.agent
    found: dict[str, Value] = {"session.id": run.session, "user.id": run.user}
    if step.kind == "llm":
        found |= {
            "openinference.span.kind": "LLM",
            "llm.model_name": agent.model,
            "llm.system": agent.provider,
            "llm.provider": agent.provider,
            "llm.token_count.prompt": step.input_tokens,
            "llm.token_count.completion": step.output_tokens,
            "llm.token_count.total": step.input_tokens + step.output_tokens,
            "llm.token_count.prompt_details.cache_read": step.cached_tokens,
            "llm.finish_reason": step.finish,
        }
        for number, message in enumerate(step.input):
            found |= _flat(f"llm.input_messages.{number}.message", message)
        if step.output is not None:
            found |= _flat("llm.output_messages.0.message", step.output)
        return Described("response", ProtoSpan.SPAN_KIND_INTERNAL, found)
    if step.kind == "agent":
        found |= {"openinference.span.kind": "AGENT", "agent.name": step.name, "input.value": step.input[0].text}
        found["graph.node.id"] = step.name
        if step.output is not None:
            found["output.value"] = step.output.text
        return Described(step.name, ProtoSpan.SPAN_KIND_INTERNAL, found)
    found["input.value"] = step.arguments
    found["input.mime_type"] = "application/json"
    if step.kind == "retrieval":
        found["openinference.span.kind"] = "RETRIEVER"
        for number, text in enumerate(part for part in step.result.split(". ") if part):
            found[f"retrieval.documents.{number}.document.content"] = text
        return Described(step.name, ProtoSpan.SPAN_KIND_INTERNAL, found)
    found |= {"openinference.span.kind": "TOOL", "tool.name": step.name, "output.value": step.result}
    found["tool_call.id"] = step.call_id
    return Described(step.name, ProtoSpan.SPAN_KIND_INTERNAL, found)


def _flat(prefix: str, message: Message) -> dict[str, Value]:
    found: dict[str, Value] = {f"{prefix}.role": message.role}
    if message.text:
        found[f"{prefix}.content"] = message.text
    if message.role == "tool":
        found[f"{prefix}.tool_call_id"] = message.call_id
    elif message.tool:
        call = f"{prefix}.tool_calls.0.tool_call"
        found |= {
            f"{call}.id": message.call_id,
            f"{call}.function.name": message.tool,
            f"{call}.function.arguments": message.arguments,
        }
    return found
