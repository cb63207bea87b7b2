"""Each rule of decoding log records, the same for protobuf and JSON."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from decode_requests import HOUR, NOW, pairs, value_of
from log_requests import TIME, log, message, request
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tracestore.errors import InvalidInput
from tracestore.spans import decode_logs
from tracestore.spans.decode_limits import CUT, DEFAULT_LIMITS, TRUNCATED, Limits
from tracestore.spans.decode_logs import DecodedLogs, decode_json, decode_protobuf
from tracestore.spans.model import LogRecord

SMALL = Limits(attributes=5, value_bytes=16 << 10, depth=4, nodes=50, name_chars=20, key_chars=10)

Decode = Callable[..., DecodedLogs]


@pytest.fixture(params=["protobuf", "json"])
def decode(request: pytest.FixtureRequest) -> Decode:
    """Decodes a request given as OTLP/JSON, by way of either encoding, at a fixed time."""

    def by_protobuf(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> DecodedLogs:
        return decode_protobuf(message(body).SerializeToString(), limits, now_ns=NOW)

    def by_json(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> DecodedLogs:
        return decode_json(json.dumps(body).encode(), limits, now_ns=NOW)

    return by_protobuf if request.param == "protobuf" else by_json


def one(decoded: DecodedLogs) -> LogRecord:
    assert (decoded.received, decoded.rejected) == (1, Counter())
    return decoded.records[0]


def test_a_whole_record(decode: Decode) -> None:
    whole = log(
        severityNumber=17,
        severityText="ERROR",
        eventName="gen_ai.choice",
        body=value_of({"message": {"role": "assistant"}, "index": 0}),
        attributes=pairs({"n": 5, "list": ["a", 0.5, None, {"k": True}], "bytes": b"\x00\xff"}),
        droppedAttributesCount=2,
        flags=257,
    )
    decoded = decode(request(whole, resource={"service.name": "bot", "host": "h"}))
    record = one(decoded)
    assert (record.trace_id, record.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert (record.time_ns, record.observed_ns) == (TIME, TIME + 5)
    assert (record.severity_number, record.severity_text, record.event_name) == (17, "ERROR", "gen_ai.choice")
    assert record.body == {"message": {"role": "assistant"}, "index": 0}
    assert record.attributes == {"n": 5, "list": ["a", 0.5, None, {"k": True}], "bytes": b"\x00\xff"}
    assert (record.dropped_attributes, record.trace_flags) == (2, 1)
    assert (record.resource.service, record.resource.attributes["host"]) == ("bot", "h")
    assert (record.scope.name, record.scope.version) == ("lib", "1")
    assert (record.resource_schema_url, record.scope_schema_url) == ("https://resource", "https://scope")
    assert record.size > 50
    assert decoded.messages == []


@pytest.mark.parametrize("body", [None, "text", "", True, 0, -5, 2**62, 0.5, b"\x00", [], ["a", ["b"]], {}, {"k": []}])
def test_bodies_of_every_type(decode: Decode, body: Any) -> None:
    found = one(decode(request(log(body=value_of(body))))).body
    assert (found, type(found)) == (body, type(body))


def test_a_record_that_is_almost_empty(decode: Decode) -> None:
    record = one(decode(request({"observedTimeUnixNano": str(TIME)})))
    assert (record.trace_id, record.span_id, record.body, record.attributes, record.event_name) == (
        "",
        "",
        None,
        {},
        "",
    )
    assert (record.time_ns, record.observed_ns) == (TIME, TIME)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"timeUnixNano": "0", "observedTimeUnixNano": "0"}, "no_time"),
        ({"timeUnixNano": str(10**9)}, "time_too_old"),
        ({"timeUnixNano": "0", "observedTimeUnixNano": "7"}, "time_too_old"),
        ({"timeUnixNano": str(NOW + 25 * HOUR)}, "time_in_future"),
        ({"timeUnixNano": str(2**64 - 1)}, "time_in_future"),
        ({"body": {"stringValue": "x" * (17 << 20)}}, "too_large"),
    ],
)
def test_a_bad_record_is_refused_alone(decode: Decode, changed: dict[str, Any], reason: str) -> None:
    good = [log(body=value_of("first")), log(body=value_of("last"))]
    decoded = decode(request(good[0], log(**changed), good[1]))
    assert [record.body for record in decoded.records] == ["first", "last"]
    assert (decoded.received, decoded.rejected) == (3, Counter({reason: 1}))
    assert decoded.messages == [f"1 rejected: {decode_logs.REASONS[reason]}"]


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({"traceId": "", "spanId": ""}, ("", "")),
        ({"spanId": ""}, (log()["traceId"], "")),
        ({"traceId": "", "spanId": log()["spanId"]}, ("", log()["spanId"])),
        ({"traceId": log()["traceId"].upper()}, (log()["traceId"], log()["spanId"])),
    ],
)
def test_ids_may_be_absent(decode: Decode, changed: dict[str, Any], ids: tuple[str, str]) -> None:
    decoded = decode(request(log(**changed)))
    record = one(decoded)
    assert ((record.trace_id, record.span_id), decoded.warnings) == (ids, Counter())


@pytest.mark.parametrize("bad", ["00" * 16, "ab", "11" * 17])
def test_an_id_that_is_none_is_left_out_and_the_record_kept(decode: Decode, bad: str) -> None:
    decoded = decode(request(log(traceId=bad, spanId="00" * 8)))
    record = one(decoded)
    assert (record.trace_id, record.span_id) == ("", "")
    assert decoded.warnings == Counter(ids_invalid=2)
    assert "no ids" in decoded.messages[0]


def test_an_id_that_is_no_hex() -> None:
    decoded = decode_json(json.dumps(request(log(traceId="CvdlGRbNQ92ESOshHIAxnA=="))).encode(), now_ns=NOW)
    assert (one(decoded).trace_id, decoded.warnings) == ("", Counter(ids_invalid=1))


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"eventName": "e"}, "e"),
        ({"attributes": pairs({"event.name": "older"})}, "older"),
        ({"eventName": "e", "attributes": pairs({"event.name": "older"})}, "e"),
        ({"attributes": pairs({"event.name": 5})}, ""),
        ({"eventName": "e" * 2_000}, "e" * 999 + CUT),
    ],
)
def test_the_name_of_the_event(decode: Decode, changed: dict[str, Any], name: str) -> None:
    assert one(decode(request(log(**changed)))).event_name == name


@pytest.mark.parametrize(("number", "kept"), [(0, 0), (1, 1), (24, 24), (25, 0), (-1, 0), (2**31 - 1, 0)])
def test_severities(decode: Decode, number: int, kept: int) -> None:
    assert one(decode(request(log(severityNumber=number)))).severity_number == kept


def test_an_observed_time_that_cannot_be_meant_is_that_of_the_event(decode: Decode) -> None:
    for observed in (0, 7, NOW + 48 * HOUR):
        assert one(decode(request(log(observedTimeUnixNano=str(observed))))).observed_ns == TIME


def test_the_limits_are_those_of_spans(decode: Decode) -> None:
    deep: Any = "deep"
    for _ in range(10):
        deep = [deep]
    many = log(
        attributes=pairs({f"k{i}": i for i in range(4)} | {"key" * 100: "v", "dropped": "x"}),
        body=value_of(["b" * (32 << 10)]),
    )
    decoded = decode(request(many, log(body=value_of(deep)), log(body=value_of(list(range(100))))), SMALL)
    large, nested, long = decoded.records
    assert large.dropped_attributes == 1
    assert list(large.attributes)[:5] == ["k0", "k1", "k2", "k3", "keykeykey" + CUT]
    assert isinstance(large.body, list)
    assert len(str(large.body[0])) < 20_000
    assert int(str(large.attributes[TRUNCATED + "body"])) > 32 << 10
    assert nested.body == [[[[CUT]]]]
    assert isinstance(long.body, list)
    assert long.body[-1] == CUT
    assert set(decoded.warnings) == {"attributes_over_limit", "value_over_limit", "value_too_deep"}


def test_a_large_request_comes_in_slices(decode: Decode) -> None:
    body = message(request(*[log(body=value_of(i)) for i in range(2_500)])).SerializeToString()
    parts = list(decode_logs.protobuf_slices(body, now_ns=NOW))
    assert [len(part.records) for part in parts] == [1_000, 1_000, 500]
    assert [record.body for part in parts for record in part.records] == list(range(2_500))


def test_invalid_utf8_and_unreadable_values_cost_nobody() -> None:
    made = message(request(log(body=value_of("b?d"), eventName="e?", severityText="?"), log(body=value_of("good"))))
    body = made.SerializeToString().replace(b"b?d", b"b\xffd").replace(b"e?", b"e\xff")
    decoded = decode_protobuf(body, now_ns=NOW)
    assert [(record.body, record.event_name) for record in decoded.records] == [("b�d", "e�"), ("good", "")]
    assert decoded.warnings == Counter(invalid_utf8=2)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"body": "not an AnyValue"}, "attribute_malformed"),
        ({"body": {"intValue": "x"}}, "attribute_malformed"),
        ({"attributes": [5]}, "attribute_malformed"),
    ],
)
def test_json_parts_that_cannot_be_read_are_left_out(part: dict[str, Any], told: str) -> None:
    decoded = decode_json(json.dumps(request(log(**part))).encode(), now_ns=NOW)
    record = one(decoded)
    assert (record.body, record.attributes, decoded.warnings) == (None, {}, Counter({told: 1}))


@pytest.mark.parametrize("bad", [5, {"timeUnixNano": "x"}, {"flags": -1}, {"eventName": 5}, []])
def test_json_records_that_cannot_be_read_are_refused_alone(bad: Any) -> None:
    decoded = decode_json(json.dumps(request(bad, log())).encode(), now_ns=NOW)
    assert (len(decoded.records), decoded.rejected) == (1, Counter(malformed=1))


def test_unknown_fields_are_ignored() -> None:
    body = request(log(newField={"a": 1}))
    body["resourceLogs"][0]["later"] = 1
    assert len(decode_json(json.dumps(body).encode(), now_ns=NOW).records) == 1
    raw = message(request(log())).SerializeToString() + b"\x7a\x03abc"
    assert len(decode_protobuf(raw, now_ns=NOW).records) == 1


@pytest.mark.parametrize("body", [b"\xff\xff", b"hello", b"\x0a\x7f"])
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_protobuf(body)
    with pytest.raises(InvalidInput):
        decode_json(body)


def test_of_a_broken_request_the_beginning_is_kept() -> None:
    body = message(request(*[log(body=value_of(i)) for i in range(10)])).SerializeToString()
    decoded = decode_protobuf(body[: len(body) // 2], now_ns=NOW)
    assert 3 <= len(decoded.records) < 10
    assert decoded.rejected == Counter(malformed=1)


def test_a_request_with_more_parts_than_any_senders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_logs, "MOST_STEPS", 10_000)
    with pytest.raises(InvalidInput):
        decode_protobuf(b"\x10\x01" * 20_000)


def test_what_upb_reads_we_read() -> None:
    """On damaged requests that the official class still accepts, no record is lost from the count."""
    rnd = random.Random(6)
    good = message(
        request(*[log(body=value_of("b"), attributes=pairs({"a": i})) for i in range(5)])
    ).SerializeToString()
    for _ in range(1_000):
        body = bytearray(good)
        body[rnd.randrange(len(body))] ^= 1 << rnd.randrange(8)
        try:
            official = ExportLogsServiceRequest.FromString(bytes(body))
        except Exception:
            with contextlib.suppress(InvalidInput):
                decode_protobuf(bytes(body), now_ns=NOW)
            continue
        count = sum(len(part.log_records) for rl in official.resource_logs for part in rl.scope_logs)
        if count:
            decoded = decode_protobuf(bytes(body), now_ns=NOW)
            assert decoded.received >= count
            assert decoded.received == len(decoded.records) + decoded.rejected.total()
