"""Log records, over each transport and encoding: OK means stored, and the ledger balances."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from receiving import COMPRESS, LOGS, Running, details, partial_logs, retry_delay, wait_until

from tracestore.errors import InvalidInput, Unavailable
from tracestore.spans.model import LogRecord

Start = Callable[..., Running]
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def logs(*bodies: str, bad: int = 0) -> ExportLogsServiceRequest:
    """A request with records of these bodies, and `bad` ones without a time after the first."""
    message = ExportLogsServiceRequest()
    resource_logs = message.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "bot"
    records = resource_logs.scope_logs.add().log_records
    for body in [*bodies[:1], *["bad"] * bad, *bodies[1:]]:
        record = records.add(time_unix_nano=0 if body == "bad" else time.time_ns())
        record.body.string_value = body
    return message


def body_of(*bodies: str, bad: int = 0) -> bytes:
    return logs(*bodies, bad=bad).SerializeToString()


def json_of(message: ExportLogsServiceRequest) -> bytes:
    return json.dumps(MessageToDict(message)).encode()


def stored(receiver: Running) -> list[str]:
    return sorted(str(record.body) for _, record in receiver.log_writer.rows)


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_http(receiver: Running, compression: str, content_type: str) -> None:
    message = logs("one", "two")
    body = message.SerializeToString() if content_type == PROTOBUF else json_of(message)
    answer = receiver.post(
        COMPRESS[compression](body), path="/v1/logs", content_type=content_type, content_encoding=compression
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.content == (b"" if content_type == PROTOBUF else b"{}")  # partial_success unset
    assert stored(receiver) == ["one", "two"]
    assert {(project, record.resource.service) for project, record in receiver.log_writer.rows} == {("default", "bot")}
    receiver.assert_logs_balanced(received=2, stored=2)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_grpc(receiver: Running, compression: grpc.Compression) -> None:
    assert receiver.call(body_of("one", "two"), method=LOGS, compression=compression) == b""
    assert stored(receiver) == ["one", "two"]
    receiver.assert_logs_balanced(received=2, stored=2)


def test_partial_success(receiver: Running) -> None:
    told = "2 rejected: time_unix_nano and observed_time_unix_nano are both missing"
    message = logs("one", "two", bad=2)
    assert partial_logs(receiver.call(message.SerializeToString(), method=LOGS)) == (2, told)
    assert partial_logs(receiver.post(message.SerializeToString(), path="/v1/logs").content) == (2, told)
    answer = receiver.post(json_of(message), path="/v1/logs", content_type=JSON)
    assert answer.json() == {"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": told}}
    receiver.assert_logs_balanced(received=12, stored=6, rejected=6, refused=0)
    page = requests.get(receiver.http + "/metrics", timeout=5).text
    for line in (
        'tracestore_ingest_log_records_total{outcome="received",reason=""} 12.0',
        'tracestore_ingest_log_records_total{outcome="stored",reason=""} 6.0',
        'tracestore_ingest_log_records_total{outcome="rejected",reason="no_time"} 6.0',
    ):
        assert line in page
    receiver.assert_balanced(received=0)


def test_nothing_to_store(receiver: Running) -> None:
    assert receiver.call(b"", method=LOGS) == b""
    assert receiver.post(b"{}", path="/v1/logs", content_type=JSON).json() == {}
    assert receiver.post(b"hello", path="/v1/logs").status_code == 400
    assert receiver.post(b"hello", path="/v1/logs", content_type=JSON).status_code == 400
    receiver.assert_logs_balanced(received=0)


def test_the_key_names_the_project(receiver: Running) -> None:
    assert receiver.post(body_of("one"), path="/v1/logs", x_api_key="sender").status_code == 200
    receiver.call(body_of("two"), method=LOGS, metadata=(("x-api-key", "other"),))
    assert receiver.post(body_of("three"), path="/v1/logs", x_api_key="reader").status_code == 403
    assert [(project, record.body) for project, record in receiver.log_writer.rows] == [
        ("alpha", "one"),
        ("beta", "two"),
    ]


def test_a_store_that_was_only_restarting(start: Start) -> None:
    receiver = start(retry_s=0.01)
    tries: list[int] = []

    def fail_once(batch: Sequence[tuple[str, LogRecord]]) -> None:
        tries.append(len(batch))
        if len(tries) == 1:
            raise Unavailable("down")

    receiver.log_writer.trouble = fail_once
    assert receiver.post(body_of("one"), path="/v1/logs").status_code == 200
    assert tries == [1, 1]
    receiver.assert_logs_balanced(received=1, stored=1)


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("a defect")])
def test_a_store_that_does_not_answer(start: Start, error: Exception) -> None:
    """The sender is told to try again, the same way as with spans."""
    receiver = start(retry_s=0.01)

    def fail(batch: Sequence[tuple[str, LogRecord]]) -> None:
        raise error

    receiver.log_writer.trouble = fail
    answer = receiver.post(body_of("one", "two", bad=1), path="/v1/logs")
    assert (answer.status_code, 1 <= int(answer.headers["retry-after"]) <= 10) == (503, True)
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(body_of("three"), method=LOGS)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert retry_delay(details(caught.value)[0])
    receiver.assert_logs_balanced(received=4, stored=0, rejected=1, refused=3)


def test_a_store_that_hangs(start: Start) -> None:
    receiver = start(answer_s=0.2)
    go_on = threading.Event()
    receiver.log_writer.trouble = lambda batch: go_on.wait(10) and None
    assert receiver.post(body_of("one"), path="/v1/logs").status_code == 503
    go_on.set()
    receiver.assert_logs_balanced(received=1, stored=1)


def test_records_that_the_store_refuses_cost_nobody_else(receiver: Running) -> None:
    def refuse(batch: Sequence[tuple[str, LogRecord]]) -> None:
        if any(record.body in ("guilty", "too") for _, record in batch):
            raise InvalidInput("no")

    receiver.log_writer.trouble = refuse
    bodies = [f"good{i}" for i in range(20)]
    answer = receiver.call(body_of(*bodies[:7], "guilty", *bodies[7:], "too"), method=LOGS)
    assert partial_logs(answer) == (2, "2 rejected: the store refuses the log record")
    assert stored(receiver) == sorted(bodies)
    receiver.assert_logs_balanced(received=22, stored=20, rejected=2)


def test_finding_the_guilty_has_an_end(start: Start) -> None:
    receiver = start(bisect_writes=4)

    def refuse(batch: Sequence[tuple[str, LogRecord]]) -> None:
        raise InvalidInput("no")

    receiver.log_writer.trouble = refuse
    assert partial_logs(receiver.call(body_of(*["x"] * 64), method=LOGS))[0] == 64
    receiver.assert_logs_balanced(received=64, stored=0, rejected=64)


def test_exports_that_come_together_are_written_together(receiver: Running) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hold(batch: Sequence[tuple[str, LogRecord]]) -> None:
        entered.set()
        go_on.wait(10)

    receiver.log_writer.trouble = hold
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(receiver.call, body_of("first"), method=LOGS)
        assert entered.wait(5)
        others = [pool.submit(receiver.call, body_of(f"other{i}"), method=LOGS) for i in range(8)]
        wait_until(lambda: receiver.server.metrics.log_ledger.sums()["received"] == 9)
        go_on.set()
        assert [call.result() for call in (first, *others)] == [b""] * 9
    assert receiver.log_writer.batches == [1, 8]
    receiver.assert_logs_balanced(received=9, stored=9)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_a_sender_that_leaves_takes_its_queued_records_along(receiver: Running, transport: str) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hold(batch: Sequence[tuple[str, LogRecord]]) -> None:
        entered.set()
        go_on.wait(10)

    receiver.log_writer.trouble = hold
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(receiver.call, body_of("first"), method=LOGS)
        assert entered.wait(5)
        if transport == "grpc":
            with pytest.raises(grpc.RpcError):
                receiver.call(body_of("second"), method=LOGS, timeout=0.3)
        else:
            with pytest.raises(requests.Timeout):
                receiver.post(body_of("second"), path="/v1/logs", timeout=0.3)
        wait_until(lambda: receiver.server.metrics.log_ledger.sums()["refused"] == 1)
        go_on.set()
        assert first.result() == b""
    receiver.assert_logs_balanced(received=2, stored=1, refused=1)


def test_stopping_answers_and_stores_what_is_under_way(start: Start) -> None:
    receiver = start()
    entered, go_on = threading.Event(), threading.Event()

    def hold(batch: Any) -> None:
        entered.set()
        go_on.wait(10)

    receiver.log_writer.trouble = hold
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(receiver.post, body_of("one"), path="/v1/logs")
        assert entered.wait(5)
        stopping = pool.submit(receiver.stop)
        time.sleep(0.1)
        go_on.set()
        stopping.result()
        assert answer.result().status_code == 200
    receiver.assert_logs_balanced(received=1, stored=1)


def test_a_large_export_is_answered_once(receiver: Running) -> None:
    assert receiver.call(body_of(*[f"log{i}" for i in range(5_000)]), method=LOGS) == b""
    assert max(receiver.log_writer.batches) <= 1_000
    receiver.assert_logs_balanced(received=5_000, stored=5_000)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_official_exporters(receiver: Running, transport: str) -> None:
    exporter = (
        GrpcExporter(receiver.grpc, insecure=True)
        if transport == "grpc"
        else HttpExporter(receiver.http + "/v1/logs", compression=Compression.Gzip)
    )
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    attributes = {"gen_ai.input.messages": [{"role": "user", "parts": [{"content": "hi"}]}], "n": 7}
    provider.get_logger("lib").emit(
        event_name="gen_ai.choice", body={"message": {"content": "yes"}}, attributes=attributes
    )
    provider.shutdown()
    ((_, record),) = receiver.log_writer.rows
    assert (record.event_name, record.body) == ("gen_ai.choice", {"message": {"content": "yes"}})
    assert record.attributes == attributes
    assert record.scope.name == "lib"
    receiver.assert_logs_balanced(received=1, stored=1)
