"""Haystack's own tracing (`haystack.tracing`, OpenTelemetryTracer): spans named `haystack.…`.

Read off what haystack-ai 2.18 and 3.4 send; see https://docs.haystack.deepset.ai/docs/tracing. The tracer is
the application's, so its scope says nothing, and a span may have no attribute at all: the name tells
what it is, of a component its class. What went in and out comes only with `HAYSTACK_CONTENT_TRACING_ENABLED`,
written as JSON; usage and model stand in it, in the `meta` of each reply.
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv import tools
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.places import at, document
from tracestore.spans.semconv.values import first_payload, text, to_json
from tracestore.spans.semconv.vocabulary import OPERATIONS, model_name

CONVENTION: Final = "haystack"
#: What the names of all its spans begin with.
PREFIX: Final = "haystack."

#: Where the content stands: of a pipeline, an agent, an agent's call, a component. A span has one of each.
INPUTS: Final = (
    "haystack.agent.step.llm.input",
    "haystack.component.input",
    "haystack.agent.input",
    "haystack.pipeline.input_data",
)
OUTPUTS: Final = (
    "haystack.agent.step.llm.output",
    "haystack.component.output",
    "haystack.agent.output",
    "haystack.pipeline.output_data",
)

#: Where model, usage and finish reason stand in an output: a chat generator's, another generator's, an embedder's.
#: Of several replies to one request each repeats the usage of the request, so that the first tells all.
METAS: Final = ("replies.0.meta", "meta.0", "meta")

#: The last word of a component's class, which Haystack's and its integrations' components all follow, to `type`.
#: A generator of images is no call that has messages. The component `LLM` is an agent's loop around one call.
_COMPONENTS: Final = (
    ("ImageGenerator", "workflow"),
    ("Generator", "llm"),
    ("Embedder", "embedding"),
    ("Retriever", "retrieval"),
    ("Ranker", "rerank"),
    ("Evaluator", "evaluator"),
    ("Agent", "agent"),
)
#: The first word of an embedder's class to `provider`.
_VENDORS: Final = (
    ("OpenAI", "openai"),
    ("AzureOpenAI", "azure"),
    ("Cohere", "cohere"),
    ("GoogleGenAI", "google"),
    ("Mistral", "mistral"),
    ("Ollama", "ollama"),
)
#: What only answers of a model are called among the outputs of a component; told without content too.
_REPLIES: Final = '"replies":'
_NO_TOOLS: Final = ("", "[]", "null")
#: The exception that an agent catches when a tool fails. It tells the model, and leaves the status unset.
_TOOL_FAILED: Final = "ToolInvocationError"


def read(span: Span) -> None:
    """Fill the columns of a span whose name begins with `haystack.`."""
    attributes = span.record.attributes
    span.convention = CONVENTION
    name = span.record.name.removeprefix(PREFIX)
    if name in ("component.run", "chat_generator.run"):
        _read_component(span, attributes)
    elif name == "agent.step.llm":
        span.type = "llm"
        _read_call(span, attributes)
    elif name == "agent.step.tool":
        _read_tool(span, attributes)
    elif name == "agent.run":
        # The component around it has the name, where there is one: then that span is the run.
        span.type = "workflow" if text(attributes.get("haystack.agent.tools")) in _NO_TOOLS else "agent"
        _read_content(span, attributes)
    else:
        span.type = "other" if name.startswith("tracing.") else "workflow"
        _read_content(span, attributes)
    span.operation = OPERATIONS.get(span.type, "")


def _read_content(span: Span, attributes: Attributes) -> None:
    span.input = first_payload(attributes, *INPUTS)
    span.output = answer(attributes)


def answer(attributes: Attributes) -> str:
    """What came out, as JSON. Of an agent its last message: its output repeats the whole conversation."""
    raw = first_payload(attributes, *OUTPUTS)
    if '"last_message"' not in raw:
        return raw
    last = document(raw).get("last_message")
    return to_json([last]) if isinstance(last, dict) else raw


def _read_component(span: Span, attributes: Attributes) -> None:
    kind = text(attributes.get("haystack.component.type"))
    span.type = next((found for ending, found in _COMPONENTS if kind.endswith(ending)), "workflow")
    if span.type == "workflow" and _REPLIES in text(attributes.get("haystack.component.output_spec")):
        span.type = "llm"  # a generator of the application's own
    if span.type == "llm":
        _read_call(span, attributes)
    elif span.type == "embedding":
        # The vectors are left where they are. Names of such models tell no vendor, as those of others do.
        span.provider = next((vendor for beginning, vendor in _VENDORS if kind.startswith(beginning)), "")
        span.input = first_payload(attributes, *INPUTS)
        _read_meta(span, document(first_payload(attributes, *OUTPUTS)), METAS[2:])
    elif span.type == "retrieval":
        _read_retrieval(span, attributes)
    elif kind == "ToolInvoker":
        _read_invoker(span, attributes)
    else:
        _read_content(span, attributes)
        if span.type == "agent":
            span.agent = text(attributes.get("haystack.component.name"))


def _read_call(span: Span, attributes: Attributes) -> None:
    _read_content(span, attributes)
    _read_meta(span, document(span.output), METAS[:2])


def _read_meta(span: Span, output: dict[str, Any], places: tuple[str, ...]) -> None:
    meta = next((found for path in places if isinstance(found := at(output, path), dict)), {})
    span.model = model_name(text(meta.get("model")))
    span.finish_reason = text(meta.get("finish_reason") or meta.get("stop_reason"))
    span.response_id = text(meta.get("id"))
    if isinstance(meta.get("usage"), dict):
        from_document(span, meta["usage"], CONVENTION)


def _read_retrieval(span: Span, attributes: Attributes) -> None:
    """The query's text, and the documents without their vectors."""
    raw = first_payload(attributes, *INPUTS)
    asked = document(raw).get("query")
    span.input = asked if isinstance(asked, str) and asked else raw
    span.output = first_payload(attributes, *OUTPUTS)
    documents = document(span.output).get("documents")
    if isinstance(documents, list):
        span.output = to_json([_without_vectors(found) for found in documents])


def _without_vectors(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {key: value for key, value in found.items() if value is not None and not key.endswith("embedding")}


def _read_tool(span: Span, attributes: Attributes) -> None:
    span.type = "tool"
    span.tool_name = text(attributes.get("haystack.tool.name"))
    span.input = tools.arguments(first_payload(attributes, "haystack.agent.step.tool.input"))
    span.output = first_payload(attributes, "haystack.agent.step.tool.output")
    if attributes.get("haystack.tool.error") is True:
        _fail(span)
        told = document(span.output)
        if told.keys() == {"error"}:
            span.output = text(told["error"])
    else:
        span.output = tools.result(span.output).text


def _read_invoker(span: Span, attributes: Attributes) -> None:
    """Releases to 2: all tools that an answer asked for are one span. With a single one it is that execution."""
    _read_content(span, attributes)
    ran = document(span.output).get("tool_messages")
    content = ran[0].get("content") if isinstance(ran, list) and len(ran) == 1 and isinstance(ran[0], dict) else None
    part = content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}
    result = part.get("tool_call_result")
    origin = result.get("origin") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(origin, dict):
        return
    span.type = "tool"
    span.tool_name, span.tool_call_id = text(origin.get("tool_name")), text(origin.get("id"))
    span.input = to_json(origin.get("arguments"), canonical=True)
    span.output = tools.content_text(result.get("result"))
    if result.get("error") is True:
        _fail(span)


def _fail(span: Span) -> None:
    """A failure that was handled: the error's type, and no error status."""
    span.error_type = _TOOL_FAILED
