"""The span model: what a span is as received (`SpanRecord`) and as understood (`Span`).

Everything between the wire and the database is one of these two. Pure: no Django, no client.
Times are integer nanoseconds since the epoch; ids are lower-case hex, '' when absent.

Attribute values (lists and maps too), resources and scopes are shared among the spans of a request:
nobody may change one in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

#: A decoded OTLP AnyValue. `bytes` stay bytes until they are shown or stored (base64 there).
Value: TypeAlias = "str | bool | int | float | bytes | list[Value] | dict[str, Value] | None"

Attributes: TypeAlias = dict[str, Value]

#: What a span is to an agent (DESIGN.md, "Words"); the only values of the `type` column.
SPAN_TYPES: Final = (
    "agent",
    "llm",
    "tool",
    "retrieval",
    "embedding",
    "rerank",
    "guardrail",
    "evaluator",
    "workflow",
    "other",
)

#: OTLP SpanKind by number (trace.proto, enum SpanKind).
SPAN_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")

#: OTLP StatusCode by number (trace.proto, enum StatusCode).
STATUSES: Final = ("unset", "ok", "error")


@dataclass(slots=True)
class Resource:
    """Who sent the span. `service` is `service.name`, or '' when the sender set none."""

    attributes: Attributes = field(default_factory=dict)
    service: str = ""
    schema_url: str = ""
    dropped_attributes: int = 0


@dataclass(slots=True)
class Scope:
    """Which instrumentation made the span."""

    name: str = ""
    version: str = ""
    attributes: Attributes = field(default_factory=dict)
    schema_url: str = ""
    dropped_attributes: int = 0


@dataclass(slots=True)
class Event:
    time_ns: int
    name: str
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(slots=True)
class Link:
    trace_id: str
    span_id: str
    trace_state: str = ""
    attributes: Attributes = field(default_factory=dict)
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(slots=True)
class SpanRecord:
    """One OTLP span as received, decoded but not interpreted.

    `flags` are W3C's trace flags in the low eight bits; bits 8 and 9 tell whether the parent is remote (trace.proto,
    enum SpanFlags).
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_ns: int
    end_ns: int
    kind: str = "unspecified"
    status: str = "unset"
    status_message: str = ""
    trace_state: str = ""
    attributes: Attributes = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    flags: int = 0
    #: Its raw bytes may hold a secret; known only where decoding was asked to look.
    suspect: bool = False


@dataclass(slots=True)
class LogRecord:
    """One OTLP log record as received. `trace_id` and `span_id` are '' for one that belongs to no span.

    `time_ns` is when it happened, else when it was observed. `size` is of its encoding, in bytes.
    """

    trace_id: str
    span_id: str
    time_ns: int
    observed_ns: int
    severity_number: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: Value = None
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0
    trace_flags: int = 0
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    resource_schema_url: str = ""
    scope_schema_url: str = ""
    size: int = 0


@dataclass(slots=True)
class Span:
    """One span as understood: the record plus what the conventions say it means.

    Token fields are filled only on the span that made the model call (type `llm` or `embedding`);
    `input_tokens` includes cached ones and `output_tokens` includes reasoning (OpenTelemetry GenAI).
    `cost_usd` is None when the price is unknown or nothing was bought, never 0 for "unknown".
    `usage_rule` and `price_source` say which rule and which price list made the figures.
    `input` and `output` are the payload texts; `payload_attributes` names the attributes that are
    part of the payload (messages, large values) and so stay out of the hot table. `derived` are
    attributes of our own (`tracestore.*`), stored beside the sender's and winning over them.
    `input_bytes` and `output_bytes` are what the payload measured where it was cut before it is stored, else None.
    """

    record: SpanRecord
    type: str = "other"
    agent: str = ""
    agent_id: str = ""
    agent_version: str = ""
    session_id: str = ""
    user_id: str = ""
    provider: str = ""
    model: str = ""
    request_model: str = ""
    operation: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usage_rule: str = ""
    cost_usd: float | None = None
    price_source: str = ""
    tool_name: str = ""
    tool_call_id: str = ""
    finish_reason: str = ""
    error_type: str = ""
    convention: str = ""
    response_id: str = ""
    input: str = ""
    output: str = ""
    payload_attributes: frozenset[str] = frozenset()
    derived: Attributes | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
