"""ExportLogsServiceRequest in OTLP/JSON → log records (OTLP, "JSON Protobuf Encoding")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from tracestore.spans.decode_json_values import ABSENT, JsonValue, Unreadable, decode, integer
from tracestore.spans.decode_limits import TRUNCATED, Outcome
from tracestore.spans.decode_logs_rules import event_name, identifier, refusal, severity
from tracestore.spans.model import LogRecord, Resource, Scope, Value
from tracestore.spans.otlp_json import JsonSpans, id_bytes, request_of, utf8

_Number: TypeAlias = "int | float | str | None"
_Raws: TypeAlias = "list[Raw] | None"

_U32, _U64 = 1 << 32, 1 << 64


class _Request(Struct, rename="camel"):
    resource_logs: _Raws = None


class _ResourceLogs(Struct, rename="camel"):
    resource: Raw = ABSENT
    scope_logs: _Raws = None
    schema_url: str | None = None


class _ScopeLogs(Struct, rename="camel"):
    scope: Raw = ABSENT
    log_records: _Raws = None
    schema_url: str | None = None


class _LogRecord(Struct, rename="camel"):
    time_unix_nano: _Number = None
    observed_time_unix_nano: _Number = None
    severity_number: int | None = None
    severity_text: str | None = None
    body: Raw = ABSENT
    attributes: _Raws = None
    dropped_attributes_count: _Number = None
    flags: _Number = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_RESOURCE_LOGS = msgspec.json.Decoder(_ResourceLogs)
_SCOPE_LOGS = msgspec.json.Decoder(_ScopeLogs)
_LOG_RECORD = msgspec.json.Decoder(_LogRecord)


class JsonLogs:
    """Iterating gives a record, or None for a step that is none.

    `broken` tells whether some part of the request could not be read at all.
    """

    def __init__(self, body: bytes, outcome: Outcome) -> None:
        self.body = body
        self.outcome = outcome
        # Resources, scopes and containers are read as in a request of spans.
        self.heads = JsonSpans(body, outcome)

    @property
    def broken(self) -> bool:
        return self.heads.broken

    def __iter__(self) -> Iterator[LogRecord | None]:
        outcome, heads = self.outcome, self.heads
        request, changed = request_of(self.body, _REQUEST)
        if changed:
            outcome.warnings["invalid_utf8"] += 1
        for raw_resource_logs in request.resource_logs or ():
            yield None
            resource_logs = heads.part(_RESOURCE_LOGS, raw_resource_logs)
            if resource_logs is None:
                continue
            resource = heads.resource(resource_logs.resource)
            resource_url = outcome.name(utf8(resource_logs.schema_url))
            for raw_scope_logs in resource_logs.scope_logs or ():
                yield None
                scope_logs = heads.part(_SCOPE_LOGS, raw_scope_logs)
                if scope_logs is None:
                    continue
                scope = heads.scope(scope_logs.scope)
                scope_url = outcome.name(utf8(scope_logs.schema_url))
                for raw in scope_logs.log_records or ():
                    record = self.read(raw, resource, scope)
                    if record is not None:
                        record.resource_schema_url, record.scope_schema_url = resource_url, scope_url
                    yield record

    def read(self, raw: Raw, resource: Resource, scope: Scope) -> LogRecord | None:
        outcome = self.outcome
        size = len(memoryview(raw))
        if size > outcome.limits.span_bytes:
            outcome.refuse("too_large")
            return None
        try:
            log = decode(_LOG_RECORD, raw, outcome)
            time_ns = integer(log.time_unix_nano, 0, _U64)
            observed_ns = integer(log.observed_time_unix_nano, 0, _U64)
            dropped = integer(log.dropped_attributes_count, 0, _U32)
            flags = integer(log.flags, 0, _U32)
        except Unreadable:
            outcome.refuse("malformed")
            return None
        reason = refusal(outcome, time_ns, observed_ns)
        if reason is not None:
            outcome.refuse(reason)
            return None
        outcome.received += 1
        outcome.allow_nodes()
        attributes, over = self.heads.attributes(log.attributes)
        if over:
            outcome.warnings["attributes_over_limit"] += 1
        body, whole = self.body_of(log.body)
        if whole:
            attributes = {**attributes, TRUNCATED + "body": whole}
        time_ns = time_ns or observed_ns
        return LogRecord(
            trace_id=self.identifier(log.trace_id, 16),
            span_id=self.identifier(log.span_id, 8),
            time_ns=time_ns,
            observed_ns=outcome.event_time(observed_ns, time_ns),
            severity_number=severity(log.severity_number or 0),
            severity_text=outcome.name(utf8(log.severity_text)),
            event_name=event_name(outcome.name(utf8(log.event_name)), attributes),
            body=body,
            attributes=attributes,
            dropped_attributes=dropped + over,
            trace_flags=flags & 0xFF,
            resource=resource,
            scope=scope,
            size=size,
        )

    def identifier(self, text: str | None, length: int) -> str:
        if text and not id_bytes(text):
            self.outcome.warnings["ids_invalid"] += 1
            return ""
        return identifier(id_bytes(text), length, self.outcome)

    def body_of(self, raw: Raw) -> tuple[Value, int]:
        """The body, and its length in bytes when it was cut."""
        reader = JsonValue(self.outcome)
        try:
            value = reader.value(raw, 0)
        except Unreadable:
            self.outcome.warnings["attribute_malformed"] += 1
            return None, 0
        return value, len(memoryview(raw)) if reader.cut else 0
