"""Values and references in Jaeger's and OTLP's JSON: the corners that a whole trace does not show."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from dashboard.api.rendering import ENCODER
from dashboard.jaeger import otlp, representation
from tracestore.clickhouse.jaeger_reader import Trace
from tracestore.spans.model import Event, Link, Resource, Scope, SpanRecord


def record(**fields: Any) -> SpanRecord:
    return SpanRecord(**{"trace_id": "a" * 32, "span_id": "b" * 16, "parent_span_id": "", "name": "work",
                         "start_ns": 1_000_999, "end_ns": 3_000_998, **fields})  # fmt: skip


def encoded(value: Any) -> Any:
    return msgspec.json.decode(ENCODER.encode(value))


@pytest.mark.parametrize(
    ("value", "jaeger", "in_otlp"),
    [
        ("text", ("string", "text"), {"stringValue": "text"}),
        ("", ("string", ""), {"stringValue": ""}),
        (True, ("bool", True), {"boolValue": True}),
        (7, ("int64", 7), {"intValue": "7"}),
        (2**53 - 1, ("int64", 2**53 - 1), {"intValue": "9007199254740991"}),
        (2**53, ("int64", "9007199254740992"), {"intValue": "9007199254740992"}),
        (-(2**53), ("int64", "-9007199254740992"), {"intValue": "-9007199254740992"}),
        (0.5, ("float64", 0.5), {"doubleValue": 0.5}),
        (math.nan, ("float64", "nan"), {"doubleValue": "NaN"}),
        (-math.inf, ("float64", "-inf"), {"doubleValue": "-Infinity"}),
        (b"\x00\x009", ("binary", "AAA5"), {"bytesValue": "AAA5"}),
        (None, ("string", ""), {}),
        ([1, "a"], ("string", '[1,"a"]'), {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}]}}),
        (
            {"k": True}, ("string", '{"k":true}'),
            {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}},
        ),
    ],
)  # fmt: skip
def test_values(value: Any, jaeger: tuple[str, Any], in_otlp: Any) -> None:
    assert encoded(list(representation.tags({"key": value}))) == [{"key": "key", "type": jaeger[0], "value": jaeger[1]}]
    assert encoded(otlp.any_value(value)) == in_otlp


def test_references() -> None:
    trace, parent = "a" * 32, "c" * 16
    bridge = {"opentracing.ref_type": "child_of"}
    cases: list[tuple[str, list[Link], list[tuple[str, str]]]] = [
        ("", [], []),
        (parent, [], [("CHILD_OF", parent)]),
        (parent, [Link("d" * 32, "e" * 16)], [("CHILD_OF", parent), ("FOLLOWS_FROM", "e" * 16)]),
        ("", [Link("d" * 32, "e" * 16, "", dict(bridge))], [("CHILD_OF", "e" * 16)]),
        (parent, [Link(trace, parent, "", dict(bridge))], [("CHILD_OF", parent)]),
        (parent, [Link(trace, parent)], [("FOLLOWS_FROM", parent)]),
    ]
    for parent_id, links, expected in cases:
        found = representation.references(record(parent_span_id=parent_id, links=links))
        assert [(one["refType"], one["spanID"]) for one in found] == expected


def test_a_duration_is_cut_to_microseconds() -> None:
    shown = representation.span(record(), "p1")
    assert (shown["startTime"], shown["duration"]) == (1000, 1999)


def test_an_events_own_attribute_event_is_not_doubled() -> None:
    assert [one["value"] for one in representation.log(Event(1, "name", {"event": "own"}))["fields"]] == ["own"]
    assert representation.log(Event(1_999, "")) == {"timestamp": 1, "fields": []}


def test_each_resource_is_one_process() -> None:
    shop, bank = Resource({"service.name": "shop"}, "shop"), Resource({"k": 1}, "")
    spans = [record(resource=shop), record(resource=bank), record(resource=shop)]
    shown = encoded(representation.trace(Trace("a" * 32, spans, 3)))
    assert [one["processID"] for one in shown["spans"]] == ["p1", "p2", "p1"]
    assert shown["processes"] == {
        "p1": {"serviceName": "shop", "tags": []},
        "p2": {"serviceName": "missing-service-name", "tags": [{"key": "k", "type": "int64", "value": 1}]},
    }
    parts = encoded(otlp.traces([Trace("a" * 32, spans, 3)]))["result"]["resourceSpans"]
    assert [len(part["scopeSpans"][0]["spans"]) for part in parts] == [1, 1, 1]


def test_a_scope_without_a_name_has_no_tags() -> None:
    assert representation.scope_tags(record()) == {}
    assert representation.scope_tags(record(scope=Scope("a"))) == {"otel.scope.name": "a"}
