"""MLflow tracing (2.14 and later), exported as OpenTelemetry spans: `mlflow.*`.

See https://mlflow.org/docs/latest/genai/tracing/. Every value is JSON text, so a type or a model
comes in quotes. With its GenAI export MLflow drops these attributes and sends plain GenAI spans.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Span, Value
from tracestore.spans.semconv import genai, tools, usage
from tracestore.spans.semconv.counts import from_document
from tracestore.spans.semconv.exchange import read_response, requested_model
from tracestore.spans.semconv.places import Places, document, first_at
from tracestore.spans.semconv.response import read_answer
from tracestore.spans.semconv.values import first_payload, payload_text, text, unquoted
from tracestore.spans.semconv.vocabulary import OPERATIONS, model_name, provider_name

#: `mlflow.spanType` to `type`. `UNKNOWN` is a traced function of which nobody said what it is.
_TYPES: Final = {
    "LLM": "llm",
    "CHAT_MODEL": "llm",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "workflow",
    "WORKFLOW": "workflow",
    "TASK": "workflow",
    "PARSER": "workflow",
    "UNKNOWN": "workflow",
    "RETRIEVER": "retrieval",
    "MEMORY": "retrieval",
    "EMBEDDING": "embedding",
    "RERANKER": "rerank",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}

USAGE: Final = "mlflow.chat.tokenUsage"
OUTPUTS: Final = "mlflow.spanOutputs"
#: What MLflow's usage leaves out, in the usage of the vendor's response.
REASONING: Final[Places] = {
    "reasoning_tokens": ("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens")
}


def read(span: Span) -> None:
    """Fill the columns of a span that carries `mlflow.spanType`."""
    attributes = span.record.attributes
    kind = unquoted(attributes.get("mlflow.spanType")).upper()
    if kind in ("UNKNOWN", "") and "gen_ai.operation.name" in attributes:
        genai.read(span)
    else:
        span.type = _TYPES.get(kind, "workflow")
        span.operation = OPERATIONS.get(span.type, "")
        span.input = _payload(attributes.get("mlflow.spanInputs"))
        span.output = _payload(attributes.get(OUTPUTS))
        if span.type in ("llm", "embedding"):
            _read_call(span)
        elif span.type == "tool":
            _read_tool(span)
    span.convention = "mlflow"
    if span.type == "agent":
        span.agent = span.agent or span.record.name
    span.session_id = _first(span, "mlflow.trace.session", "session.id")
    span.user_id = _first(span, "mlflow.trace.user", "user.id")


def _first(span: Span, *keys: str) -> str:
    for key in keys:
        if found := unquoted(span.record.attributes.get(key)):
            return found
    return ""


def _payload(value: Value) -> str:
    """A payload text; a JSON string is what it says."""
    found = payload_text(value)
    return unquoted(found) if found[:1] == '"' else found


def _read_call(span: Span) -> None:
    attributes = span.record.attributes
    response = read_response(span.output)
    asked = requested_model(span.input)
    told = model_name(_first(span, "mlflow.llm.model", "gen_ai.response.model", "gen_ai.request.model"))
    span.request_model = model_name(asked) or told
    # `mlflow.llm.model` is the model asked for where the request names one.
    span.model = model_name(response.model) or told or span.request_model
    span.provider = provider_name(_first(span, "mlflow.llm.provider", "gen_ai.provider.name", "gen_ai.system"))
    span.response_id = response.response_id or read_answer(span.output).response_id
    span.finish_reason = response.finish_reason
    found = document(attributes.get(USAGE))
    # MLflow adds cached tokens to the input itself, whoever the vendor is, and reports no reasoning.
    if found and from_document(span, found, "mlflow", cached_inside=True):
        thought = first_at(response.usage or {}, REASONING["reasoning_tokens"]) or 0
        if not span.reasoning_tokens and thought <= span.output_tokens:
            span.reasoning_tokens = thought
    elif not (response.usage and from_document(span, response.usage, "mlflow-response")):
        # Releases before 3 have the vendor's response only.
        usage.from_genai(span, attributes, "mlflow-genai")


def _read_tool(span: Span) -> None:
    attributes = span.record.attributes
    name = span.record.name
    function = _first(span, "mlflow.spanFunctionName")
    stem, _, number = name.rpartition("_")
    # Older releases number spans of the same name within a trace: `search_1`, `search_2`.
    span.tool_name = function if number.isdigit() and stem == function else name
    span.input = tools.arguments(span.input)
    span.output, span.tool_call_id = tools.result(span.output)
    span.tool_call_id = span.tool_call_id or text(first_payload(attributes, "gen_ai.tool.call.id"))
