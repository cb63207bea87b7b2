"""Calls and tool results that AutoGen reports in messages, each once (`semconv/autogen.py`).

The messages are processed in traces of their own; a link leads to the trace of the agent's turn.
"""

from __future__ import annotations

from tracestore.spans.forest import Forest
from tracestore.spans.model import Span
from tracestore.spans.requested import requests
from tracestore.spans.semconv import autogen
from tracestore.spans.semconv.usage import drop_usage
from tracestore.spans.semconv.values import to_json


def merge_reported(forest: Forest) -> None:
    """Leave one `llm` span for each reported call, and give tools what was asked and answered.

    A message that several agents process is one call. Where the model's client is instrumented
    too, its span is the call: it stands in the trace that the report links to.
    """
    reports = [span for span in forest.spans if span.convention == autogen.CONVENTION]
    if not reports:
        return
    _fill_tools(forest, reports)
    instrumented = {
        span.record.trace_id for span in forest.spans if span.type == "llm" and span.convention != autogen.CONVENTION
    }
    seen: set[str] = set()
    for span in sorted(reports, key=lambda s: (s.record.start_ns, s.record.span_id)):
        if span.type != "llm":
            continue
        record = span.record
        told = {record.trace_id, *(link.trace_id for link in record.links)}
        if told & instrumented or span.response_id in seen:
            span.type = "workflow"
            drop_usage(span)
        elif span.response_id:
            seen.add(span.response_id)


def _fill_tools(forest: Forest, reports: list[Span]) -> None:
    """By tool call id and name, over traces. An id that stands for two different things tells nothing."""
    wanting = [
        span
        for span in forest.spans
        if span.type == "tool"
        and span.tool_call_id
        and span.record.scope.name == autogen.CORE
        and not (span.input and span.output)
    ]
    if not wanting:
        return
    asked: dict[tuple[str, str], set[str]] = {}
    gave: dict[tuple[str, str], set[str]] = {}
    for span in reports:
        if span.operation == autogen.TOOL_RESULTS:
            for call_id, name, result in autogen.results(span.input):
                gave.setdefault((call_id, name), set()).add(result)
        else:
            for call_id, name, arguments in requests(span.output):
                asked.setdefault((call_id, name), set()).add(to_json(arguments, canonical=True))
    for span in wanting:
        key = (span.tool_call_id, span.tool_name)
        span.input = span.input or _only(asked.get(key))
        span.output = span.output or _only(gave.get(key))


def _only(found: set[str] | None) -> str:
    return next(iter(found)) if found is not None and len(found) == 1 else ""
