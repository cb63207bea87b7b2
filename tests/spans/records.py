"""Small hand-made spans."""

from __future__ import annotations

from itertools import count
from typing import Any

from tracestore.spans.model import Event, Resource, Scope, SpanRecord, Value

_ids = count(1)

#: Prices are looked up at this moment.
NOW = 1_795_240_000_000_000_000


def record(
    name: str = "span",
    attributes: dict[str, Value] | None = None,
    *,
    span_id: str = "",
    parent: str = "",
    trace: str = "t",
    scope: str = "app",
    start: int = 0,
    end: int = 10,
    events: list[Event] | None = None,
    service_version: str = "",
    **fields: Any,
) -> SpanRecord:
    """A record; times are relative to NOW."""
    return SpanRecord(
        trace_id=trace,
        span_id=span_id or f"s{next(_ids)}",
        parent_span_id=parent,
        name=name,
        start_ns=NOW + start,
        end_ns=NOW + end,
        attributes=attributes or {},
        events=events or [],
        scope=Scope(name=scope),
        resource=Resource({"service.version": service_version} if service_version else {}, "svc"),
        **fields,
    )


def event(name: str, **attributes: Value) -> Event:
    return Event(NOW, name, dict(attributes))
