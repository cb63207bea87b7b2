"""A project's own prices reach the spans that it sends, and nobody else's."""

from __future__ import annotations

import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from receiving import KEYS, FakeWriter, Loop, Running

from ingest.server import IngestServer, Parts
from tracestore.spans.model import LogRecord
from tracestore.spans.normalise import normalise
from tracestore.spans.own_prices import Overrides, OwnPrice
from tracestore.spans.pricing import Price
from tracestore.spans.resolve import resolve

OWN = {"alpha": Overrides([OwnPrice(5, "house*", Price(1.0, 0.0, 0.0, 0.0, source="project override 5"))])}


def call(number: int, scope: str = "app", **counts: int) -> bytes:
    """One model call of house-7b; those of one number are one call."""
    message = ExportTraceServiceRequest()
    scope_spans = message.resource_spans.add().scope_spans.add()
    scope_spans.scope.name = scope
    now = time.time_ns()
    span = scope_spans.spans.add(name="chat", start_time_unix_nano=now, end_time_unix_nano=now + 10**9)
    span.trace_id, span.span_id = (1).to_bytes(16, "big"), number.to_bytes(8, "big")
    texts = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "house-7b", "gen_ai.response.id": "r"}
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    for key, number_of in counts.items():
        span.attributes.add(key=f"gen_ai.usage.{key}").value.int_value = number_of
    return message.SerializeToString()


@pytest.fixture
def receiver(loop: Loop) -> Running:
    writer = FakeWriter()
    log_writer: FakeWriter[LogRecord] = FakeWriter()
    parts = Parts(writer, log_writer, normalise, resolve, KEYS.get, lambda: None, overrides=OWN.get)

    async def listen() -> IngestServer:
        server = IngestServer(parts)
        await server.start("127.0.0.1", 0, 0)
        return server

    return Running(loop.run(listen()), writer, log_writer, loop)


def test_each_project_has_its_own(receiver: Running) -> None:
    for key in ("sender", "other"):
        assert receiver.post(call(1, input_tokens=3), x_api_key=key).status_code == 200
    receiver.stop()
    assert [(project, span.cost_usd, span.price_source) for project, span in receiver.writer.rows] == [
        ("alpha", 3.0, "project override 5"),
        ("beta", None, ""),
    ]


def test_also_where_two_spans_of_one_call_are_joined(receiver: Running) -> None:
    """The SDK's own span has the exact numbers; what they cost is calculated when they move."""
    both = call(1, input_tokens=3) + call(2, "com.anthropic.sdk.python", input_tokens=4)
    assert receiver.post(both, x_api_key="sender").status_code == 200
    receiver.stop()
    assert sorted((span.type, span.cost_usd) for _, span in receiver.writer.rows) == [("llm", 4.0), ("other", None)]
