"""The load must be what it says: valid requests, new ids each time, the same in each encoding, on loopback only."""

from __future__ import annotations

import time

import pytest

from benchmarks.load import Target
from benchmarks.otlp_requests import SHAPES, JsonTemplate, Template, build
from tracestore.spans.decode import decode_json, decode_protobuf


@pytest.mark.parametrize("template", [Template, JsonTemplate])
def test_a_renewed_request_is_whole_and_its_ids_are_new(template: type[Template] | type[JsonTemplate]) -> None:
    decode = decode_protobuf if template is Template else decode_json
    request = template(build(SHAPES["small"], 1, spans=32))
    first, second = (decode(request.renew(number)).records for number in (0x1122334455667788, 7))
    assert len(first) == len(second) == 32
    assert {record.trace_id[:16] for record in first} == {"1122334455667788"}
    assert not {record.span_id for record in first} & {record.span_id for record in second}
    assert len({record.span_id for record in first}) == 32
    for records in (first, second):
        spans = {record.span_id: record for record in records}
        children = [record for record in records if record.parent_span_id]
        assert len(children) == 30
        assert all(spans[child.parent_span_id].trace_id == child.trace_id for child in children)
        assert all(0 < record.end_ns - record.start_ns <= 3 * 10**9 for record in records)
        assert all(abs(time.time_ns() - record.start_ns) < 60 * 10**9 for record in records)


def test_conversations_change_after_their_turns() -> None:
    request = Template(build(SHAPES["small"], 1, spans=64), turns=2)
    seen = []
    for number in range(4):
        records = decode_protobuf(request.renew(number)).records
        seen.append({dict(record.attributes).get("gen_ai.conversation.id") for record in records} - {None})
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert len(seen[0]) == len(seen[2]) == 4
    assert seen[0] != seen[2]


def test_both_encodings_say_the_same() -> None:
    request = build(SHAPES["realistic"], 2, spans=16)
    protobuf, json = (
        decode_protobuf(Template(request).renew(5)).records,
        decode_json(JsonTemplate(request).renew(5)).records,
    )
    for left, right in zip(protobuf, json, strict=True):
        assert (left.trace_id, left.span_id, left.parent_span_id, left.name, left.kind) == (
            right.trace_id, right.span_id, right.parent_span_id, right.name, right.kind,
        )  # fmt: skip
        assert dict(left.attributes) == dict(right.attributes)


@pytest.mark.parametrize(
    "endpoint", ["10.0.0.1:4317", "example.com:4317", "127.0.0.1", "127.0.0.1:", "127.0.0.1.example:1"]
)
def test_nothing_is_sent_to_other_machines(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint: expected host:port on loopback"):
        Target(endpoint)


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(ValueError, match="protocol: expected one of grpc"):
        Target("127.0.0.1:1", "udp")
