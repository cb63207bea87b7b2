"""What only protobuf can do wrong: broken framing, invalid UTF-8, nesting without end."""

from __future__ import annotations

import random
from typing import Any

import pytest
from decode_requests import NOW, pairs, protobuf, request, span
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from tracestore.errors import InvalidInput
from tracestore.spans.decode import Decoded, decode_protobuf
from tracestore.spans.decode_limits import CUT
from tracestore.spans.decode_wire import HEAD, PARTS, REQUEST_PARTS, SCHEMA, SCHEMA_URL


def decode(body: bytes) -> Decoded:
    decoded = decode_protobuf(body, now_ns=NOW)
    assert decoded.received == len(decoded.records) + decoded.rejected.total()
    return decoded


def test_our_schema_has_the_field_numbers_of_the_official_one() -> None:
    official = {
        "Resource": resource_pb2.Resource,
        "InstrumentationScope": common_pb2.InstrumentationScope,
        "Span": trace_pb2.Span,
        "Event": trace_pb2.Span.Event,
        "Link": trace_pb2.Span.Link,
        "Status": trace_pb2.Status,
        "LogRecord": logs_pb2.LogRecord,
    }
    for name, message in official.items():
        for field, (number, kind, repeated) in SCHEMA[name].items():
            described = message.DESCRIPTOR.fields_by_name[field]
            assert described.number == number, f"{name}.{field}"
            assert described.is_repeated == repeated
            if kind in (13, 5, 7, 6):  # the scalars we do read; strings and messages are bytes to us
                assert described.type == kind or described.enum_type is not None


def test_the_containers_have_the_field_numbers_that_we_walk() -> None:
    def number(message: Any, field: str) -> int:
        return int(message.DESCRIPTOR.fields_by_name[field].number)

    assert number(trace_service_pb2.ExportTraceServiceRequest, "resource_spans") == REQUEST_PARTS
    assert number(logs_service_pb2.ExportLogsServiceRequest, "resource_logs") == REQUEST_PARTS
    assert HEAD == number(trace_pb2.ResourceSpans, "resource") == number(trace_pb2.ScopeSpans, "scope")
    assert PARTS == number(trace_pb2.ResourceSpans, "scope_spans") == number(trace_pb2.ScopeSpans, "spans")
    assert HEAD == number(logs_pb2.ResourceLogs, "resource") == number(logs_pb2.ScopeLogs, "scope")
    assert SCHEMA_URL == number(trace_pb2.ResourceSpans, "schema_url") == number(trace_pb2.ScopeSpans, "schema_url")
    assert SCHEMA_URL == number(logs_pb2.ResourceLogs, "schema_url") == number(logs_pb2.ScopeLogs, "schema_url")
    assert PARTS == number(logs_pb2.ResourceLogs, "scope_logs") == number(logs_pb2.ScopeLogs, "log_records")


def test_invalid_utf8_anywhere_is_replaced_and_costs_nobody() -> None:
    body = protobuf(
        request(
            span(name="good"),
            span(name="bad?name", attributes=pairs({"k?y": "v?lue", "long": "?" * 300, "list": ["?"]})),
            span(name="also good", status={"message": "?"}),
        )
    )
    decoded = decode(body.replace(b"?", b"\xff"))
    assert [record.name for record in decoded.records] == ["good", "bad\ufffdname", "also good"]
    assert decoded.records[1].attributes == {"k\ufffdy": "v\ufffdlue", "long": "\ufffd" * 300, "list": ["\ufffd"]}
    assert decoded.records[2].status_message == "\ufffd"
    assert not decoded.rejected
    assert decoded.messages == ["6 changed: invalid UTF-8 was replaced by U+FFFD"]


@pytest.mark.parametrize("levels", [33, 100, 20_000])
def test_a_value_that_is_too_deep_costs_nobody(levels: int) -> None:
    value = common_pb2.AnyValue(string_value="bottom").SerializeToString()
    for _ in range(levels):
        array = field(1, value)
        value = field(5, array)
    deep = (
        span_bytes() + field(9, field(1, b"deep") + field(2, value)) + field(9, field(1, b"k") + field(2, b"\x18\x05"))
    )
    decoded = decode(field(1, field(2, field(2, span_bytes()) + field(2, deep))))
    assert len(decoded.records) == 2
    found = decoded.records[1].attributes
    assert found["k"] == 5
    depth, inner = 0, found["deep"]
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    assert (depth, inner) == (32, CUT)


def test_a_span_with_broken_framing_is_refused_alone() -> None:
    broken = span_bytes() + b"\x4a\xff\x01x"  # an attribute that is longer than the span
    decoded = decode(field(1, field(2, field(2, span_bytes()) + field(2, broken) + field(2, span_bytes()))))
    assert len(decoded.records) == 2
    assert decoded.rejected == {"malformed": 1}


def test_an_attribute_with_broken_framing_is_dropped_alone() -> None:
    odd = span_bytes() + field(9, b"\x0a\x09k") + field(9, field(1, b"k") + field(2, b"\x0a\x01v"))
    decoded = decode(field(1, field(2, field(2, odd))))
    assert decoded.records[0].attributes == {"k": "v"}
    assert decoded.messages == ["1 changed: attributes that cannot be read were dropped"]


def test_what_precedes_a_break_is_kept() -> None:
    body = protobuf(request(*[span(spanId=f"{i + 1:016x}") for i in range(10)]))
    sizes = {len(decode(body[:end]).records) for end in range(len(body) // 2, len(body))}
    assert sizes == set(range(min(sizes), 10))
    assert decode(body[:-5]).rejected == {"malformed": 1}
    assert decode(body + b"\x0a").rejected == {"malformed": 1}


def test_unknown_fields_are_ignored() -> None:
    extra = field(77, b"x") + b"\xf8\x04\x01"
    body = field(1, field(2, field(2, span_bytes() + extra) + extra) + extra) + extra
    assert len(decode(body).records) == 1


def test_value_before_key_and_long_varints() -> None:
    swapped = field(2, b"\x0a\x01v") + field(1, b"k")
    padded = b"\x0a\x81\x00p" + b"\x12\x83\x80\x00\x0a\x01w"
    (record,) = decode(field(1, field(2, field(2, span_bytes() + field(9, swapped) + field(9, padded))))).records
    assert record.attributes == {"k": "v", "p": "w"}


@pytest.mark.parametrize("body", [b"\x00", b"{}", b"hello", b"\x0a\x05", b"\xff" * 50, b"\x0b", b"\x08"])
def test_no_request_at_all(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(body)


def test_any_bytes_at_all() -> None:
    """Neither noise nor damage to a good request raises anything but InvalidInput."""
    rnd = random.Random(5)
    whole = request(
        span(attributes=pairs({"a": "b" * 200, "n": 5, "l": [1, {"x": b"y"}], "f": 1.5})),
        span(events=[{"timeUnixNano": "5", "name": "e", "attributes": pairs({"a": True})}]),
        span(links=[{"traceId": "11" * 16, "spanId": "22" * 8}], status={"code": 2, "message": "m"}),
    )
    good = protobuf(whole)
    assert len(decode(good).records) == 3
    for _ in range(4_000):
        body = bytearray(good)
        for _ in range(rnd.choice((1, 1, 2, 5, 20))):
            at = rnd.randrange(len(body))
            match rnd.randrange(4):
                case 0:
                    body[at] = rnd.randrange(256)
                case 1:
                    body[at] ^= 1 << rnd.randrange(8)
                case 2:
                    del body[at : at + rnd.randrange(1, 5)]
                case 3:
                    body[at:at] = rnd.randbytes(rnd.randrange(1, 5))
        check(bytes(body))
    for _ in range(2_000):
        check(rnd.randbytes(rnd.randrange(200)))


def check(body: bytes) -> None:
    try:
        decoded = decode(body)
    except InvalidInput:
        return
    for record in decoded.records:
        repr(record).encode()  # every text is text that can be stored
        assert len(record.trace_id) == 32
        assert record.end_ns >= record.start_ns


def test_what_upb_reads_we_read() -> None:
    """On damaged requests that the official class still accepts, no span is lost."""
    rnd = random.Random(6)
    good = protobuf(request(*[span(spanId=f"{i + 1:016x}", attributes=pairs({"a": "b"})) for i in range(5)]))
    for _ in range(1_000):
        body = bytearray(good)
        body[rnd.randrange(len(body))] ^= 1 << rnd.randrange(8)
        try:
            official = ExportTraceServiceRequest.FromString(bytes(body))
        except Exception:
            continue
        count = sum(len(part.spans) for rs in official.resource_spans for part in rs.scope_spans)
        if count:
            assert decode(bytes(body)).received >= count


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def span_bytes() -> bytes:
    message = ExportTraceServiceRequest.FromString(protobuf(request(span())))
    return message.resource_spans[0].scope_spans[0].spans[0].SerializeToString()
