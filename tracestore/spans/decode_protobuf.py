"""ExportTraceServiceRequest in protobuf → span records, one span at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from tracestore.spans import decode_wire as wire
from tracestore.spans.decode_limits import (
    SUSPECT_STEPS,
    Outcome,
    kind_of,
    parent_id,
    resource_of,
    status_of,
    valid_link,
)
from tracestore.spans.decode_values import Known, read_attributes
from tracestore.spans.model import Attributes, Event, Link, Resource, Scope, SpanRecord


class ProtobufSpans:
    """The spans of one request: iterating gives (encoded size, record or None if refused).

    `broken` tells whether some part of the request could not be read at all.
    """

    def __init__(self, body: bytes, outcome: Outcome, suspicious: Callable[[bytes], bool] | None = None) -> None:
        self.body = body
        self.outcome = outcome
        self.suspicious = suspicious
        self.known: Known = {}
        self.broken = False

    def __iter__(self) -> Iterator[tuple[int, SpanRecord | None]]:
        try:
            for number, kind, at, end in wire.parts(self.body, 0, len(self.body), remainder=True):
                # What is not a span is a step too, so that whoever iterates gets a turn in time.
                yield 0, None
                if number == wire.REQUEST_PARTS and kind == wire.LENGTH_DELIMITED:
                    yield from self.resource_spans(at, end)
        except wire.Broken:
            self.broken = True

    def resource_spans(self, at: int, end: int) -> Iterator[tuple[int, SpanRecord | None]]:
        head = wire.head(self.body, at, end)
        resource = self.resource(head)
        url = self.raw_schema_url(at, end)
        resource.schema_url = self.outcome.name(url)
        look = self.suspicious
        suspect = look is not None and (look(head) or look(url))
        try:
            for number, kind, start, stop in wire.parts(self.body, at, end, remainder=True):
                yield 0, None
                if number == wire.PARTS and kind == wire.LENGTH_DELIMITED:
                    yield from self.scope_spans(start, stop, resource, suspect)
        except wire.Broken:
            self.broken = True

    def scope_spans(
        self, at: int, end: int, resource: Resource, suspect: bool
    ) -> Iterator[tuple[int, SpanRecord | None]]:
        body, outcome, largest = self.body, self.outcome, self.outcome.limits.span_bytes
        head = wire.head(body, at, end)
        scope = self.scope(head)
        url = self.raw_schema_url(at, end)
        scope.schema_url = outcome.name(url)
        look = self.suspicious
        suspect = suspect or (look is not None and (look(head) or look(url)))
        try:
            # Not the remainder: a span without its end might still read as a whole one.
            for number, kind, start, stop in wire.parts(body, at, end):
                if number != wire.PARTS or kind != wire.LENGTH_DELIMITED:
                    yield 0, None
                elif stop - start > largest:
                    outcome.refuse("too_large")
                    yield 0, None
                else:
                    raw = body[start:stop]
                    record = self.read(raw, resource, scope)
                    if look is not None and record is not None and (suspect or look(raw)):
                        record.suspect = True
                        outcome.work += SUSPECT_STEPS
                    yield stop - start, record
        except wire.Broken:
            self.broken = True

    def read(self, raw: bytes, resource: Resource, scope: Scope) -> SpanRecord | None:
        outcome = self.outcome
        try:
            span = wire.read_span(raw)
        except DecodeError:
            outcome.refuse("malformed")
            return None
        trace_id, span_id = span.trace_id, span.span_id
        start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
        reason = outcome.refusal(trace_id, span_id, start_ns, end_ns)
        if reason is not None:
            outcome.refuse(reason)
            return None
        outcome.received += 1
        outcome.allow_nodes()
        raws = span.attributes[:]
        outcome.work += len(raws) >> 3  # many attributes are work for several steps
        dropped = span.dropped_attributes_count
        if len(raws) > outcome.limits.attributes:
            dropped += len(raws) - outcome.limits.attributes
            outcome.warnings["attributes_over_limit"] += 1
            del raws[outcome.limits.attributes :]
        status, state = span.status, span.trace_state
        message = status.message
        # Positional, in the order of SpanRecord: half the cost of keywords, for every span there is.
        record = SpanRecord(
            trace_id.hex(),
            span_id.hex(),
            parent_id(span.parent_span_id),
            outcome.name(span.name),
            start_ns,
            end_ns if end_ns >= start_ns else outcome.end_of(start_ns, end_ns),
            kind_of(span.kind),
            status_of(status.code),
            outcome.text(message) if message else "",
            outcome.name(state) if state else "",
            read_attributes(raws, self.known, outcome),
            [],
            [],
            dropped,
            span.dropped_events_count,
            span.dropped_links_count,
            resource,
            scope,
            span.flags,
        )
        events = span.events
        if events:
            self.add_events(record, events)
        links = span.links
        if links:
            self.add_links(record, links)
        return record

    def add_events(self, record: SpanRecord, raws: Sequence[bytes]) -> None:
        outcome = self.outcome
        for raw in raws[: outcome.limits.events]:
            try:
                event = wire.read_event(raw)
            except DecodeError:
                continue
            time_ns = outcome.event_time(event.time_unix_nano, record.start_ns)
            name, found = outcome.name(event.name), self.attributes(event.attributes)
            record.events.append(Event(time_ns, name, found, event.dropped_attributes_count))
        if len(record.events) < len(raws):
            record.dropped_events += len(raws) - len(record.events)
            outcome.warnings["events_over_limit"] += 1

    def add_links(self, record: SpanRecord, raws: Sequence[bytes]) -> None:
        outcome = self.outcome
        for raw in raws[: outcome.limits.links]:
            try:
                link = wire.read_link(raw)
            except DecodeError:
                continue
            if valid_link(link.trace_id, link.span_id):
                state, attributes = outcome.name(link.trace_state), self.attributes(link.attributes)
                dropped = link.dropped_attributes_count
                record.links.append(
                    Link(link.trace_id.hex(), link.span_id.hex(), state, attributes, link.flags, dropped)
                )
        if len(record.links) < len(raws):
            record.dropped_links += len(raws) - len(record.links)
            outcome.warnings["links_over_limit"] += 1

    def attributes(self, raws: Any) -> Attributes:
        """Attributes of an event or link, as many as the span may still have."""
        outcome = self.outcome
        kept = raws[: outcome.limits.attributes]
        outcome.nodes += len(kept)
        outcome.work += len(kept) + 1
        if outcome.nodes > outcome.nodes_until:
            outcome.warnings["attributes_over_limit"] += 1
            return {}
        return read_attributes(kept, self.known, outcome)

    def schema_url(self, at: int, end: int) -> str:
        """The schema_url of a container; '' when there is none within reach."""
        return self.outcome.name(self.raw_schema_url(at, end))

    def raw_schema_url(self, at: int, end: int) -> bytes:
        """As it was sent: it is looked through for secrets whole. Encoders write it after the parts."""
        try:
            for seen, (number, kind, start, stop) in enumerate(wire.parts(self.body, at, end)):
                if number == wire.SCHEMA_URL and kind == wire.LENGTH_DELIMITED:
                    return self.body[start:stop]
                if seen > wire.SCHEMA_WITHIN:
                    break
        except wire.Broken:
            pass
        return b""

    def resource(self, raw: bytes) -> Resource:
        self.outcome.allow_nodes()
        try:
            read = wire.read_resource(raw)
        except DecodeError:
            self.outcome.warnings["attribute_malformed"] += 1
            return Resource()
        attributes = read.attributes[: self.outcome.limits.attributes]
        found = read_attributes(attributes, self.known, self.outcome)
        return resource_of(found, dropped=read.dropped_attributes_count)

    def scope(self, raw: bytes) -> Scope:
        if not raw:
            return Scope()
        try:
            read = wire.read_scope(raw)
        except DecodeError:
            self.outcome.warnings["attribute_malformed"] += 1
            return Scope()
        name, version = self.outcome.name(read.name), self.outcome.name(read.version)
        attributes = read.attributes[: self.outcome.limits.attributes]
        found = read_attributes(attributes, self.known, self.outcome)
        return Scope(name, version, found, dropped_attributes=read.dropped_attributes_count)
