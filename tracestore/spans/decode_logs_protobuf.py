"""ExportLogsServiceRequest in protobuf → log records, one at a time."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from tracestore.spans import decode_wire as wire
from tracestore.spans.decode_limits import TRUNCATED, Outcome
from tracestore.spans.decode_logs_rules import event_name, identifier, refusal, severity
from tracestore.spans.decode_protobuf import ProtobufSpans
from tracestore.spans.decode_values import Known, WireValue, read_attributes
from tracestore.spans.model import LogRecord, Resource, Scope, Value


class ProtobufLogs:
    """Iterating gives a record, or None for a step that is none.

    `broken` tells whether some part of the request could not be read at all.
    """

    def __init__(self, body: bytes, outcome: Outcome) -> None:
        self.body = body
        self.outcome = outcome
        self.known: Known = {}
        self.broken = False
        # Resources and scopes are the same messages as in a request of spans.
        self.heads = ProtobufSpans(body, outcome)

    def __iter__(self) -> Iterator[LogRecord | None]:
        try:
            for number, kind, at, end in wire.parts(self.body, 0, len(self.body), remainder=True):
                yield None
                if number == wire.REQUEST_PARTS and kind == wire.LENGTH_DELIMITED:
                    yield from self.resource_logs(at, end)
        except wire.Broken:
            self.broken = True

    def resource_logs(self, at: int, end: int) -> Iterator[LogRecord | None]:
        resource = self.heads.resource(wire.head(self.body, at, end))
        resource_url = self.heads.schema_url(at, end)
        try:
            for number, kind, start, stop in wire.parts(self.body, at, end, remainder=True):
                yield None
                if number == wire.PARTS and kind == wire.LENGTH_DELIMITED:
                    yield from self.scope_logs(start, stop, resource, resource_url)
        except wire.Broken:
            self.broken = True

    def scope_logs(self, at: int, end: int, resource: Resource, resource_url: str) -> Iterator[LogRecord | None]:
        scope = self.heads.scope(wire.head(self.body, at, end))
        scope_url = self.heads.schema_url(at, end)
        try:
            # Not the remainder: a record without its end might still read as a whole one.
            for number, kind, start, stop in wire.parts(self.body, at, end):
                if number != wire.PARTS or kind != wire.LENGTH_DELIMITED:
                    yield None
                elif stop - start > self.outcome.limits.span_bytes:
                    self.outcome.refuse("too_large")
                    yield None
                else:
                    record = self.read(self.body[start:stop], resource, scope)
                    if record is not None:
                        record.resource_schema_url, record.scope_schema_url = resource_url, scope_url
                    yield record
        except wire.Broken:
            self.broken = True

    def read(self, raw: bytes, resource: Resource, scope: Scope) -> LogRecord | None:
        outcome = self.outcome
        try:
            log = wire.read_log(raw)
        except DecodeError:
            outcome.refuse("malformed")
            return None
        time_ns, observed_ns = log.time_unix_nano, log.observed_time_unix_nano
        reason = refusal(outcome, time_ns, observed_ns)
        if reason is not None:
            outcome.refuse(reason)
            return None
        outcome.received += 1
        outcome.allow_nodes()
        raws = log.attributes[:]
        outcome.work += len(raws) >> 3
        dropped = log.dropped_attributes_count
        if len(raws) > outcome.limits.attributes:
            dropped += len(raws) - outcome.limits.attributes
            outcome.warnings["attributes_over_limit"] += 1
            del raws[outcome.limits.attributes :]
        attributes = read_attributes(raws, self.known, outcome)
        body, whole = self.body_of(log.body)
        if whole:
            attributes = {**attributes, TRUNCATED + "body": whole}
        time_ns = time_ns or observed_ns
        return LogRecord(
            trace_id=identifier(log.trace_id, 16, outcome),
            span_id=identifier(log.span_id, 8, outcome),
            time_ns=time_ns,
            observed_ns=outcome.event_time(observed_ns, time_ns),
            severity_number=severity(log.severity_number),
            severity_text=outcome.name(log.severity_text),
            event_name=event_name(outcome.name(log.event_name), attributes),
            body=body,
            attributes=attributes,
            dropped_attributes=dropped,
            trace_flags=log.flags & 0xFF,
            resource=resource,
            scope=scope,
            size=len(raw),
        )

    def body_of(self, raw: bytes) -> tuple[Value, int]:
        """The body, and its length in bytes when it was cut."""
        reader = WireValue(self.outcome)
        try:
            value = reader.value(raw, 0)
        except wire.Broken:
            self.outcome.warnings["attribute_malformed"] += 1
            return None, 0
        return value, len(raw) if reader.cut else 0
