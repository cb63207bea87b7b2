"""How much a project keeps counts for whatever transport and encoding it came by, for traces and logs."""

from __future__ import annotations

import json
import time

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from receiving import LOGS, Loop, Running, request, start

from tracestore.capture_cut import Cutter
from tracestore.errors import Unavailable
from tracestore.spans.normalise import normalise

SAID = "what the user asked"


@pytest.fixture
def receiver(loop: Loop) -> Running:
    cutter = Cutter("off", b"key")
    return start(loop, cutters=lambda project: cutter, normalise=normalise)


def traces() -> ExportTraceServiceRequest:
    message = request("call")
    span = message.resource_spans[0].scope_spans[0].spans[0]
    for name in ("input.value", "question"):
        span.attributes.add(key=name).value.string_value = SAID
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 12
    return message


def logs() -> ExportLogsServiceRequest:
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = SAID
    record.attributes.add(key="note").value.string_value = SAID
    return message


def test_traces_by_each_way(receiver: Running) -> None:
    receiver.call(traces().SerializeToString())
    assert receiver.post(traces().SerializeToString()).status_code == 200
    span = {
        "traceId": "07" * 16, "spanId": "01" * 8, "name": "call", "startTimeUnixNano": str(time.time_ns()),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": "question", "value": {"stringValue": SAID}}],
    }  # fmt: skip
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert receiver.post(body, content_type="application/json").status_code == 200
    assert len(receiver.writer.rows) == 3
    assert SAID not in str(receiver.writer.rows)
    assert receiver.writer.rows[0][1].record.attributes["gen_ai.usage.input_tokens"] == 12
    assert receiver.writer.rows[0][1].input_bytes == len(SAID)


def test_logs_by_each_way(receiver: Running) -> None:
    receiver.call(logs().SerializeToString(), method=LOGS)
    assert receiver.post(logs().SerializeToString(), path="/v1/logs").status_code == 200
    assert len(receiver.log_writer.rows) == 2
    assert SAID not in str(receiver.log_writer.rows)


def test_a_batch_that_is_written_again_is_the_same(receiver: Running) -> None:
    tries: list[str] = []

    def once(batch: object) -> None:
        tries.append(str(batch))
        if len(tries) == 1:
            raise Unavailable("the store restarts")

    receiver.writer.trouble = once
    assert receiver.post(traces().SerializeToString()).status_code == 200
    assert tries[0] == tries[1]


def test_nothing_is_taken_in_before_the_modes_are_known(loop: Loop) -> None:
    def unknown(project: str) -> None:
        raise Unavailable("the settings of projects cannot be read yet; nothing was stored")

    receiver = start(loop, cutters=unknown, retry_s=0.01)
    assert receiver.post(traces().SerializeToString()).status_code == 503
    assert receiver.post(logs().SerializeToString(), path="/v1/logs").status_code == 503
    with pytest.raises(grpc.RpcError) as refused:
        receiver.call(logs().SerializeToString(), method=LOGS)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert receiver.writer.rows == []
    assert receiver.log_writer.rows == []
    receiver.assert_balanced(refused=1)
    receiver.assert_logs_balanced(received=0)
