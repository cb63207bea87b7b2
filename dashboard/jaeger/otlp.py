"""Spans → the JSON of Jaeger's v3 API, which is OTLP's own (opentelemetry-proto, "JSON Protobuf Encoding")."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from dashboard.api.rendering import encode_list
from tracestore.clickhouse.jaeger_reader import Summary, Trace
from tracestore.spans.model import SPAN_KINDS, STATUSES, Event, Link, SpanRecord, Value


def traces(found: Iterable[Trace]) -> dict[str, Any]:
    """An answer with traces: one `resourceSpans` for neighbours in time that share a resource and a scope."""
    parts = (part for one in found for _, part in groupby(one.spans, key=same_origin))
    return {"result": {"resourceSpans": encode_list(resource_spans(list(part)) for part in parts)}}


def same_origin(record: SpanRecord) -> tuple[int, int]:
    """The reader gives equal resources and scopes as one object."""
    return id(record.resource), id(record.scope)


def resource_spans(records: list[SpanRecord]) -> dict[str, Any]:
    first = records[0]
    told = (
        ("name", first.scope.name),
        ("version", first.scope.version),
        ("attributes", attributes(first.scope.attributes)),
    )
    scope = {key: value for key, value in told if value} | _dropped(first.scope.dropped_attributes)
    resource = {"attributes": attributes(first.resource.attributes)} | _dropped(first.resource.dropped_attributes)
    spans = {"scope": scope, "spans": [span(record) for record in records]} | _schema(first.scope.schema_url)
    return {"resource": resource, "scopeSpans": [spans]} | _schema(first.resource.schema_url)


def _dropped(count: int) -> dict[str, Any]:
    return {"droppedAttributesCount": count} if count else {}


def _schema(url: str) -> dict[str, Any]:
    return {"schemaUrl": url} if url else {}


def _flags(flags: int) -> dict[str, Any]:
    return {"flags": flags} if flags else {}


def span(record: SpanRecord) -> dict[str, Any]:
    status: dict[str, Any] = {}
    if record.status_message:
        status["message"] = record.status_message
    if record.status != "unset":
        status["code"] = STATUSES.index(record.status)
    return {
        "traceId": record.trace_id,
        "spanId": record.span_id,
        "traceState": record.trace_state,
        "parentSpanId": record.parent_span_id,
        "name": record.name,
        "kind": SPAN_KINDS.index(record.kind),
        "startTimeUnixNano": str(record.start_ns),
        "endTimeUnixNano": str(record.end_ns),
        "attributes": attributes(record.attributes),
        "droppedAttributesCount": record.dropped_attributes,
        "droppedEventsCount": record.dropped_events,
        "droppedLinksCount": record.dropped_links,
        "events": [event(one) for one in record.events],
        "links": [link(one) for one in record.links],
        "status": status,
        **_flags(record.flags),
    }


def event(one: Event) -> dict[str, Any]:
    told = {"timeUnixNano": str(one.time_ns), "name": one.name, "attributes": attributes(one.attributes)}
    return told | _dropped(one.dropped_attributes)


def link(one: Link) -> dict[str, Any]:
    return {
        "traceId": one.trace_id,
        "spanId": one.span_id,
        "traceState": one.trace_state,
        "attributes": attributes(one.attributes),
        **_flags(one.flags),
        **_dropped(one.dropped_attributes),
    }


def attributes(given: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in given.items()]


def any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        # Protobuf's JSON has words for what JSON lacks.
        word = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"doubleValue": value if math.isfinite(value) else word}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {}


def summary(found: Summary) -> dict[str, Any]:
    """An entry of `/api/v3/trace-summaries`, from which Jaeger UI draws its list of results."""
    return {
        "traceId": found.trace_id,
        "rootServiceName": found.root_service,
        "rootOperationName": found.root_operation,
        "minStartTimeUnixNano": str(found.start_ns),
        "maxEndTimeUnixNano": str(found.end_ns),
        "spanCount": found.span_count,
        "errorSpanCount": found.error_count,
        "orphanSpanCount": found.orphan_count,
        "services": [
            {"name": one.name, "spanCount": one.span_count, "errorSpanCount": one.error_count} for one in found.services
        ],
    }
