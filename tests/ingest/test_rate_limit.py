"""Limits of projects: the arithmetic, what senders are told, and that one project's flood is its own affair."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from prometheus_client import CollectorRegistry, Counter
from receiving import KEYS, LOGS, TRACES, FakeWriter, Running, body_of, details, retry_delay, wait_until

from ingest.rate_limit import RateLimits
from ingest.server import IngestServer, Parts
from tracestore.errors import Overloaded
from tracestore.rates import Rates
from tracestore.spans.model import Span

Start = Callable[..., Running]


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limits(rates: dict[str, Rates], clock: Clock, *, processes: int = 1) -> RateLimits:
    counter = Counter("limited", "", ("limit",), registry=CollectorRegistry())
    return RateLimits(rates.get, counter, (2.0, 5.0), processes=processes, clock=clock)


def admitted(held: RateLimits, *, spans: int, size: int = 0, tries: int = 100) -> int:
    """How many exports of this size get in, one after the other, before one is turned away."""
    for number in range(tries):
        try:
            held.admit("a", size)
        except Overloaded:
            return number
        held.charge("a", spans)
    return tries


def told(held: RateLimits) -> float:
    with pytest.raises(Overloaded) as caught:
        held.admit("a")
    assert caught.value.retry_after_s is not None
    return caught.value.retry_after_s


@pytest.mark.parametrize(
    ("rates", "processes", "at_once", "each_second"),
    [
        (Rates(), 1, 100, 100),
        (Rates(spans_per_second=100), 1, 50, 10),  # a burst of five seconds
        (Rates(spans_per_second=100, burst=20), 1, 2, 2),  # no more than the burst gathers
        (Rates(spans_per_second=100, burst=300), 1, 30, 10),
        (Rates(spans_per_second=100, burst=300), 2, 15, 5),
        (Rates(bytes_per_second=1_000), 1, 50, 10),
        (Rates(bytes_per_second=1_000), 5, 10, 2),
        (Rates(spans_per_second=100, burst=300, bytes_per_second=500), 1, 25, 5),  # the narrower one counts
    ],
)
def test_what_gets_in(rates: Rates, processes: int, at_once: int, each_second: int) -> None:
    """Exports of 10 spans and 100 bytes: after a pause, and then in each second."""
    clock = Clock()
    held = limits({"a": rates}, clock, processes=processes)
    assert admitted(held, spans=10, size=100) == at_once
    for _ in range(3):
        clock.now += 1
        assert admitted(held, spans=10, size=100) == each_second
    clock.now += 1_000
    assert admitted(held, spans=10, size=100) == at_once


@pytest.mark.parametrize(
    ("debt", "least", "most"),
    [(0, 2, 5), (250, 2.5, 5), (400, 4, 5), (5_000, 5, 5)],
)
def test_the_delay_is_the_time_until_the_debt_is_paid_within_what_senders_bear(
    debt: int, least: float, most: float
) -> None:
    clock = Clock()
    held = limits({"a": Rates(spans_per_second=100, burst=100)}, clock)
    held.admit("a")
    held.charge("a", 100 + debt)
    delays = [told(held) for _ in range(50)]
    assert least <= min(delays) <= max(delays) <= most
    assert (len(set(delays)) > 1) == (least < most)
    clock.now += debt / 100 + 0.02
    held.admit("a")


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), max_size=60),
    st.integers(1, 200),
    st.integers(1, 500),
)
def test_no_pattern_of_sending_gets_in_more_than_the_limit(
    sent: list[tuple[float, int]], rate: int, burst: int
) -> None:
    clock = Clock()
    held = limits({"a": Rates(spans_per_second=rate, burst=burst)}, clock)
    started, taken = clock.now, 0
    for pause, spans in sent:
        clock.now += pause
        before = burst + rate * (clock.now - started) - taken
        try:
            held.admit("a")
        except Overloaded:
            continue
        assert before > 0.99, "an export was let in while there was debt"
        held.charge("a", spans)
        taken += spans


def test_a_changed_limit_counts_at_once_and_forgives_no_debt() -> None:
    clock, rates = Clock(), {"a": Rates(spans_per_second=10)}
    held = limits(rates, clock)
    held.admit("a")
    held.charge("a", 1_050)  # a debt of 1,000
    rates["a"] = Rates(spans_per_second=500, bytes_per_second=100)
    assert told(held) <= 5
    clock.now += 1.9
    told(held)
    clock.now += 0.2
    held.admit("a", 500)
    rates["a"] = Rates(spans_per_second=500)
    held.admit("a")
    del rates["a"]
    assert admitted(held, spans=10_000) == 100


def test_projects_have_buckets_of_their_own() -> None:
    clock = Clock()
    held = limits({"a": Rates(spans_per_second=1), "b": Rates(spans_per_second=1)}, clock)
    held.admit("a")
    held.charge("a", 1_000)
    told(held)
    held.admit("b")
    held.admit("c")


def limited(receiver: Running) -> dict[str, int]:
    """Refused exports by limit, as `/metrics` tells them."""
    return {
        sample.labels["limit"]: int(sample.value)
        for metric in receiver.server.metrics.rate_limited.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


ONE_EXPORT = {"default": Rates(spans_per_second=1, burst=1)}


def test_what_a_sender_is_told(start: Start) -> None:
    receiver = start(rates=ONE_EXPORT.get, clock=Clock())
    assert receiver.call(body_of("one")) == b""
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(body_of("two"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "limit of 1 spans a second" in caught.value.details()
    status, trailing = details(caught.value)
    delay = retry_delay(status)
    assert delay is not None
    assert 2 <= delay <= 5
    assert RetryInfo.FromString(trailing["google.rpc.retryinfo-bin"]).retry_delay.seconds == int(delay)
    answer = receiver.post(b"{}", content_type="application/json")
    assert answer.status_code == 429
    assert 2 <= int(answer.headers["retry-after"]) <= 5
    assert "limit of 1 spans" in answer.json()["message"]
    page = receiver.server.metrics.page().decode()
    assert 'tracestore_ingest_rate_limited_total{limit="spans"} 2.0' in page
    assert 'tracestore_ingest_rate_limited_total{limit="bytes"} 0.0' in page
    # Turned away before decoding: requests, not spans.
    receiver.assert_balanced(received=1, stored=1, refused=0)


def test_an_export_is_taken_whole_or_not_at_all(start: Start) -> None:
    """Also one that is decoded in many slices and is far beyond the limit."""
    clock = Clock()
    receiver = start(rates={"default": Rates(spans_per_second=1_000, burst=100)}.get, clock=clock)
    assert receiver.call(body_of(*["span"] * 5_000)) == b""
    assert receiver.post(body_of("next")).status_code == 429
    clock.now += 4.8
    assert receiver.post(body_of("next")).status_code == 429
    clock.now += 0.2
    assert receiver.post(body_of("next")).status_code == 200
    receiver.assert_balanced(received=5_001, stored=5_001, refused=0)


def test_log_records_and_spans_have_one_limit(start: Start) -> None:
    clock = Clock()
    receiver = start(rates={"default": Rates(spans_per_second=10, burst=10)}.get, clock=clock)
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for _ in range(20):
        records.add(time_unix_nano=1)
    body = message.SerializeToString()
    receiver.call(body, method=LOGS)
    assert receiver.post(body, path="/v1/logs").status_code == 429
    assert receiver.post(body_of("span")).status_code == 429
    clock.now += 1.2
    assert receiver.post(body_of("span")).status_code == 200
    receiver.assert_balanced(received=1, stored=1)
    receiver.assert_logs_balanced(received=20, refused=0)


def test_bytes_count_after_decompression(start: Start) -> None:
    receiver = start(rates={"default": Rates(bytes_per_second=1_000)}.get, clock=Clock())
    body = gzip.compress(body_of("span", size=6_000))
    assert len(body) < 1_000
    assert receiver.post(body, content_encoding="gzip").status_code == 200
    assert receiver.post(body, content_encoding="gzip").status_code == 429
    assert limited(receiver) == {"spans": 0, "bytes": 1}


def test_a_body_is_not_even_waited_for(start: Start) -> None:
    receiver = start(rates=ONE_EXPORT.get, clock=Clock())
    assert receiver.call(body_of("one")) == b""
    never = threading.Event()

    def nothing() -> Iterator[bytes]:
        never.wait(20)
        yield b""

    with receiver.channel() as channel:
        call = channel.stream_unary(TRACES).future(nothing(), timeout=20)
        assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        never.set()
    with socket.create_connection(("127.0.0.1", receiver.server.http_port), timeout=20) as connection:
        head = "POST /v1/traces HTTP/1.1", "host: x", "content-type: application/x-protobuf", "content-length: 9000000"
        connection.sendall("\r\n".join((*head, "", "")).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 429 ")
    assert limited(receiver) == {"spans": 2, "bytes": 0}


def test_a_flood_of_one_project_costs_only_itself(start: Start) -> None:
    """Four senders of `alpha` by both transports, as fast as they can; `beta` notices nothing."""
    clock = Clock()
    receiver = start(rates={"alpha": Rates(spans_per_second=100, burst=200)}.get, clock=clock)
    stop = threading.Event()
    refused = 0
    lock = threading.Lock()

    def body(*names: str) -> bytes:
        with lock:  # each has spans of its own, so that none is taken for a repetition
            return body_of(*names)

    def flood() -> bytes:
        return body(*["flood"] * 20)

    def send_by_http() -> None:
        nonlocal refused
        for _ in range(2_000):
            if stop.is_set():
                return
            turned_away = receiver.post(flood(), x_api_key="sender").status_code == 429
            with lock:
                refused += turned_away

    def send_by_grpc() -> None:
        nonlocal refused
        with receiver.channel() as channel:
            export = channel.unary_unary(TRACES)
            for _ in range(2_000):
                if stop.is_set():
                    return
                try:
                    export(flood(), timeout=20, metadata=(("x-api-key", "sender"),))
                except grpc.RpcError as error:
                    with lock:
                        refused += error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    def stored(project: str) -> int:
        return sum(owner == project for owner, _ in receiver.writer.rows)

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send) for send in (send_by_http, send_by_grpc) * 2]
        try:
            wait_until(lambda: refused > 20)
            answers = [receiver.post(body("calm"), x_api_key="other").status_code for _ in range(30)]
            assert answers == [200] * 30
            assert (stored("alpha"), stored("beta")) == (200, 30)
            clock.now += 1
            wait_until(lambda: stored("alpha") == 300)
            more = refused + 20
            wait_until(lambda: refused > more)
        finally:
            stop.set()
        for sender in senders:
            sender.result()
    assert (stored("alpha"), stored("beta")) == (300, 30)
    assert limited(receiver) == {"spans": refused, "bytes": 0}
    receiver.assert_balanced(received=330, stored=330, refused=0)


def test_a_flood_does_not_fill_the_room_for_bodies(start: Start) -> None:
    """The store stands still, and without a limit three bodies of `alpha` would leave `beta` none."""
    receiver = start(rates={"alpha": Rates(bytes_per_second=10_000)}.get, clock=Clock(), in_flight_bytes=100_000)
    go_on = threading.Event()
    receiver.writer.trouble = lambda batch: bool(go_on.wait(20)) and None
    bodies = iter([body_of("span", size=30_000) for _ in range(4)])
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(receiver.post, next(bodies), x_api_key="sender") for _ in range(2)]
        wait_until(lambda: receiver.ledger()["received"] == 2)
        assert receiver.post(next(bodies), x_api_key="sender").status_code == 429
        assert limited(receiver) == {"spans": 0, "bytes": 1}
        waiting.append(pool.submit(receiver.post, next(bodies), x_api_key="other"))
        wait_until(lambda: receiver.ledger()["received"] == 3)
        go_on.set()
        assert [answer.result().status_code for answer in waiting] == [200] * 3
    receiver.assert_balanced(received=3, stored=3)


EXPORTERS: dict[str, Callable[[Running], SpanExporter]] = {
    "grpc": lambda receiver: GrpcExporter(f"http://{receiver.grpc}", insecure=True),
    "http": lambda receiver: HttpExporter(receiver.http + "/v1/traces"),
}


@pytest.mark.parametrize("kind", EXPORTERS)
def test_the_official_exporters_lose_nothing_of_a_burst(start: Start, kind: str) -> None:
    receiver = start(rates={"default": Rates(spans_per_second=1, burst=50)}.get, retry_after_s=(2.0, 2.5))
    sender = TracerProvider(shutdown_on_exit=False)
    sender.add_span_processor(
        BatchSpanProcessor(EXPORTERS[kind](receiver), max_export_batch_size=50, schedule_delay_millis=60_000)
    )
    tracer = sender.get_tracer("test")
    names = [f"span{i:03}" for i in range(100)]
    for name in names:
        tracer.start_span(name).end()
    sender.shutdown()
    assert receiver.writer.names() == names
    assert limited(receiver)["spans"] >= 1
    receiver.assert_balanced(received=100, stored=100, refused=0)


def test_each_process_takes_its_share(start: Start) -> None:
    """What the server makes of `Parts.processes`, which the command fills from the environment."""

    def parts(processes: int) -> Parts:
        rates: Any = {"a": Rates(spans_per_second=8, burst=80)}
        return Parts(
            FakeWriter(), FakeWriter(), Span, lambda spans: spans, KEYS.get, lambda: None,
            rates=rates.get, processes=processes, clock=Clock(),
        )  # fmt: skip

    for processes, number in ((1, 8), (4, 2)):
        held = IngestServer(parts(processes)).receiver.rate_limits
        assert admitted(held, spans=10) == number
