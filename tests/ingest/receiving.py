"""A real receiver in this process with a store that a test can slow down, break or fill."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc
import requests
import uvloop
import zstandard
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ingest.limits import IngestLimits
from ingest.rate_limit import RatesOf
from ingest.redacting import RedactorOf
from ingest.server import IngestServer, Parts
from tracestore.capture_cut import CutterOf
from tracestore.errors import TracestoreError
from tracestore.keys import Identity
from tracestore.spans.model import LogRecord, Span
from tracestore.token_bucket import Clock

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

Kept = TypeVar("Kept")

KEYS = {
    "sender": Identity("alpha", frozenset({"ingest"})),
    "other": Identity("beta", frozenset({"ingest", "read"})),
    "reader": Identity("alpha", frozenset({"read"})),
}


class FakeWriter(Generic[Kept]):
    """Keeps what it is given. `trouble` is called with each batch first, and may wait or raise."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Kept]] = []
        self.batches: list[int] = []
        self.trouble: Callable[[Sequence[tuple[str, Kept]]], None] = lambda batch: None
        self.writing = 0
        self.most_writing = 0
        self._lock = threading.Lock()

    def write(self, batch: Sequence[tuple[str, Kept]], /) -> None:
        with self._lock:
            self.writing += 1
            self.most_writing = max(self.most_writing, self.writing)
        try:
            self.trouble(batch)
            with self._lock:
                self.rows += batch
                self.batches.append(len(batch))
        finally:
            with self._lock:
                self.writing -= 1

    def names(self) -> list[str]:
        return sorted(span.record.name for _, span in self.rows if isinstance(span, Span))


class Loop:
    """An event loop in a thread, for as long as the tests run."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, Any], timeout: float = 30) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)


@dataclass
class Running:
    """A receiver that listens, and its parts."""

    server: IngestServer
    writer: FakeWriter[Span]
    log_writer: FakeWriter[LogRecord]
    loop: Loop
    ready: list[TracestoreError] = field(default_factory=list)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.server.http_port}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.server.grpc_port}"

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        # A channel of its own for each, not gRPC's shared pool of connections.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(self.grpc, options=options) as channel:
            yield channel

    def call(self, body: bytes, *, method: str = TRACES, timeout: float = 20, **more: Any) -> bytes:
        with self.channel() as channel:
            return bytes(channel.unary_unary(method)(body, timeout=timeout, **more))

    def post(self, body: bytes, *, path: str = "/v1/traces", timeout: float = 20, **headers: str) -> requests.Response:
        named = {"content-type": "application/x-protobuf"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return requests.post(self.http + path, data=body, headers=named, timeout=timeout)

    def ledger(self) -> dict[str, int]:
        return self.server.metrics.ledger()

    def assert_balanced(self, **expected: int) -> None:
        """Every span received is stored, deduplicated, rejected or refused; and what is stored was written."""
        wait_until(lambda: balanced(self.ledger()))
        ledger = self.ledger()
        assert {name: ledger[name] for name in expected} == expected
        assert ledger["stored"] + ledger["deduplicated"] == len(self.writer.rows)

    def assert_logs_balanced(self, **expected: int) -> None:
        """The same for log records."""
        sums = self.server.metrics.log_ledger.sums
        wait_until(lambda: balanced(sums()))
        assert {name: sums()[name] for name in expected} == expected
        assert sums()["stored"] == len(self.log_writer.rows)

    def stop(self) -> None:
        self.loop.run(self.server.stop())


def balanced(ledger: dict[str, int]) -> bool:
    """Whether every one that was received has exactly one outcome."""
    return ledger["received"] == sum(number for outcome, number in ledger.items() if outcome != "received")


def wait_until(true: Callable[[], object], within: float = 10) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def start(
    loop: Loop,
    *,
    require_key: bool = False,
    redactors: RedactorOf = lambda project: None,
    cutters: CutterOf = lambda project: None,
    normalise: Callable[..., Span] = Span,
    rates: RatesOf = lambda project: None,
    clock: Clock = time.monotonic,
    attribute_names: int = 0,
    **limits: Any,
) -> Running:
    writer: FakeWriter[Span] = FakeWriter()
    log_writer: FakeWriter[LogRecord] = FakeWriter()
    ready: list[TracestoreError] = []

    def check_ready() -> None:
        if ready:
            raise ready[0]

    parts = Parts(
        writer=writer,
        log_writer=log_writer,
        normalise=normalise,
        resolve=lambda spans: spans,
        identify=KEYS.get,
        check_ready=check_ready,
        redactors=redactors,
        cutters=cutters,
        rates=rates,
        clock=clock,
        attribute_names=attribute_names,
        require_key=require_key,
        limits=IngestLimits(**limits),
    )

    async def listen() -> IngestServer:
        server = IngestServer(parts)
        await server.start("127.0.0.1", 0, 0)
        return server

    return Running(loop.run(listen()), writer, log_writer, loop, ready)


_next_id = 0


def request(*names: str, bad: int = 0, size: int = 0) -> ExportTraceServiceRequest:
    """A request with spans of these names, `bad` ones without ids after the first, each of some size."""
    global _next_id
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "bot"
    scope_spans = resource_spans.scope_spans.add()
    now = time.time_ns()
    for name in [*names[:1], *["bad"] * bad, *names[1:]]:
        _next_id += 1
        span = scope_spans.spans.add(name=name, start_time_unix_nano=now, end_time_unix_nano=now + 1000)
        span.trace_id, span.span_id = (1).to_bytes(16, "big"), _next_id.to_bytes(8, "big")
        span.attributes.add(key="text").value.string_value = "x" * size
        if name == "bad":
            span.span_id = b""
    return message


def body_of(*names: str, bad: int = 0, size: int = 0) -> bytes:
    return request(*names, bad=bad, size=size).SerializeToString()


def json_of(message: ExportTraceServiceRequest) -> bytes:
    """OTLP/JSON of the requests made here."""
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": span.trace_id.hex(),
                                    "spanId": span.span_id.hex(),
                                    "name": span.name,
                                    "startTimeUnixNano": str(span.start_time_unix_nano),
                                    "endTimeUnixNano": str(span.end_time_unix_nano),
                                    "attributes": [
                                        {"key": pair.key, "value": {"stringValue": pair.value.string_value}}
                                        for pair in span.attributes
                                    ],
                                }
                                for span in scope_spans.spans
                            ]
                        }
                        for scope_spans in resource_spans.scope_spans
                    ]
                }
                for resource_spans in message.resource_spans
            ]
        }
    ).encode()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def partial(answer: bytes) -> tuple[bool, int, str]:
    """Whether partial_success is set, the rejected spans and the message of a gRPC answer."""
    response = ExportTraceServiceResponse.FromString(answer)
    success = response.partial_success
    return response.HasField("partial_success"), success.rejected_spans, success.error_message


def partial_logs(answer: bytes) -> tuple[int, str]:
    success = ExportLogsServiceResponse.FromString(answer).partial_success
    return success.rejected_log_records, success.error_message


def details(error: grpc.RpcError) -> tuple[Status, dict[str, bytes]]:
    """google.rpc.Status and all trailing metadata of a failed call."""
    trailing = dict(error.trailing_metadata())
    return Status.FromString(trailing["grpc-status-details-bin"]), trailing


def retry_delay(status: Status) -> float | None:
    """The delay in a Status, None when it has no RetryInfo."""
    info = RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None
