"""LlamaIndex's own tracing (`llama-index-observability-otel`): a span for each method, what it did in events.

Read off what llama-index-core 0.14 sends; see
https://developers.llamaindex.ai/python/framework/module_guides/observability/. A span is named after class and
method and has no attributes but the application's tags. Its events are LlamaIndex's own
(`LLMChatStartEvent`, `RetrievalEndEvent`, …) with all their fields, flattened. Spans of one call nest
(`predict` around `chat`), but only the one that talks to the model has the events of a call.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final

from tracestore.spans.model import Attributes, Event, Span, Value
from tracestore.spans.semconv.context import read_labels
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.places import document
from tracestore.spans.semconv.values import first_payload, first_text, parse_json, text, to_json
from tracestore.spans.semconv.vocabulary import OPERATIONS, model_name

CONVENTION: Final = "llamaindex"
SCOPE: Final = "llamaindex.opentelemetry.tracer"

#: The event that begins what a span does, to `type`. `LLMPredict…` is around a chat that tells itself.
_STARTS: Final = {
    "LLMChatStartEvent": "llm",
    "LLMCompletionStartEvent": "llm",
    "EmbeddingStartEvent": "embedding",
    "SparseEmbeddingStartEvent": "embedding",
    "RetrievalStartEvent": "retrieval",
    "ReRankStartEvent": "rerank",
}
_CALLS: Final = frozenset({"LLMChatStartEvent", "LLMChatEndEvent", "LLMCompletionStartEvent", "LLMCompletionEndEvent"})

#: Where the usage stands in the fields of an `LLM…EndEvent`: the vendor's answer (Google has a name of its own),
#: else what LlamaIndex took out of it, under OpenAI's names.
USAGES: Final = ("response.raw.usage.", "response.raw.usage_metadata.", "response.additional_kwargs.")

_QUERIES: Final = ("str_or_query_bundle.query_str", "str_or_query_bundle", "query.query_str", "query", "query_str")
_RESULTS: Final = ("response.response", "output")

#: A step's input as a Python repr, cut at 200 characters; the application's tags come under the same prefix.
LABELS: Final = "llamaindex."
SUMMARY: Final = "llamaindex.step.input_summary"
_TOOL_CALL: Final = "ToolCall(tool_name='"

#: An agent's methods call one another; these are the ones that run it, or execute a tool.
_RUN: Final = "run"
_EXECUTES: Final = frozenset({"call", "acall"})
#: A tool of AgentWorkflow's own that passes the run on to another agent.
_HANDOFF: Final = "handoff"


def read(span: Span) -> None:
    """Fill the columns of a span under LlamaIndex's scope."""
    attributes, events = span.record.attributes, span.record.events
    span.convention = CONVENTION
    span.type = next((_STARTS[event.name] for event in events if event.name in _STARTS), "")
    told: Attributes = {}
    for event in events:
        told.update(event.attributes)
    owner, _, method = span.record.name.rpartition(".")
    if span.type == "llm":
        _read_call(span, events, told)
    elif span.type == "embedding":
        _read_model(span, told)
        span.input = first_payload(told, "chunks")
    elif span.type in ("retrieval", "rerank"):
        span.input = first_text(told, *_QUERIES)
        span.output = _documents(told.get("nodes"))
        span.model = model_name(text(told.get("model_name")))
    elif owner.endswith("Tool") and method in _EXECUTES:
        _read_tool(span, owner, text(attributes.get(SUMMARY)))
    else:
        runs = method == _RUN and (owner.endswith("Agent") or owner == "AgentWorkflow")
        span.type = "agent" if runs else "workflow"
        span.agent = owner if runs else ""  # the name that the agent was given is not told
        span.input = first_text(told, *_QUERIES) or text(attributes.get(SUMMARY))
        span.output = first_payload(told, *_RESULTS)
    span.operation = OPERATIONS.get(span.type, "")
    if attributes:
        read_labels(span, LABELS)


def _read_model(span: Span, told: Attributes) -> None:
    named = model_name(first_text(told, "model_dict.model_name", "model_dict.model"))
    span.request_model = "" if named == "unknown" else named
    span.model = model_name(text(told.get("response.raw.model"))) or span.request_model


def _read_call(span: Span, events: list[Event], told: Attributes) -> None:
    """A call whose answer is streamed ends before it: then only what was asked is told."""
    _read_model(span, told)
    asked, said = conversation(events)
    span.input = to_json(asked) if asked else ""
    span.output = to_json(said) if said else ""
    identity = text(told.get("response.raw.id"))
    span.response_id = "" if identity == "null" else identity
    choices = told.get("response.raw.choices")
    listed = parse_json(choices) if isinstance(choices, str) else None
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    span.finish_reason = text(first.get("finish_reason")) or _known(told.get("response.raw.stop_reason"))
    for prefix in USAGES:
        if from_document(span, _below(told, prefix), CONVENTION):
            return


def _known(value: Value) -> str:
    """A field that is not set comes as JSON's `null`."""
    found = text(value)
    return "" if found == "null" else found


def _below(told: Mapping[str, Value], prefix: str) -> dict[str, Any]:
    """The fields under a prefix, nested as they were; without those that are not set."""
    found: dict[str, Any] = {}
    for key, value in told.items():
        if key.startswith(prefix) and value != "null":
            *path, last = key[len(prefix) :].split(".")
            holder = found
            for name in path:
                inner = holder.setdefault(name, {})
                holder = inner if isinstance(inner, dict) else {}
            holder[last] = value
    return found


def _read_tool(span: Span, owner: str, summary: str) -> None:
    """What a tool got stands in the summary of the step that called it, cut short if it is long.

    What it gave is told the model in the next call, under the call's id: `tracestore.spans.requested`.
    """
    called = _tool_call(summary)
    arguments = called.get("tool_kwargs")
    span.type = "tool"
    span.tool_name = text(called.get("tool_name")) or owner
    span.tool_call_id = text(called.get("tool_id"))
    span.input = to_json(arguments, canonical=True) if isinstance(arguments, dict) else ""
    if span.tool_name == _HANDOFF and isinstance(arguments, dict) and "to_agent" in arguments:
        span.type = "workflow"


def _tool_call(summary: str) -> dict[str, Any]:
    """The fields of `ToolCall(tool_name='…', tool_kwargs={…}, tool_id='…')`; of one that is cut the name."""
    if not summary.startswith(_TOOL_CALL):
        return {}
    try:
        expression = ast.parse(summary, mode="eval").body
        fields = expression.keywords if isinstance(expression, ast.Call) else []
        return {field.arg: ast.literal_eval(field.value) for field in fields if field.arg}
    except Exception:  # cut short, or an object among the arguments
        name, _, rest = summary[len(_TOOL_CALL) :].partition("'")
        return {"tool_name": name} if rest else {}


def _documents(nodes: Value) -> str:
    """The nodes that came back: id, text, metadata and score, without vectors and relationships."""
    listed = parse_json(nodes) if isinstance(nodes, str) else nodes
    if not isinstance(listed, list):
        return text(nodes)
    found: list[Any] = []
    item: Any
    for item in listed:
        node = item.get("node") if isinstance(item, dict) else None
        if isinstance(node, dict):
            kept = {"id": node.get("id_"), "text": node.get("text"), "metadata": node.get("metadata")}
            found.append({key: value for key, value in kept.items() if value} | {"score": item.get("score")})
        else:
            found.append(item)
    return to_json(found)


def conversation(events: list[Event]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Input and output messages of a call, in OpenAI's form; empty for spans that made none."""
    asked: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for event in events:
        if event.name not in _CALLS:
            continue
        told = event.attributes
        sent = told.get("messages")
        listed = parse_json(sent) if isinstance(sent, str) else None
        if isinstance(listed, list):
            asked = [_message(found) for found in listed if isinstance(found, dict)]
        elif prompt := text(told.get("prompt")):
            asked = [{"role": "user", "content": prompt}]
        if event.name == "LLMChatEndEvent":
            answer = _below(told, "response.message.")
            said = [_message(answer)] if answer else []
        elif answered := text(told.get("response.text")):
            said = [{"role": "assistant", "content": answered}]
    return asked, said


def offered(events: list[Event]) -> Value:
    """The tools that a call offered the model, as JSON; None for none."""
    return next((event.attributes.get("additional_kwargs.tools") for event in events if event.name in _CALLS), None)


def _message(found: dict[str, Any]) -> dict[str, Any]:
    more = found.get("additional_kwargs")
    more = more if isinstance(more, dict) else {}
    blocks = found.get("blocks", found.get("content"))
    listed = parse_json(blocks) if isinstance(blocks, str) and blocks[:1] == "[" else blocks
    content = [_block(block) for block in listed] if isinstance(listed, list) else blocks
    message: dict[str, Any] = {"role": found.get("role"), "content": content}
    if "tool_call_id" in more:
        message["tool_call_id"] = more["tool_call_id"]
    # Calls are blocks in newer releases, and repeated beside them.
    if not (isinstance(content, list) and any(block.get("type") == "tool_call" for block in content)):
        calls = more.get("tool_calls")
        calls = parse_json(calls) if isinstance(calls, str) else calls
        if isinstance(calls, list):
            message["tool_calls"] = calls
    return message


def _block(block: Any) -> dict[str, Any]:
    if not isinstance(block, dict):
        return {"type": "text", "text": text(block)}
    kind = block.get("block_type")
    if kind == "tool_call":
        arguments = block.get("tool_kwargs")
        arguments = document(arguments) or arguments if isinstance(arguments, str) else arguments
        return {"type": kind, "id": block.get("tool_call_id"), "name": block.get("tool_name"), "arguments": arguments}
    if kind in ("image", "audio", "document", "video"):
        data = block.get("url") or block.get(str(kind)) or block.get("data") or block.get("path")
        mime = block.get(f"{kind}_mimetype")
        return {"type": "image" if kind == "image" else "file", "mime_type": mime, "data": data}
    return {"type": kind, **{key: value for key, value in block.items() if key != "block_type"}}
