"""Arguments of a tool from the model's request, where the tool's own span does not have them.

AutoGen reports executions without arguments, and LangChain's OpenInference package a single
argument without its name. The request stands in the answer of the model call: under the id that
the execution carries, or with the same tool and value.
"""

from __future__ import annotations

from tracestore.spans.forest import Forest
from tracestore.spans.messages.documents import read_document
from tracestore.spans.model import Span
from tracestore.spans.semconv.values import parse_json, to_json

_Request = tuple[str, str, dict[str, object]]


def fill_arguments(forest: Forest) -> None:
    """Give tool spans the arguments that were asked for, from the calls of their own trace.

    Only spans without structured arguments are touched. Needs `output` of the calls: among spans
    that were read back without payloads nothing changes.
    """
    by_id: dict[tuple[str, str], list[Span]] = {}
    by_value: dict[tuple[str, str, str], list[Span]] = {}
    for span in forest.spans:
        if span.type != "tool" or span.input[:1] in ("{", "["):
            continue
        trace_id = span.record.trace_id
        if span.input:
            by_value.setdefault((trace_id, span.tool_name, span.input), []).append(span)
        elif span.tool_call_id:
            by_id.setdefault((trace_id, span.tool_call_id), []).append(span)
    if not by_id and not by_value:
        return
    traces = {key[0] for key in (*by_id, *by_value)}
    for call in forest.spans:
        trace_id = call.record.trace_id
        if call.type != "llm" or not call.output or trace_id not in traces:
            continue
        for call_id, name, arguments in _requests(call.output):
            found = by_id.get((trace_id, call_id), ())
            if len(arguments) == 1 and by_value:
                value = next(iter(arguments.values()))
                found = found or by_value.get((trace_id, name, str(value)), ())
            for span in found:
                if span.tool_name == name:
                    span.input = to_json(arguments, canonical=True) or span.input


def _requests(output: str) -> list[_Request]:
    if "tool" not in output and "function" not in output:
        return []
    try:
        messages = read_document(parse_json(output), "assistant")
    except Exception:  # whatever a stranger calls an answer: nothing to learn from it
        return []
    return [
        (part["id"], part["name"], part["arguments"])
        for message in messages
        for part in message.parts
        if part["type"] == "tool_call" and part["id"] and isinstance(part["arguments"], dict)
    ]
