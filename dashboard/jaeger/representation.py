"""Spans → the JSON of Jaeger's v2 API (its package `uimodel`, and the translation from OTLP before it)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from dashboard.api.rendering import ENCODER, encode_list
from tracestore.clickhouse.jaeger_reader import Trace, shown_service
from tracestore.spans.model import Event, Resource, SpanRecord, Value

#: Beyond these JavaScript rounds whole numbers; Jaeger writes them as text then.
_MOST_SAFE: Final = 2**53 - 1
_CHILD_OF: Final = "CHILD_OF"
_FOLLOWS_FROM: Final = "FOLLOWS_FROM"
#: The attribute of a link by which OpenTracing's bridge says what the reference was.
_REF_TYPE: Final = "opentracing.ref_type"


def envelope(data: Any, *, total: int = 0, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What every v2 answer is wrapped in. `errors` is null when there are none."""
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors or None}


def traces(found: Iterable[Trace]) -> msgspec.Raw:
    """The `data` of an answer with traces."""
    return encode_list(map(trace, found))


def trace(found: Trace) -> dict[str, Any]:
    processes = Processes()
    # Encoded one by one, see `encode_list`; the processes are known once all spans have been seen.
    spans = encode_list(span(record, processes.id_of(record.resource)) for record in found.spans)
    warnings = []
    if found.span_count > len(found.spans):
        warnings.append(f"Only the first {len(found.spans)} of {found.span_count} spans are here.")
    return {
        "traceID": found.trace_id,
        "spans": spans,
        "processes": processes.shown(),
        "warnings": warnings or None,
    }


class Processes:
    """The resources of a trace, each under an id: p1, p2, … The reader gives equal ones as one object."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[str, Resource]] = {}

    def id_of(self, resource: Resource) -> str:
        found = self._found.get(id(resource))
        if found is None:
            found = self._found[id(resource)] = (f"p{len(self._found) + 1}", resource)
        return found[0]

    def shown(self) -> dict[str, Any]:
        return {process_id: process(resource) for process_id, resource in self._found.values()}


def process(resource: Resource) -> dict[str, Any]:
    others = {key: value for key, value in resource.attributes.items() if key != "service.name"}
    return {"serviceName": shown_service(resource.service), "tags": list(tags(others))}


def span(record: SpanRecord, process_id: str) -> dict[str, Any]:
    """One span. Times are whole microseconds, as Jaeger cuts them."""
    warnings = []
    if record.dropped_attributes:
        warnings.append(f"The sender dropped {record.dropped_attributes} attributes.")
    return {
        "traceID": record.trace_id,
        "spanID": record.span_id,
        "operationName": record.name,
        "references": references(record),
        "startTime": record.start_ns // 1000,
        "duration": (record.end_ns - record.start_ns) // 1000,
        "tags": [*tags(scope_tags(record)), *tags(record.attributes), *tags(field_tags(record))],
        "logs": [log(event) for event in record.events],
        "processID": process_id,
        "warnings": warnings or None,
    }


def references(record: SpanRecord) -> list[dict[str, str]]:
    """The parent first, then the links. A link to the parent only says of which kind that reference is."""
    found: dict[tuple[str, str], str] = {}
    if record.parent_span_id:
        found[record.trace_id, record.parent_span_id] = _CHILD_OF
    for link in record.links:
        kind = _CHILD_OF if link.attributes.get(_REF_TYPE) == "child_of" else _FOLLOWS_FROM
        found[link.trace_id, link.span_id] = kind
    return [{"refType": kind, "traceID": trace_id, "spanID": span_id} for (trace_id, span_id), kind in found.items()]


def scope_tags(record: SpanRecord) -> Mapping[str, Value]:
    named: dict[str, Value] = {"otel.scope.name": record.scope.name, "otel.scope.version": record.scope.version}
    return {**{key: value for key, value in named.items() if value}, **record.scope.attributes}


def field_tags(record: SpanRecord) -> Mapping[str, Value]:
    """What OTLP has fields for and Jaeger tags."""
    made: dict[str, Value] = {}
    if record.kind != "unspecified":
        made["span.kind"] = record.kind
    if record.status != "unset":
        made["otel.status_code"] = record.status.upper()
    if record.status == "error":
        made["error"] = True
    if record.status_message:
        made["otel.status_description"] = record.status_message
    if record.trace_state:
        made["w3c.tracestate"] = record.trace_state
    return made


def log(event: Event) -> dict[str, Any]:
    fields = list(tags(event.attributes))
    if event.name and "event" not in event.attributes:
        fields.insert(0, {"key": "event", "type": "string", "value": event.name})
    return {"timestamp": event.time_ns // 1000, "fields": fields}


def tags(attributes: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
    for key, value in attributes.items():
        kind, shown = tag_value(value)
        yield {"key": key, "type": kind, "value": shown}


def tag_value(value: Value) -> tuple[str, str | bool | int | float | bytes]:
    """Jaeger's type of a value and the value. Bytes become base64 when encoded; lists and maps are JSON text."""
    if isinstance(value, str):
        return "string", value
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int):
        return "int64", value if -_MOST_SAFE <= value <= _MOST_SAFE else str(value)
    if isinstance(value, float):
        return "float64", value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return "binary", value
    return "string", "" if value is None else ENCODER.encode(value).decode()
