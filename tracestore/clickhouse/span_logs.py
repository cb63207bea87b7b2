"""A single span read together with its log records, whether or not they have been joined already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracestore.clickhouse.rows import EventRow, SpanDetail
from tracestore.clickhouse.typed_values import parse, typed
from tracestore.spans.model import Event
from tracestore.spans.semconv.log_events import evaluations, event_of, told, unrepeated


def add_logs(found: SpanDetail, rows: Sequence[Sequence[Any]]) -> None:
    """Adds what log records (rows of span_logs.sql) say to a span, and its evaluations.

    The span's own word counts; a record fills what the span has left empty, and is an event beside
    the span's own unless it only repeats them.
    """
    row = found.row
    own = [Event(event.time_ns, event.name, event.attributes) for event in found.events]
    sent = [
        event
        for event, (*_, span_id) in zip(events_of(rows), rows, strict=True)
        # An evaluation without a span id means the span by its response id.
        if span_id or (row.response_id and event.attributes.get("gen_ai.response.id") == row.response_id)
    ]
    new = unrepeated(sent, found.attributes, own)
    found.evaluations = evaluations([*own, *new])
    if not sent:
        return
    said = told(sent, row.type)
    found.input = found.input or said.input
    found.output = found.output or said.output
    for name in ("session_id", "user_id", "finish_reason", "error_type"):
        if not getattr(row, name):
            setattr(row, name, getattr(said, name))
    found.events += [EventRow(event.time_ns, event.name, event.attributes, "log") for event in new]


def events_of(rows: Sequence[Sequence[Any]]) -> list[Event]:
    """The log records of rows of span_logs.sql as events."""
    return [
        event_of(time_ns, name, parse(body, body_type), typed(attributes, types), severity)
        for time_ns, name, body, body_type, attributes, types, severity, _ in rows
    ]
