"""Secrets never reach the writer, whatever transport, encoding or signal they came by."""

from __future__ import annotations

import json
import time

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from receiving import Loop, Running, start

from tracestore.spans.redaction.apply import Redactor

SECRET = "sk-proj-4f8a1c9e7b2d6035af12"


@pytest.fixture
def receiver(loop: Loop) -> Running:
    redactor = Redactor()
    return start(loop, redactors=lambda project: redactor)


def request() -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    now = time.time_ns()
    for number in (1, 2):
        span = spans.add(name="call", start_time_unix_nano=now, end_time_unix_nano=now + 1)
        span.trace_id, span.span_id = (7).to_bytes(16, "big"), number.to_bytes(8, "big")
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 12
        span.attributes.add(key="note").value.string_value = f"the key is {SECRET}" if number == 1 else "nothing"
    return message


def taken(receiver: Running, rule: str) -> float:
    return receiver.server.metrics.registry.get_sample_value("tracestore_redactions_total", {"rule": rule}) or 0.0


def test_protobuf(receiver: Running) -> None:
    assert receiver.post(request().SerializeToString()).status_code == 200
    notes = [span.record.attributes["note"] for _, span in receiver.writer.rows]
    assert notes == ["the key is [redacted:api_key]", "nothing"]
    assert [span.record.attributes["gen_ai.usage.input_tokens"] for _, span in receiver.writer.rows] == [12, 12]
    assert taken(receiver, "api_key") == 1


def test_a_secret_of_the_resource_is_taken_from_every_span(receiver: Running) -> None:
    message = request()
    message.resource_spans[0].resource.attributes.add(key="deploy.password").value.string_value = "hunter2hunter2"
    assert receiver.post(message.SerializeToString()).status_code == 200
    assert {str(span.record.resource.attributes) for _, span in receiver.writer.rows} == {
        "{'deploy.password': '[redacted:secret_key]'}"
    }


@pytest.mark.parametrize("part", ["resource", "scope"])
def test_a_secret_of_a_schema_is_taken(receiver: Running, part: str) -> None:
    message = request()
    resource_spans = message.resource_spans[0]
    of = resource_spans if part == "resource" else resource_spans.scope_spans[0]
    of.schema_url = f"https://example.org/?key={SECRET}"
    assert receiver.post(message.SerializeToString()).status_code == 200
    for _, span in receiver.writer.rows:
        holder = span.record.resource if part == "resource" else span.record.scope
        assert holder.schema_url.startswith("https://example.org/?key=[redacted:")
        assert SECRET not in str(span.record)


def test_json(receiver: Running) -> None:
    span = {
        "traceId": "07" * 16, "spanId": "01" * 8, "name": "call", "startTimeUnixNano": str(time.time_ns()),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": "note", "value": {"stringValue": f"Bearer {SECRET}"}}],
    }  # fmt: skip
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert receiver.post(body, content_type="application/json").status_code == 200
    ((_, kept),) = receiver.writer.rows
    assert SECRET not in str(kept.record)


def test_logs(receiver: Running) -> None:
    message = ExportLogsServiceRequest()
    of_resource = message.resource_logs.add(schema_url=f"https://example.org/?key={SECRET}")
    of_scope = of_resource.scope_logs.add(schema_url=f"https://example.org/?key={SECRET}")
    of_scope.scope.name = f"lib {SECRET}"
    record = of_scope.log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = f"using {SECRET}"
    record.attributes.add(key="api_key").value.string_value = "0123456789abcdef"
    assert receiver.post(message.SerializeToString(), path="/v1/logs").status_code == 200
    ((_, kept),) = receiver.log_writer.rows
    assert kept.body == "using [redacted:api_key]"
    assert kept.attributes == {"api_key": "[redacted:secret_key]"}
    assert SECRET not in str(kept)
