"""One tool execution reported by several spans: a framework's, an MCP client's and its server's."""

from __future__ import annotations

from typing import Final

from tracestore.spans.forest import Forest
from tracestore.spans.model import Span
from tracestore.spans.semconv import llamaindex

#: How many spans without a role of their own may stand between two spans of one execution.
_MAX_BETWEEN: Final = 8


def merge_tools(forest: Forest) -> None:
    """Leave one `tool` span for each execution.

    An MCP call is seen by client and server: the server's span stays, which knows the failure. If
    a framework reports the execution around both, its span stays, which has the arguments.
    Otherwise nested spans of one tool are one execution when they share the call id, or when they
    are parent and child of different instrumentations: the outer stays. LlamaIndex's own span and
    another instrumentation's of the same method stand side by side: its own stays, which has the id.
    """
    _merge_beside(forest)
    for span in forest.top_down():
        if span.type != "tool":
            continue
        outer = _tool_above(forest, span)
        if outer is None or outer.tool_name != span.tool_name:
            continue
        if outer.convention == "mcp" and span.convention == "mcp":
            _demote(outer, span)
        elif span.convention == "mcp" or _one_execution(forest, outer, span):
            _demote(span, outer)


def _merge_beside(forest: Forest) -> None:
    own = [span for span in forest.spans if span.type == "tool" and span.convention == llamaindex.CONVENTION]
    if not own:
        return
    others: dict[tuple[str, str, str, str], list[Span]] = {}
    for span in forest.spans:
        if span.type == "tool" and span.convention != llamaindex.CONVENTION:
            others.setdefault(_place(span), []).append(span)
    for span in own if others else ():
        found = others.get(_place(span), [])
        for other in found:
            if (
                other.type == "tool"
                and (not other.input or not span.input or other.input == span.input)
                and other.record.start_ns <= span.record.end_ns
                and span.record.start_ns <= other.record.end_ns
            ):
                _demote(other, span)
                break


def _place(span: Span) -> tuple[str, str, str, str]:
    return span.record.trace_id, span.record.parent_span_id, span.record.name, span.tool_name


def _tool_above(forest: Forest, span: Span) -> Span | None:
    """The nearest tool span above, with nothing but plumbing between."""
    above = forest.parent(span)
    for _ in range(_MAX_BETWEEN):
        if above is None or above.type in ("agent", "llm"):
            return None
        if above.type == "tool":
            return above
        above = forest.parent(above)
    return None


def _one_execution(forest: Forest, outer: Span, inner: Span) -> bool:
    if outer.tool_call_id and inner.tool_call_id:
        return outer.tool_call_id == inner.tool_call_id
    return forest.parent(inner) is outer and outer.record.scope.name != inner.record.scope.name


def _demote(span: Span, kept: Span) -> None:
    span.type = "other"
    kept.tool_call_id = kept.tool_call_id or span.tool_call_id
    kept.input = kept.input or span.input
    kept.output = kept.output or span.output
    kept.error_type = kept.error_type or span.error_type
