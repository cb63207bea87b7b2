"""OTLP/JSON requests, taken in as ingest does: decoded, normalised, resolved, written."""

from __future__ import annotations

import json
from typing import Any

from tests.clickhouse.spans import START
from tracestore.clickhouse.writer import SpanWriter
from tracestore.spans.decode import decode_json
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

Json = dict[str, Any]


def post(*resources: Json, project: str = "default") -> None:
    """Stores the `resourceSpans` of a request; all of them must be accepted."""
    decoded = decode_json(json.dumps({"resourceSpans": resources}).encode(), now_ns=START + 40 * 86_400 * 10**9)
    assert not decoded.rejected, decoded.messages
    spans = [normalise(record) for record in decoded.records]
    resolve(spans)
    SpanWriter().write([(project, span) for span in spans])


def resource(service: str, *spans: Json, attributes: Json | None = None, scope: Json | None = None) -> Json:
    named = {"service.name": service} if service else {}
    return {
        "resource": {"attributes": key_values({**named, **(attributes or {})})},
        "scopeSpans": [{"scope": scope or {}, "spans": list(spans)}],
    }


def span(trace: int, number: int = 1, *, start: int = START, duration: int = 1_000, **fields: Any) -> Json:
    """A span of `duration` nanoseconds; `parent` is a number, `attributes` a plain dict, the rest is OTLP's."""
    made = {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "name": "work",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
    }
    parent = fields.pop("parent", None)
    if parent is not None:
        made["parentSpanId"] = f"{parent:016x}"
    return made | {"attributes": key_values(fields.pop("attributes", {}))} | fields


def event(name: str = "", at: int = START, **attributes: Any) -> Json:
    return {"timeUnixNano": str(at), "name": name, "attributes": key_values(attributes)}


def link(trace: int, number: int, **attributes: Any) -> Json:
    return {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "attributes": key_values(attributes)}


def key_values(attributes: Json) -> list[Json]:
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def any_value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, dict):  # already an AnyValue
        return value
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    return {"stringValue": value}
