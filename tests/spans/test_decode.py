"""Each rule of decoding, the same for protobuf and JSON."""

from __future__ import annotations

import gzip
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from corpus import directory
from decode_requests import HOUR, NOW, pairs, protobuf, request, span

from tracestore.errors import InvalidInput
from tracestore.spans.decode import Decoded, Limits, decode_json, decode_protobuf, json_slices, protobuf_slices
from tracestore.spans.decode_limits import CUT, DEFAULT_LIMITS, TRUNCATED

SMALL = Limits(attributes=5, value_bytes=16 << 10, depth=4, nodes=50, events=3, links=2, name_chars=20, key_chars=10)

Decode = Callable[..., Decoded]


@pytest.fixture(params=["protobuf", "json"])
def decode(request: pytest.FixtureRequest) -> Decode:
    """Decodes a request given as OTLP/JSON, by way of either encoding, at a fixed time."""

    def by_protobuf(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> Decoded:
        return decode_protobuf(protobuf(body), limits, now_ns=NOW)

    def by_json(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> Decoded:
        return decode_json(json.dumps(body).encode(), limits, now_ns=NOW)

    return by_protobuf if request.param == "protobuf" else by_json


def attributes_of(decode: Decode, attributes: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    return decode(request(span(attributes=pairs(attributes))), limits).records[0].attributes


# What a span looks like


def test_a_whole_span(decode: Decode) -> None:
    whole = span(
        parentSpanId="00f067aa0ba902b7",
        traceState="a=b",
        attributes=pairs({"model": "m"}),
        droppedAttributesCount=2,
        events=[{"timeUnixNano": str(NOW - HOUR), "name": "e", "attributes": pairs({"i": 1})}],
        links=[{"traceId": "11" * 16, "spanId": "22" * 8, "attributes": pairs({"l": True})}],
        status={"code": 2, "message": "boom"},
    )
    decoded = decode(request(whole, resource={"service.name": "bot", "host": "h"}))
    (record,) = decoded.records
    assert (record.trace_id, record.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert record.parent_span_id == "00f067aa0ba902b7"
    assert (record.name, record.kind, record.status, record.status_message) == ("chat", "client", "error", "boom")
    assert (record.start_ns, record.end_ns) == (NOW - HOUR, NOW - HOUR + 1000)
    assert (record.trace_state, record.dropped_attributes) == ("a=b", 2)
    assert record.attributes == {"model": "m"}
    assert [(e.time_ns, e.name, e.attributes) for e in record.events] == [(NOW - HOUR, "e", {"i": 1})]
    assert [(e.trace_id, e.span_id, e.attributes) for e in record.links] == [("11" * 16, "22" * 8, {"l": True})]
    assert (record.resource.service, record.resource.attributes["host"]) == ("bot", "h")
    assert (record.scope.name, record.scope.version) == ("lib", "1")
    assert (decoded.received, decoded.rejected, decoded.messages) == (1, {}, [])


def test_spans_share_their_resource_and_scope(decode: Decode) -> None:
    one, two = decode(request(span(), span(spanId="01" * 8))).records
    assert one.resource is two.resource
    assert one.scope is two.scope


TEXTS = ["", "x", "\x00", "ü" * 100, *("y" * length for length in (126, 127, 128, 200, 15_000, 20_000))]
NUMBERS = [0, 1, 127, 128, 300, 16_383, 16_384, -1, 2**63 - 1, -(2**63), 0.0, 0.5, -1.5e300, math.inf, -math.inf]
OTHERS = [None, True, False, b"", b"\xff\x00", [], ["a", 1, [True, None]], {}, {"a": {"b": [1.5, b"x"]}, "": ""}]


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS, *OTHERS], ids=lambda value: repr(value)[:20])
def test_every_kind_of_value(decode: Decode, value: Any) -> None:
    found = attributes_of(decode, {"key": value, "again": value})
    assert found == {"key": value, "again": value}
    assert type(found["key"]) is type(value)


def test_nan(decode: Decode) -> None:
    found = attributes_of(decode, {"key": math.nan})["key"]
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("length", [0, 1, 100, 126, 127, 128, 129, 130, 400])
def test_keys_of_any_length(decode: Decode, length: int) -> None:
    assert attributes_of(decode, {"k" * length: "v", "k" * length + "2": 5}) == {
        "k" * length: "v",
        "k" * length + "2": 5,
    }


def test_of_a_repeated_key_the_last_counts(decode: Decode) -> None:
    doubled = pairs({"a": 1}) + pairs({"a": "two"})
    assert decode(request(span(attributes=doubled))).records[0].attributes == {"a": "two"}


def test_unknown_enums(decode: Decode) -> None:
    (record,) = decode(request(span(kind=99, status={"code": 7}))).records
    assert (record.kind, record.status) == ("unspecified", "unset")


def test_an_empty_request_has_no_spans(decode: Decode) -> None:
    assert decode({"resourceSpans": []}) == Decoded()
    assert decode(request()) == Decoded()


# Spans that are refused alone


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"traceId": ""}, "trace_id"),
        ({"traceId": "00" * 16}, "trace_id"),
        ({"traceId": "ab" * 15}, "trace_id"),
        ({"traceId": "ab" * 17}, "trace_id"),
        ({"spanId": ""}, "span_id"),
        ({"spanId": "00" * 8}, "span_id"),
        ({"spanId": "ab" * 7}, "span_id"),
        ({"startTimeUnixNano": "0"}, "no_start_time"),
        ({"startTimeUnixNano": "1"}, "time_too_old"),
        ({"startTimeUnixNano": str(NOW + 25 * HOUR)}, "time_in_future"),
        ({"startTimeUnixNano": str(2**64 - 1)}, "time_in_future"),
        ({"endTimeUnixNano": str(9_300_000_000 * 10**9)}, "time_in_future"),
    ],
)
def test_a_bad_span_does_not_cost_its_neighbours(decode: Decode, changed: dict[str, Any], reason: str) -> None:
    decoded = decode(request(span(name="before"), span(**changed), span(name="after")))
    assert [record.name for record in decoded.records] == ["before", "after"]
    assert decoded.rejected == {reason: 1}
    assert decoded.received == 3
    assert len(decoded.messages) == 1
    assert decoded.messages[0].startswith("1 rejected: ")


@pytest.mark.parametrize("start", [NOW + 23 * HOUR, NOW - 20 * 365 * 24 * HOUR])
def test_times_that_can_be_meant(decode: Decode, start: int) -> None:
    changed = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start)}
    assert decode(request(span(**changed))).records[0].start_ns == start


def test_an_end_before_the_start_gives_no_duration(decode: Decode) -> None:
    decoded = decode(request(span(endTimeUnixNano=str(NOW - 2 * HOUR)), span(endTimeUnixNano="0")))
    assert [record.end_ns - record.start_ns for record in decoded.records] == [0, 0]
    # An end that is missing is a span exported while it runs; only a wrong one is worth a warning.
    assert decoded.messages == ["1 changed: spans that end before they begin were given a duration of zero"]


@pytest.mark.parametrize("parent", ["", "00" * 8, "ab" * 4])
def test_a_parent_that_is_none(decode: Decode, parent: str) -> None:
    assert decode(request(span(parentSpanId=parent))).records[0].parent_span_id == ""


def test_times_of_events_that_cannot_be_meant(decode: Decode) -> None:
    events = [{"timeUnixNano": str(time_ns), "name": "e"} for time_ns in (0, 2**64 - 1, NOW)]
    (record,) = decode(request(span(events=events))).records
    assert [event.time_ns for event in record.events] == [record.start_ns, record.start_ns, NOW]


# Limits


def test_attributes_over_the_limit_are_counted_as_dropped(decode: Decode) -> None:
    many = pairs({f"k{i}": i for i in range(8)})
    decoded = decode(request(span(attributes=many, droppedAttributesCount=2)), SMALL)
    assert list(decoded.records[0].attributes) == [f"k{i}" for i in range(5)]
    assert decoded.records[0].dropped_attributes == 5
    assert not decoded.rejected
    assert len(decoded.messages) == 1


def test_a_large_text_is_cut_between_characters(decode: Decode) -> None:
    found = attributes_of(decode, {"big": "x" + "ü" * 10_000, "small": "s"}, SMALL)
    assert found["big"] == "x" + "ü" * 8_191 + CUT
    assert found[TRUNCATED + "big"] == 20_001
    assert found["small"] == "s"


def test_a_large_structure_is_cut(decode: Decode) -> None:
    found = attributes_of(decode, {"big": ["y" * 10_000, "z" * 10_000, "never"]}, SMALL)
    assert found["big"] == ["y" * 10_000, "z" * (16_384 - 10_000) + CUT, CUT]
    assert found[TRUNCATED + "big"] > 20_000
    assert attributes_of(decode, {"b": b"\x01" * 20_000}, SMALL)["b"] == b"\x01" * (16 << 10)


def test_an_entry_that_uses_up_the_limit_keeps_its_name(decode: Decode) -> None:
    found = attributes_of(decode, {"map": {"first": "x" * (17 << 10), "second": 1}}, SMALL)
    assert list(found["map"]) == ["first", CUT]
    assert found["map"]["first"].startswith("xxx")


def test_deep_values_end_in_a_mark(decode: Decode) -> None:
    deep: Any = "bottom"
    for _ in range(10):
        deep = [deep]
    found = attributes_of(decode, {"deep": deep, "flat": 1}, SMALL)
    assert found["deep"] == [[[[CUT]]]]
    assert found["flat"] == 1


def test_entries_of_values_are_limited_of_a_whole_span(decode: Decode) -> None:
    found = attributes_of(decode, {"a": [1] * 40, "b": [2] * 40, "c": {"x": 1}}, SMALL)
    assert found["a"] == [1] * 40
    assert found["b"] == [2] * 10 + [CUT]
    assert found["c"] == {CUT: CUT}


def test_events_links_and_names_over_the_limits(decode: Decode) -> None:
    events = [{"timeUnixNano": str(NOW), "name": "n" * 50}] * 5
    links = [{"traceId": "11" * 16, "spanId": "22" * 8}] * 3 + [{"traceId": "11", "spanId": "22"}]
    decoded = decode(request(span(name="ü" * 50, events=events, links=links, attributes=pairs({"k" * 20: 1}))), SMALL)
    (record,) = decoded.records
    assert record.name == "ü" * 19 + CUT
    assert (len(record.events), record.dropped_events) == (3, 2)
    assert (len(record.links), record.dropped_links) == (2, 2)
    assert record.events[0].name == "n" * 19 + CUT
    assert list(record.attributes) == ["k" * 9 + CUT]


def with_envelope(*spans: dict[str, Any]) -> dict[str, Any]:
    body = request(*spans)
    (resource_spans,) = body["resourceSpans"]
    resource_spans["schemaUrl"] = "https://opentelemetry.io/schemas/1.37.0"
    resource_spans["resource"]["droppedAttributesCount"] = 1
    (scope_spans,) = resource_spans["scopeSpans"]
    scope_spans["schemaUrl"] = "https://opentelemetry.io/schemas/1.38.0"
    scope_spans["scope"]["droppedAttributesCount"] = 2
    return body


def test_flags_schemas_and_what_was_dropped_beside_the_span(decode: Decode) -> None:
    links = [{"traceId": "11" * 16, "spanId": "22" * 8, "flags": 0x301, "droppedAttributesCount": 3}]
    events = [{"timeUnixNano": str(NOW), "name": "e", "droppedAttributesCount": 4}]
    (record,) = decode(with_envelope(span(flags=0x101, links=links, events=events))).records
    assert record.flags == 0x101
    assert (record.resource.schema_url, record.resource.dropped_attributes) == (
        "https://opentelemetry.io/schemas/1.37.0", 1,
    )  # fmt: skip
    assert (record.scope.schema_url, record.scope.dropped_attributes) == ("https://opentelemetry.io/schemas/1.38.0", 2)
    assert [(link.flags, link.dropped_attributes) for link in record.links] == [(0x301, 3)]
    assert [event.dropped_attributes for event in record.events] == [4]


def test_the_schema_is_known_with_the_first_slice() -> None:
    """Encoders write it after the spans, of which the first are handed on before the last are read."""
    body = with_envelope(*[span(spanId=f"{n:016x}") for n in range(1, 1_200)])
    for slices in (protobuf_slices(protobuf(body), now_ns=NOW), json_slices(json.dumps(body).encode(), now_ns=NOW)):
        first = next(iter(slices)).records[0]
        assert (first.resource.schema_url[-6:], first.scope.schema_url[-6:]) == ("1.37.0", "1.38.0")


def test_slices_are_small_and_complete(decode: Decode) -> None:
    body = request(*[span(spanId=f"{i + 1:016x}") for i in range(1200)], span(spanId="00"))
    for slices in (
        list(protobuf_slices(protobuf(body), now_ns=NOW)),
        list(json_slices(json.dumps(body).encode(), now_ns=NOW)),
    ):
        assert [len(part.records) for part in slices] == [512, 512, 176]
        assert [part.received for part in slices] == [512, 512, 177]
        assert [part.rejected.total() for part in slices] == [0, 0, 1]


def test_a_request_made_to_be_laborious_comes_in_small_slices(decode: Decode) -> None:
    many_values = pairs({f"k{i}": [i] * 20 for i in range(300)})
    body = request(*[span(attributes=many_values)] * 4, *[span(spanId="")] * 9_000)
    for slices in (
        list(protobuf_slices(protobuf(body), now_ns=NOW)),
        list(json_slices(json.dumps(body).encode(), now_ns=NOW)),
    ):
        assert max(part.received for part in slices) <= 4_001
        assert [len(part.records) for part in slices][:4] == [1] * 4
        assert sum(part.received for part in slices) == 9_004


def test_a_span_that_is_too_large_is_refused_alone(decode: Decode) -> None:
    huge = span(attributes=pairs({f"k{i}": "x" * 1_000 for i in range(200)}))
    decoded = decode(request(span(name="before"), huge, span(name="after")), replace(SMALL, span_bytes=100_000))
    assert [record.name for record in decoded.records] == ["before", "after"]
    assert decoded.rejected == {"too_large": 1}


# Real exports


@pytest.mark.parametrize("every", range(4))
def test_real_exports_read_the_same_in_both_encodings(every: int) -> None:
    bodies = sorted(directory().glob("*/*.traces.binpb.gz"))[every::20]
    compared = 0
    for path in bodies:
        as_json = path.with_name(path.name.replace(".binpb.", ".json."))
        if not as_json.exists():
            continue
        by_protobuf = decode_protobuf(gzip.decompress(path.read_bytes()))
        by_json = decode_json(gzip.decompress(as_json.read_bytes()))
        assert by_protobuf.records == by_json.records
        assert not by_protobuf.rejected
        assert by_protobuf.received == len(by_protobuf.records) > 0
        compared += 1
    if not compared:
        pytest.skip("no captures here")


def test_now_is_now_by_default() -> None:
    late = span(startTimeUnixNano=str(time.time_ns() + 25 * HOUR))
    assert decode_protobuf(protobuf(request(late))).rejected == {"time_in_future": 1}


def test_nothing_readable_is_an_error() -> None:
    with pytest.raises(InvalidInput):
        decode_protobuf(b"{}")
    with pytest.raises(InvalidInput):
        decode_json(b"")
