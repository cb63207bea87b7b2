"""ExportTraceServiceRequest in protobuf → span records, one span at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from tracestore.spans import decode_wire as wire
from tracestore.spans.decode_limits import (
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

    def __init__(self, body: bytes, outcome: Outcome) -> None:
        self.body = body
        self.outcome = outcome
        self.known: Known = {}
        self.broken = False

    def __iter__(self) -> Iterator[tuple[int, SpanRecord | None]]:
        try:
            request = wire.read_request(self.body)
        except DecodeError:
            yield from self.salvage()
            return
        # What one span takes is not known here without cost; an average serves to cut slices.
        size = len(self.body) // max(self.count(request), 1)
        read = self.read
        for resource_spans in request.resource_spans:
            yield 0, None
            resource = self.resource(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                yield 0, None
                scope = self.scope(scope_spans.scope)
                for span in scope_spans.spans:
                    yield size, read(span, resource, scope)

    def count(self, request: Any) -> int:
        """The number of spans in a request."""
        containers, spans = len(request.resource_spans), 0
        self.outcome.containers(containers)
        for resource_spans in request.resource_spans:
            scopes = resource_spans.scope_spans
            containers += len(scopes)
            self.outcome.containers(containers)
            spans += sum(len(scope_spans.spans) for scope_spans in scopes)
        return spans

    def salvage(self) -> Iterator[tuple[int, SpanRecord | None]]:
        """The same for a request with broken framing: its parts one by one, up to the break."""
        self.broken = True
        containers = 0
        for raw_resource_spans in wire.salvaged(self.body, 1, remainder=True)[1]:
            yield 0, None
            raw_resource, all_scope_spans = wire.salvaged(raw_resource_spans, 2, remainder=True)
            resource = self.resource(raw_resource)
            containers += 1 + len(all_scope_spans)
            self.outcome.containers(containers)
            for raw_scope_spans in all_scope_spans:
                yield 0, None
                # Not the remainder: a span without its end might still read as a whole one.
                raw_scope, spans = wire.salvaged(raw_scope_spans, 2, remainder=False)
                scope = self.scope(raw_scope)
                for raw in spans:
                    try:
                        span = wire.read_span(raw)
                    except DecodeError:
                        self.outcome.refuse("malformed")
                        yield len(raw), None
                    else:
                        yield len(raw), self.read(span, resource, scope)

    def read(self, span: Any, resource: Resource, scope: Scope) -> SpanRecord | None:
        outcome = self.outcome
        trace_id, span_id = span.trace_id, span.span_id
        start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
        reason = outcome.refusal(trace_id, span_id, start_ns, end_ns)
        if reason is not None:
            outcome.refuse(reason)
            return None
        outcome.received += 1
        outcome.allow_nodes()
        raws = span.attributes[:]
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
        )
        events = span.events
        if events:
            self.add_events(record, events)
        links = span.links
        if links:
            self.add_links(record, links)
        return record

    def add_events(self, record: SpanRecord, events: Any) -> None:
        outcome = self.outcome
        limit = outcome.limits.events
        if len(events) > limit:
            record.dropped_events += len(events) - limit
            outcome.warnings["events_over_limit"] += 1
        for event in events[:limit]:
            record.events.append(
                Event(
                    outcome.event_time(event.time_unix_nano, record.start_ns),
                    outcome.name(event.name),
                    self.attributes(event.attributes),
                )
            )

    def add_links(self, record: SpanRecord, links: Any) -> None:
        outcome = self.outcome
        limit = outcome.limits.links
        for link in links[:limit]:
            if valid_link(link.trace_id, link.span_id):
                record.links.append(
                    Link(
                        link.trace_id.hex(),
                        link.span_id.hex(),
                        outcome.name(link.trace_state),
                        self.attributes(link.attributes),
                    )
                )
        if len(record.links) < len(links):
            record.dropped_links += len(links) - len(record.links)
            outcome.warnings["links_over_limit"] += 1

    def attributes(self, raws: Any) -> Attributes:
        """Attributes of an event or link, as many as the span may still have."""
        outcome = self.outcome
        kept = raws[: outcome.limits.attributes]
        outcome.nodes += len(kept)
        if outcome.nodes > outcome.nodes_until:
            outcome.warnings["attributes_over_limit"] += 1
            return {}
        return read_attributes(kept, self.known, outcome)

    def resource(self, raw: bytes) -> Resource:
        self.outcome.allow_nodes()
        try:
            attributes = wire.read_resource(raw).attributes[: self.outcome.limits.attributes]
        except DecodeError:
            self.outcome.warnings["attribute_malformed"] += 1
            return Resource()
        return resource_of(read_attributes(attributes, self.known, self.outcome))

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
        return Scope(name, version, read_attributes(attributes, self.known, self.outcome))
