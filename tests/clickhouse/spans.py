"""Small hand-made spans."""

from __future__ import annotations

from typing import Any

from tracestore.spans.model import Resource, Scope, Span, SpanRecord

START = 1_790_000_000_123_456_789
SECOND = 10**9


def span(number: int, *, trace: int = 1, parent: int | None = None, start: int | None = None, **fields: Any) -> Span:
    """Span `number` of trace `trace`; record fields are recognised by name, the rest are the span's."""
    begun = START + number * SECOND if start is None else start
    record = SpanRecord(
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        parent_span_id="" if parent is None else f"{parent:016x}",
        name=fields.pop("name", f"span {number}"),
        start_ns=begun,
        end_ns=begun + SECOND,
        resource=Resource({"service.name": "shop"}, "shop"),
        scope=Scope("tests", "1"),
    )
    for name in ("attributes", "events", "links", "status", "status_message", "kind", "end_ns", "dropped_attributes"):
        if name in fields:
            setattr(record, name, fields.pop(name))
    return Span(record, **fields)


def llm(number: int, **fields: Any) -> Span:
    given = {"model": "gpt-4o-mini", "input_tokens": 100, "output_tokens": 10, "usage_rule": "test", "cost_usd": 0.001}
    return span(number, **{"type": "llm", **given, **fields})
