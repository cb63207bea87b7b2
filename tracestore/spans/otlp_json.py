"""ExportTraceServiceRequest in OTLP/JSON → span records (OTLP, "JSON Protobuf Encoding").

What differs from protobuf's own JSON: ids are hex in either case, enums are integers only, names are
lowerCamelCase only, unknown fields are ignored; 64-bit numbers come as strings or as numbers.
Containers keep their parts undecoded (`Raw`), so that a span or an attribute that cannot be read is
refused alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct

from tracestore.errors import InvalidInput
from tracestore.spans.decode_json_values import (
    ABSENT,
    Unreadable,
    decode,
    flattened,
    integer,
    read_attributes,
    repaired,
)
from tracestore.spans.decode_limits import Outcome, kind_of, parent_id, resource_of, status_of, valid_link
from tracestore.spans.model import Attributes, Event, Link, Resource, Scope, SpanRecord

_T = TypeVar("_T")
_Number: TypeAlias = "int | float | str | None"
_Raws: TypeAlias = "list[Raw] | None"

#: Each comma may be a part that takes 70 bytes before anything is known about it.
MOST_COMMAS: Final = 4_000_000
#: Larger bodies are not searched for damage, because the worst of them would take a second.
REPAIRED_BYTES: Final = 8 << 20
FLATTENED_BYTES: Final = 2 << 20

_U32, _U64 = 1 << 32, 1 << 64


class _Request(Struct, rename="camel"):
    resource_spans: _Raws = None


class _Resource(Struct, rename="camel"):
    attributes: _Raws = None
    dropped_attributes_count: Any = None


class _Scope(Struct, rename="camel"):
    name: str | None = None
    version: str | None = None
    attributes: _Raws = None
    dropped_attributes_count: Any = None


class _ResourceSpans(Struct, rename="camel"):
    resource: Raw = ABSENT
    scope_spans: _Raws = None
    schema_url: Any = None


class _ScopeSpans(Struct, rename="camel"):
    scope: Raw = ABSENT
    spans: _Raws = None
    schema_url: Any = None


class _Event(Struct, rename="camel"):
    time_unix_nano: _Number = None
    name: str | None = None
    attributes: _Raws = None
    dropped_attributes_count: Any = None


class _Link(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    attributes: _Raws = None
    dropped_attributes_count: Any = None
    flags: Any = None


class _Status(Struct):
    code: int | None = None
    message: str | None = None


class _Span(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str | None = None
    kind: int | None = None
    start_time_unix_nano: _Number = None
    end_time_unix_nano: _Number = None
    attributes: _Raws = None
    dropped_attributes_count: _Number = None
    events: _Raws = None
    dropped_events_count: _Number = None
    links: _Raws = None
    dropped_links_count: _Number = None
    status: _Status | None = None
    flags: Any = None


_REQUEST = msgspec.json.Decoder(_Request)
_RESOURCE_SPANS = msgspec.json.Decoder(_ResourceSpans)
_SCOPE_SPANS = msgspec.json.Decoder(_ScopeSpans)
_RESOURCE: msgspec.json.Decoder[_Resource | None] = msgspec.json.Decoder(_Resource | None)
_SCOPE: msgspec.json.Decoder[_Scope | None] = msgspec.json.Decoder(_Scope | None)
_SPAN = msgspec.json.Decoder(_Span)
_EVENT = msgspec.json.Decoder(_Event)
_LINK = msgspec.json.Decoder(_Link)


class JsonSpans:
    """The spans of one request: iterating gives (encoded size, record or None if refused).

    `broken` tells whether some part of the request could not be read at all.
    """

    def __init__(self, body: bytes, outcome: Outcome) -> None:
        self.body = body
        self.outcome = outcome
        self.broken = False

    def __iter__(self) -> Iterator[tuple[int, SpanRecord | None]]:
        request, changed = request_of(self.body, _REQUEST)
        if changed:
            self.outcome.warnings["invalid_utf8"] += 1
        for raw_resource_spans in request.resource_spans or ():
            yield 0, None
            resource_spans = self.part(_RESOURCE_SPANS, raw_resource_spans)
            if resource_spans is None:
                continue
            resource = self.resource(resource_spans.resource)
            resource.schema_url = self.url(resource_spans.schema_url)
            for raw_scope_spans in resource_spans.scope_spans or ():
                yield 0, None
                scope_spans = self.part(_SCOPE_SPANS, raw_scope_spans)
                if scope_spans is None:
                    continue
                scope = self.scope(scope_spans.scope)
                scope.schema_url = self.url(scope_spans.schema_url)
                for raw in scope_spans.spans or ():
                    yield len(memoryview(raw)), self.span(raw, resource, scope)

    def part(self, decoder: msgspec.json.Decoder[_T], raw: Raw) -> _T | None:
        try:
            return decode(decoder, raw, self.outcome)
        except Unreadable:
            self.broken = True
            return None

    def span(self, raw: Raw, resource: Resource, scope: Scope) -> SpanRecord | None:
        outcome = self.outcome
        if len(memoryview(raw)) > outcome.limits.span_bytes:
            outcome.refuse("too_large")
            return None
        try:
            span = decode(_SPAN, raw, outcome)
            start_ns = integer(span.start_time_unix_nano, 0, _U64)
            end_ns = integer(span.end_time_unix_nano, 0, _U64)
            dropped_attributes = integer(span.dropped_attributes_count, 0, _U32)
            dropped_events = integer(span.dropped_events_count, 0, _U32)
            dropped_links = integer(span.dropped_links_count, 0, _U32)
        except Unreadable:
            outcome.refuse("malformed")
            return None
        trace_id, span_id = id_bytes(span.trace_id), id_bytes(span.span_id)
        reason = outcome.refusal(trace_id, span_id, start_ns, end_ns)
        if reason is not None:
            outcome.refuse(reason)
            return None
        outcome.received += 1
        outcome.allow_nodes()
        attributes, over = self.attributes(span.attributes)
        if over:
            outcome.warnings["attributes_over_limit"] += 1
        status = span.status or _Status()
        record = SpanRecord(
            trace_id.hex(),
            span_id.hex(),
            parent_id(id_bytes(span.parent_span_id)),
            outcome.name(utf8(span.name)),
            start_ns,
            end_ns if end_ns >= start_ns else outcome.end_of(start_ns, end_ns),
            kind_of(span.kind or 0),
            status_of(status.code or 0),
            status.message or "",
            outcome.name(utf8(span.trace_state)),
            attributes,
            [],
            [],
            dropped_attributes + over,
            dropped_events,
            dropped_links,
            resource,
            scope,
            small(span.flags),
        )
        if span.events:
            self.add_events(record, span.events)
        if span.links:
            self.add_links(record, span.links)
        return record

    def add_events(self, record: SpanRecord, raws: list[Raw]) -> None:
        outcome = self.outcome
        for raw in raws[: outcome.limits.events]:
            try:
                event = decode(_EVENT, raw, outcome)
                time_ns = integer(event.time_unix_nano, 0, _U64)
            except Unreadable:
                continue
            time_ns = outcome.event_time(time_ns, record.start_ns)
            name, found = outcome.name(utf8(event.name)), self.more_attributes(event.attributes)
            record.events.append(Event(time_ns, name, found, small(event.dropped_attributes_count)))
        if len(record.events) < len(raws):
            record.dropped_events += len(raws) - len(record.events)
            outcome.warnings["events_over_limit"] += 1

    def add_links(self, record: SpanRecord, raws: list[Raw]) -> None:
        outcome = self.outcome
        for raw in raws[: outcome.limits.links]:
            try:
                link = decode(_LINK, raw, outcome)
            except Unreadable:
                continue
            trace_id, span_id = id_bytes(link.trace_id), id_bytes(link.span_id)
            if valid_link(trace_id, span_id):
                state, found = outcome.name(utf8(link.trace_state)), self.more_attributes(link.attributes)
                flags, dropped = small(link.flags), small(link.dropped_attributes_count)
                record.links.append(Link(trace_id.hex(), span_id.hex(), state, found, flags, dropped))
        if len(record.links) < len(raws):
            record.dropped_links += len(raws) - len(record.links)
            outcome.warnings["links_over_limit"] += 1

    def attributes(self, raws: list[Raw] | None) -> tuple[Attributes, int]:
        """The attributes, and how many were left out for their number."""
        if not raws:
            return {}, 0
        limit = self.outcome.limits.attributes
        return read_attributes(raws[:limit], self.outcome), max(len(raws) - limit, 0)

    def more_attributes(self, raws: list[Raw] | None) -> Attributes:
        """Attributes of an event or link, as many as the span may still have."""
        outcome = self.outcome
        outcome.nodes += len(raws or ())
        outcome.work += len(raws or ()) + 1
        if outcome.nodes > outcome.nodes_until:
            outcome.warnings["attributes_over_limit"] += 1
            return {}
        return self.attributes(raws)[0]

    def resource(self, raw: Raw) -> Resource:
        self.outcome.allow_nodes()
        try:
            read = (raw != ABSENT and decode(_RESOURCE, raw, self.outcome)) or _Resource()
        except Unreadable:
            self.outcome.warnings["attribute_malformed"] += 1
            return Resource()
        return resource_of(self.attributes(read.attributes)[0], dropped=small(read.dropped_attributes_count))

    def scope(self, raw: Raw) -> Scope:
        try:
            read = (raw != ABSENT and decode(_SCOPE, raw, self.outcome)) or _Scope()
        except Unreadable:
            self.outcome.warnings["attribute_malformed"] += 1
            return Scope()
        name, version = self.outcome.name(utf8(read.name)), self.outcome.name(utf8(read.version))
        dropped = small(read.dropped_attributes_count)
        return Scope(name, version, self.attributes(read.attributes)[0], dropped_attributes=dropped)

    def url(self, sent: object) -> str:
        return self.outcome.name(utf8(sent)) if isinstance(sent, str) else ""


def request_of(body: bytes, decoder: msgspec.json.Decoder[_T]) -> tuple[_T, bool]:
    """The outermost object of an export request, and whether its text had to be repaired.

    Raises:
        InvalidInput: it is not JSON, or not such an object.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if body.count(b",") > MOST_COMMAS:
        raise InvalidInput("the body has too many parts; send fewer spans at a time", field="body")
    text = body
    # Skipping over a part, the parser minds its depth and halves of surrogate pairs (not UTF-8).
    for repair, most in ((repaired, REPAIRED_BYTES), (flattened, FLATTENED_BYTES)):
        try:
            return decoder.decode(text), text != body
        except msgspec.ValidationError as error:
            raise InvalidInput(f"the body is not OTLP/JSON: {error}", field="body") from None
        except (msgspec.DecodeError, RecursionError) as error:
            if len(body) > most:
                raise InvalidInput(f"the body is not OTLP/JSON: {error}", field="body") from None
            text = repair(text)
    try:
        return decoder.decode(text), True
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidInput(f"the body is not OTLP/JSON: {error}", field="body") from None


def small(sent: object) -> int:
    """A number of 32 bits, sent as one or as text; 0 for anything else, which is no reason to lose the span."""
    try:
        return integer(sent, 0, _U32) if isinstance(sent, int | float | str) else 0
    except Unreadable:
        return 0


def id_bytes(text: str | None) -> bytes:
    """An id in hex of either case as bytes; b'' for anything else, which no check accepts."""
    if not text or not text.isalnum():  # bytes.fromhex would skip blanks
        return b""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def utf8(text: str | None) -> bytes:
    return text.encode() if text else b""
