"""Export requests written once, as OTLP/JSON, for tests of both encodings."""

from __future__ import annotations

import base64
import math
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

NOW = 1_800_000_000 * 10**9
HOUR = 3600 * 10**9


def value_of(value: Any) -> dict[str, Any]:
    """A Python value as OTLP/JSON's AnyValue."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            text = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, value)
            return {"doubleValue": "NaN" if text != text else text}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case list():
            return {"arrayValue": {"values": [value_of(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}
    raise AssertionError(value)


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value_of(value)} for key, value in attributes.items()]


def span(**changed: Any) -> dict[str, Any]:
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(NOW - HOUR),
        "endTimeUnixNano": str(NOW - HOUR + 1000),
        **changed,
    }


def request(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(resource or {"service.name": "bot"})},
                "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": list(spans)}],
            }
        ]
    }


def protobuf(body: dict[str, Any]) -> bytes:
    """The same request in protobuf, by our own small translation (json_format cannot read OTLP/JSON)."""
    message = ExportTraceServiceRequest()
    for resource_spans in body["resourceSpans"]:
        to = message.resource_spans.add()
        put(to.resource.attributes, resource_spans["resource"]["attributes"])
        to.resource.dropped_attributes_count = resource_spans["resource"].get("droppedAttributesCount", 0)
        to.schema_url = resource_spans.get("schemaUrl", "")
        for scope_spans in resource_spans["scopeSpans"]:
            scope = to.scope_spans.add()
            scope.scope.name, scope.scope.version = scope_spans["scope"]["name"], scope_spans["scope"]["version"]
            scope.scope.dropped_attributes_count = scope_spans["scope"].get("droppedAttributesCount", 0)
            scope.schema_url = scope_spans.get("schemaUrl", "")
            for one in scope_spans["spans"]:
                put_span(scope.spans.add(), one)
    return message.SerializeToString()


def put_span(to: ProtoSpan, one: dict[str, Any]) -> None:
    to.trace_id, to.span_id = bytes.fromhex(one["traceId"]), bytes.fromhex(one["spanId"])
    to.parent_span_id = bytes.fromhex(one.get("parentSpanId", ""))
    to.name, to.kind, to.trace_state = one["name"], one.get("kind", 0), one.get("traceState", "")
    to.start_time_unix_nano, to.end_time_unix_nano = int(one["startTimeUnixNano"]), int(one["endTimeUnixNano"])
    put(to.attributes, one.get("attributes", []))
    to.dropped_attributes_count = one.get("droppedAttributesCount", 0)
    to.flags = one.get("flags", 0)
    for event in one.get("events", []):
        added = to.events.add(time_unix_nano=int(event["timeUnixNano"]), name=event["name"])
        put(added.attributes, event.get("attributes", []))
        added.dropped_attributes_count = event.get("droppedAttributesCount", 0)
    for link in one.get("links", []):
        added_link = to.links.add(trace_id=bytes.fromhex(link["traceId"]), span_id=bytes.fromhex(link["spanId"]))
        put(added_link.attributes, link.get("attributes", []))
        added_link.flags = link.get("flags", 0)
        added_link.dropped_attributes_count = link.get("droppedAttributesCount", 0)
    if "status" in one:
        to.status.code, to.status.message = one["status"].get("code", 0), one["status"].get("message", "")


def put(to: Any, attributes: list[dict[str, Any]]) -> None:
    for pair in attributes:
        added = to.add(key=pair["key"])
        put_value(added.value, pair["value"])


def put_value(to: Any, value: dict[str, Any]) -> None:
    match value:
        case {"stringValue": text}:
            to.string_value = text
        case {"boolValue": flag}:
            to.bool_value = flag
        case {"intValue": number}:
            to.int_value = int(number)
        case {"doubleValue": number}:
            to.double_value = float(number)
        case {"bytesValue": text}:
            to.bytes_value = base64.b64decode(text)
        case {"arrayValue": array}:
            to.array_value.SetInParent()
            for item in array["values"]:
                put_value(to.array_value.values.add(), item)
        case {"kvlistValue": entries}:
            to.kvlist_value.SetInParent()
            put(to.kvlist_value.values, entries["values"])
