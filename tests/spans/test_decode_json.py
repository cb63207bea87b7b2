"""What only JSON can do wrong, and what OTLP asks of it (OTLP, "JSON Protobuf Encoding")."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from decode_requests import HOUR, NOW, pairs, request, span
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracestore.errors import InvalidInput
from tracestore.spans import decode_logs
from tracestore.spans.decode import Decoded, decode_json
from tracestore.spans.decode_limits import CUT


def decode(body: bytes | dict[str, Any]) -> Decoded:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    decoded = decode_json(raw, now_ns=NOW)
    assert decoded.received == len(decoded.records) + decoded.rejected.total()
    return decoded


def attribute(value: dict[str, Any] | None) -> Any:
    (record,) = decode(request(span(attributes=[{"key": "k", "value": value}]))).records
    return record.attributes.get("k", KeyError)


def test_ids_are_hex_in_either_case() -> None:
    (record,) = decode(request(span(traceId="0AF7651916CD43DD8448EB211C80319C", spanId="b7AD6B7169203331"))).records
    assert (record.trace_id, record.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize(
    "wrong", ["CvdlGRbNQ92ESOshHIAxnA==", "zz" * 16, "0af7651916cd43dd8448eb211c8031 9c", "0x" * 16]
)
def test_ids_are_nothing_else(wrong: str) -> None:
    assert decode(request(span(traceId=wrong), span())).rejected == {"trace_id": 1}


def test_enums_are_integers() -> None:
    decoded = decode(request(span(kind="SPAN_KIND_CLIENT"), span(status={"code": "STATUS_CODE_OK"}), span(kind=2)))
    assert decoded.rejected == {"malformed": 2}
    assert decoded.records[0].kind == "server"


def test_names_in_snake_case_are_unknown_fields() -> None:
    snake = span()
    snake["trace_id"] = snake.pop("traceId")
    assert decode(request(snake, span(parent_span_id="11" * 8, anything={"x": [1]}))).rejected == {"trace_id": 1}


def test_null_is_absent() -> None:
    nothing = dict.fromkeys(("attributes", "events", "links", "status", "parentSpanId", "traceState", "kind"))
    (record,) = decode(request(span(**nothing))).records
    assert (record.attributes, record.events, record.status, record.kind) == ({}, [], "unset", "unspecified")
    body = {"resourceSpans": [{"resource": None, "scopeSpans": [{"scope": None, "spans": [span()]}]}]}
    assert decode(body).records[0].resource.service == ""
    assert decode({"resourceSpans": None}) == Decoded()


@pytest.mark.parametrize("as_number", [True, False])
def test_numbers_of_64_bits_come_as_text_or_number(as_number: bool) -> None:
    start = NOW - HOUR + 123_456_789
    shown = int if as_number else str
    one = span(
        startTimeUnixNano=shown(start),
        endTimeUnixNano=shown(start + 1),
        attributes=[{"key": "k", "value": {"intValue": shown(-(2**63))}}],
        droppedAttributesCount=3,
    )
    (record,) = decode(request(one)).records
    assert (record.start_ns, record.end_ns) == (start, start + 1)
    assert record.attributes == {"k": -(2**63)}
    assert record.dropped_attributes == 3


@pytest.mark.parametrize("start", ["abc", "1_0", " 5", "٣", "-5", str(2**64), 1.5, "9" * 100, [], {}])
def test_times_that_are_no_numbers(start: Any) -> None:
    assert decode(request(span(startTimeUnixNano=start), span())).rejected == {"malformed": 1}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"doubleValue": "NaN-"}, KeyError),
        ({"doubleValue": "-Infinity"}, float("-inf")),
        ({"doubleValue": 5}, 5.0),
        ({"doubleValue": "1.5e3"}, 1500.0),
        ({"intValue": 5.0}, 5),
        ({"intValue": str(2**63)}, KeyError),
        ({"intValue": "x"}, KeyError),
        ({"intValue": True}, KeyError),
        ({"bytesValue": "!"}, KeyError),
        ({"bytesValue": "aGk="}, b"hi"),
        ({"stringValue": 5}, KeyError),
        ({"arrayValue": {}}, []),
        ({"arrayValue": [1]}, KeyError),
        ({"kvlistValue": {"values": None}}, {}),
        ({"futureValue": 1}, None),
        ("text", KeyError),
        (None, None),
    ],
)
def test_values(value: Any, read: Any) -> None:
    assert attribute(value) == read


@pytest.mark.parametrize("wrong", [{"k": "v"}, "text", 5, True])
def test_attributes_that_are_no_array_cost_only_their_span(wrong: Any) -> None:
    decoded = decode(request(span(attributes=wrong), span(name="good")))
    assert [record.name for record in decoded.records] == ["good"]
    assert decoded.rejected == {"malformed": 1}


@pytest.mark.parametrize("wrong", [None, 5, "text", [], True])
def test_spans_that_are_no_objects(wrong: Any) -> None:
    decoded = decode(request(wrong, span()))
    assert len(decoded.records) == 1
    assert decoded.rejected == {"malformed": 1}


def test_a_part_that_is_no_object_costs_only_itself() -> None:
    body = request(span())
    body["resourceSpans"] += [5, {"scopeSpans": {}}, {"scopeSpans": [{"spans": "x"}]}]
    decoded = decode(body)
    assert len(decoded.records) == 1
    assert decoded.rejected == {"malformed": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"5",
        b'"x"',
        b"{",
        b'{"resourceSpans": {}}',
        b'{"resourceSpans": [',
        b"\x0a\x05",
        b"\xff",
        b'{"resourceSpans": [5]}',
        b'{"resourceSpans": []} x',
        b'{"resourceLogs": [}',
    ],
)
def test_no_request_at_all(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(body)


def test_a_logs_request_has_no_spans() -> None:
    assert decode(b'{"resourceLogs": [{}]}') == Decoded()


def test_a_byte_order_mark() -> None:
    assert len(decode(b"\xef\xbb\xbf" + json.dumps(request(span())).encode()).records) == 1


def test_text_that_is_not_utf8() -> None:
    body = json.dumps(request(span(name="n?", attributes=pairs({"k?": "v?", "x": 1})), span(name="good"))).encode()
    decoded = decode(body.replace(b"?", b"\xff"))
    assert [record.name for record in decoded.records] == ["n\ufffd", "good"]
    assert decoded.records[0].attributes == {"k\ufffd": "v\ufffd", "x": 1}


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"a\ud83d", "a\ufffd"),
        (r"\ude00b", "\ufffdb"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83dx\ude00", "\ufffdx\ufffd"),
        (r"\\ud83d", r"\ud83d"),
        (r"\ud83d\ude00\u0000", "😀\x00"),
    ],
)
def test_halves_of_surrogate_pairs(escaped: str, read: str) -> None:
    body = json.dumps(request(span(name="NAME", attributes=pairs({"k": "NAME"})))).replace("NAME", escaped)
    (record,) = decode(body.encode()).records
    assert record.name == record.attributes["k"] == read


@pytest.mark.parametrize("levels", [20, 100, 5_000, 50_000])
def test_nesting_without_end(levels: int) -> None:
    opening, closing = '{"arrayValue":{"values":[', "]}}"
    deep = opening * levels + '{"stringValue":"]}\\"{["}' + closing * levels
    body = json.dumps(request(span(attributes=pairs({"deep": "DEEP", "k": "v"})), span()))
    decoded = decode(body.replace('{"stringValue": "DEEP"}', deep).encode())
    assert len(decoded.records) == 2
    found = decoded.records[0].attributes
    assert found["k"] == "v"
    depth, inner = 0, found["deep"]
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    assert (depth, inner) == ((levels, ']}"{[') if levels <= 32 else (32, CUT))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "attributes",
                    "key",
                    "value",
                    "stringValue",
                    "intValue",
                    "arrayValue",
                    "values",
                    "kvlistValue",
                    "events",
                    "links",
                    "status",
                    "code",
                    "name",
                    "kind",
                    "traceId",
                    "spanId",
                    "startTimeUnixNano",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.sampled_from(["request", "resource", "span", "attribute", "event"]))
def test_any_json_at_all(found: Any, place: str) -> None:
    body: Any = request(span(), span(name="good"))
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    match place:
        case "request":
            body = {"resourceSpans": found}
        case "resource":
            body["resourceSpans"][0]["resource"] = found
        case "span":
            spans[0] = found
        case "attribute":
            spans[0]["attributes"] = [{"key": "k", "value": found}]
        case "event":
            spans[0]["events"] = [found]
    try:
        decoded = decode(body)
    except InvalidInput:
        assert place == "request"
        return
    if place != "request":
        assert "good" in [record.name for record in decoded.records]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_at_all(body: bytes) -> None:
    for read in (decode, decode_logs.decode_json, decode_logs.decode_protobuf):
        with contextlib.suppress(InvalidInput):
            read(body)


@pytest.mark.parametrize("sent", [{}, [1], True, "x", -1, 2**40, 1.5, None])
def test_flags_and_schemas_that_are_none_cost_no_span(sent: Any) -> None:
    body = request(span(flags=sent, links=[{"traceId": "11" * 16, "spanId": "22" * 8, "flags": sent}]))
    (resource_spans,) = body["resourceSpans"]
    resource_spans["schemaUrl"] = resource_spans["scopeSpans"][0]["schemaUrl"] = [sent]
    resource_spans["resource"]["droppedAttributesCount"] = {"x": sent}
    (record,) = decode_json(json.dumps(body).encode(), now_ns=NOW).records
    assert (record.flags, record.links[0].flags, record.resource.dropped_attributes) in ((0, 0, 0), (1, 1, 0))
    assert (record.resource.schema_url, record.scope.schema_url) == ("", "")


def test_flags_as_text() -> None:
    (record,) = decode_json(json.dumps(request(span(flags="257"))).encode(), now_ns=NOW).records
    assert record.flags == 257
