"""A stored span as a detector reads it: made of its row and its payload."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from tracestore.analysis.trajectory import TraceSpan, exchange, kept
from tracestore.clickhouse.typed_values import typed
from tracestore.spans.model import Attributes, Event

#: Characters of one text.
MOST_TEXT: Final = 65_536


class Row(NamedTuple):
    """A row of detect_spans.sql."""

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    type: str
    start_ns: int
    duration_ns: int
    status: str
    status_message: str
    error_type: str
    service: str
    agent: str
    agent_version: str
    session_id: str
    user_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    tool_name: str
    tool_call_id: str
    finish_reason: str
    wants_payload: int
    input: str
    output: str
    input_bytes: int
    output_bytes: int
    attributes: dict[str, str]
    attribute_types: str
    event_names: list[str]
    event_attributes: list[dict[str, str]]
    version: int


class Payload(NamedTuple):
    """What went in and out of a span (detect_payloads.sql); '' where there was nothing."""

    input: str
    output: str
    attributes: str
    input_attribute: str
    output_attribute: str
    events: str


def trace_span(row: Row, payload: Payload | None) -> TraceSpan:
    """A stored span as a detector reads it; as `analysis.trajectory.of_span` makes it of a decoded one."""
    given, said = row.input, row.output
    attributes = typed(row.attributes, row.attribute_types) if row.attributes else {}
    if payload is not None:
        given, said = payload.input or given, payload.output or said
    instructions = ""
    requested: tuple[Any, ...] = ()
    if row.type == "llm":
        asked, answered, instructions, requested = exchange(*_conversation(row, attributes, payload))
        given, said = asked or given, answered or ("" if requested else said)
    return TraceSpan(
        row.trace_id, row.span_id, row.parent_span_id, row.name, row.type, row.start_ns,
        row.start_ns + row.duration_ns, row.status, row.status_message, row.error_type, row.service, row.agent,
        row.agent_version, row.session_id, row.user_id, row.provider, row.model, row.input_tokens, row.output_tokens,
        row.cache_read_tokens, row.cache_write_tokens, row.reasoning_tokens, row.cost_usd, row.tool_name,
        row.tool_call_id, row.finish_reason, given[:MOST_TEXT], said[:MOST_TEXT], instructions[:MOST_TEXT], requested,
        kept(attributes),
    )  # fmt: skip


def _conversation(row: Row, attributes: Attributes, payload: Payload | None) -> tuple[Attributes, list[Event]]:
    """The attributes and events that hold a model call's messages, put together again."""
    events = [Event(0, name, dict(held)) for name, held in zip(row.event_names, row.event_attributes, strict=True)]
    if payload is None:
        return attributes, events
    whole: Attributes = dict(attributes)
    if payload.attributes:
        whole |= msgspec.json.decode(payload.attributes)
    for name, value in ((payload.input_attribute, payload.input), (payload.output_attribute, payload.output)):
        if name:
            whole[name] = value
    if payload.events:
        events = [Event(one["time_ns"], one["name"], one["attributes"]) for one in msgspec.json.decode(payload.events)]
    return whole, events
