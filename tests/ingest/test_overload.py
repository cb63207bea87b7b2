"""Too much work, a slow store, senders that leave, and stopping in the middle of it all."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psutil
import pytest
import requests
import zstandard
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from receiving import TRACES, Running, body_of, details, retry_delay, wait_until

from tracestore.errors import Unavailable

Start = Callable[..., Running]


class Hold:
    """A store that stands still until told otherwise."""

    def __init__(self, receiver: Running) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        receiver.writer.trouble = self

    def __call__(self, batch: Any) -> None:
        self.entered.set()
        self.go_on.wait(20)


def test_a_full_queue_turns_senders_away_before_decoding_and_drains(start: Start) -> None:
    receiver = start(in_flight_bytes=100_000)
    hold = Hold(receiver)
    body = body_of("span", size=30_000)
    with receiver.channel() as channel:
        export = channel.unary_unary(TRACES)
        calls = [export.future(body, timeout=20) for _ in range(3)]
        wait_until(lambda: receiver.ledger()["received"] == 3)
        with pytest.raises(grpc.RpcError) as caught:
            export(body, timeout=20)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status, trailing = details(caught.value)
        delay = retry_delay(status)
        assert delay is not None
        assert 2 <= delay <= 5
        assert "google.rpc.retryinfo-bin" in trailing
        answer = receiver.post(body)
        assert answer.status_code == 429
        assert 2 <= int(answer.headers["retry-after"]) <= 5
        assert receiver.ledger()["received"] == 3
        hold.go_on.set()
        assert [call.result() for call in calls] == [b""] * 3
        assert export(body, timeout=20) == b""
    assert receiver.post(body).status_code == 200
    assert len(receiver.writer.rows) == 5
    receiver.assert_balanced(received=5, stored=1, deduplicated=4)


def provider(exporter: SpanExporter) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": "bot"}), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=50, schedule_delay_millis=100))
    return made


EXPORTERS = {
    "grpc": lambda receiver: GrpcExporter(f"http://{receiver.grpc}", insecure=True),
    "grpc gzip": lambda receiver: GrpcExporter(
        f"http://{receiver.grpc}", insecure=True, compression=grpc.Compression.Gzip
    ),
    "http": lambda receiver: HttpExporter(receiver.http + "/v1/traces"),
    "http gzip": lambda receiver: HttpExporter(receiver.http + "/v1/traces", compression=Compression.Gzip),
}


@pytest.mark.parametrize("kind", EXPORTERS)
def test_the_official_exporters(receiver: Running, kind: str) -> None:
    sender = provider(EXPORTERS[kind](receiver))
    tracer = sender.get_tracer("test", "1.2")
    with tracer.start_as_current_span("outer", attributes={"n": 5, "l": ["a", "b"], "f": 0.5, "b": True}) as outer:
        outer.add_event("thought", {"text": "hm"})
        for i in range(120):
            tracer.start_span(f"inner{i}").end()
    sender.shutdown()
    spans = {span.record.name: span.record for _, span in receiver.writer.rows}
    assert len(spans) == 121
    assert spans["outer"].attributes == {"n": 5, "l": ["a", "b"], "f": 0.5, "b": True}
    assert spans["outer"].events[0].attributes == {"text": "hm"}
    assert spans["inner7"].parent_span_id == spans["outer"].span_id
    assert (spans["outer"].resource.service, spans["outer"].scope.version) == ("bot", "1.2")
    receiver.assert_balanced(received=121, stored=121)


@pytest.mark.parametrize("kind", ["grpc", "http"])
def test_the_official_exporters_come_back_after_the_delay_they_were_told(start: Start, kind: str) -> None:
    receiver = start(retry_after_s=(2.0, 2.0), retry_s=0.01)
    times: list[float] = []

    def fail_at_first(batch: Any) -> None:
        times.append(time.monotonic())
        if len(times) <= 2:  # the first try and our own quick repetition of it
            raise Unavailable("down")

    receiver.writer.trouble = fail_at_first
    sender = provider(EXPORTERS[kind](receiver))
    sender.get_tracer("test").start_span("patient").end()
    sender.shutdown()
    assert receiver.writer.names() == ["patient"]
    assert 1.9 < times[-1] - times[0] < 4
    receiver.assert_balanced(received=2, stored=1, refused=1)


def test_a_store_that_fails_most_of_the_time_loses_nothing(start: Start) -> None:
    receiver = start(retry_s=0.001, gather_s=0.001)
    count = 0

    def fail_often(batch: Any) -> None:
        nonlocal count
        count += 1
        if count % 10 < 7:
            raise Unavailable("down")

    receiver.writer.trouble = fail_often
    sent = [f"span{i}" for i in range(40)]

    def deliver(name: str) -> None:
        body = body_of(name)
        while receiver.post(body).status_code != 200:
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, sent))
    assert sorted(set(receiver.writer.names())) == sorted(sent)
    receiver.assert_balanced(stored=40)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_a_sender_that_leaves_takes_its_queued_spans_along(start: Start, transport: str) -> None:
    receiver = start()
    hold = Hold(receiver)
    first = ThreadPoolExecutor(1).submit(receiver.call, body_of("first"))
    assert hold.entered.wait(5)
    # `first` is being written; this one waits in the queue and its sender loses patience.
    if transport == "grpc":
        with pytest.raises(grpc.RpcError):
            receiver.call(body_of("second"), timeout=0.3)
    else:
        with pytest.raises(requests.Timeout):
            receiver.post(body_of("second"), timeout=0.3)
    wait_until(lambda: receiver.ledger()["refused"] == 1)
    hold.go_on.set()
    assert first.result() == b""
    assert receiver.writer.names() == ["first"]
    receiver.assert_balanced(received=2, stored=1, refused=1)


def test_a_sender_that_leaves_during_the_write(receiver: Running) -> None:
    hold = Hold(receiver)
    with pytest.raises(grpc.RpcError):
        receiver.call(body_of("one"), timeout=0.3)
    assert receiver.ledger()["stored"] == 0
    hold.go_on.set()
    receiver.assert_balanced(received=1, stored=1)


def test_a_store_that_hangs_does_not_keep_senders_for_ever(start: Start) -> None:
    receiver = start(answer_s=0.2)
    hold = Hold(receiver)
    answer = receiver.post(body_of("one"))
    assert answer.status_code == 503
    hold.go_on.set()
    receiver.assert_balanced(received=1, stored=1)


def test_a_large_export_is_worked_on_in_pieces_and_answered_once(start: Start) -> None:
    receiver = start(pending_slices=2, commit_rows=1_000)
    assert receiver.call(body_of(*[f"span{i}" for i in range(5_000)])) == b""
    assert max(receiver.writer.batches) <= 1_024
    receiver.assert_balanced(received=5_000, stored=5_000)


def test_a_large_export_that_fails_midway_is_refused_as_a_whole(start: Start) -> None:
    receiver = start(pending_slices=2, commit_rows=512, retry_s=0.001)
    written = 0

    def fail_later(batch: Any) -> None:
        nonlocal written
        written += 1
        if written > 2:
            raise Unavailable("down")

    receiver.writer.trouble = fail_later
    assert receiver.post(body_of(*[f"span{i}" for i in range(5_000)])).status_code == 503
    receiver.assert_balanced(stored=1_024)


def test_bombs_do_not_fill_the_memory(start: Start) -> None:
    receiver = start()
    zeros = bytes(1 << 20)
    packer = zstandard.ZstdCompressor().compressobj()
    zstd_bomb = b"".join(packer.compress(zeros) for _ in range(2_000)) + packer.flush()
    gzip_bomb = gzip.compress(zeros * 100, 1) * 10
    process = psutil.Process()
    before = process.memory_info().rss
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for encoding, bomb in (("zstd", zstd_bomb), ("gzip", gzip_bomb)):
        assert receiver.post(bomb, content_encoding=encoding).status_code == 413
    done.set()
    watcher.join()
    assert peak - before < 200 << 20
    receiver.assert_balanced(received=0)


def test_concurrent_large_bodies_are_bounded(start: Start) -> None:
    receiver = start(body_bytes=8 << 20, in_flight_bytes=16 << 20)
    hold = Hold(receiver)
    body = body_of(*["big"] * 7, size=1 << 20)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(receiver.post, body) for _ in range(8)]
        wait_until(lambda: sum(answer.done() for answer in answers) == 6)
        hold.go_on.set()
        codes = sorted(answer.result().status_code for answer in answers)
    assert codes == [200] * 2 + [429] * 6
    receiver.assert_balanced(received=14, stored=7, deduplicated=7)


def test_stopping_under_load_answers_and_stores_what_is_under_way(start: Start) -> None:
    receiver = start()
    receiver.writer.trouble = lambda batch: time.sleep(0.05)
    acknowledged: list[str] = []
    refusals: set[grpc.StatusCode] = set()
    stopped = threading.Event()

    def send_by_grpc(sender: int) -> None:
        with receiver.channel() as channel:
            export = channel.unary_unary(TRACES)
            for i in range(10_000):
                try:
                    export(body_of(f"g{sender}.{i}"), timeout=10)
                except grpc.RpcError as error:
                    refusals.add(error.code())
                    if stopped.is_set():
                        return
                else:
                    acknowledged.append(f"g{sender}.{i}")

    def send_by_http(sender: int) -> None:
        with requests.Session() as session:
            for i in range(10_000):
                try:
                    answer = session.post(
                        receiver.http + "/v1/traces",
                        data=body_of(f"h{sender}.{i}"),
                        headers={"content-type": "application/x-protobuf"},
                        timeout=10,
                    )
                except requests.ConnectionError:
                    if stopped.is_set():
                        return
                else:
                    assert answer.status_code in (200, 503)
                    if answer.status_code == 200:
                        acknowledged.append(f"h{sender}.{i}")

    with ThreadPoolExecutor(8) as pool:
        senders = [pool.submit(send, i) for i in range(4) for send in (send_by_grpc, send_by_http)]
        wait_until(lambda: len(acknowledged) > 40)
        started = time.monotonic()
        receiver.stop()
        took = time.monotonic() - started
        stopped.set()
        for sender in senders:
            sender.result()
    assert took < 5
    assert refusals <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert set(acknowledged) <= set(receiver.writer.names())
    receiver.assert_balanced()


def test_stopping_does_not_wait_for_a_store_that_hangs(start: Start) -> None:
    receiver = start()
    hold = Hold(receiver)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(receiver.post, body_of("one")), pool.submit(receiver.post, body_of("two"))]
        assert hold.entered.wait(5)
        started = time.monotonic()
        assert receiver.loop.run(receiver.server.stop(within_s=0.3)) is False
        assert time.monotonic() - started < 2
        hold.go_on.set()
        for answer in answers:
            assert isinstance(answer.exception() or answer.result(), (requests.ConnectionError, requests.Response))


def test_a_sender_that_never_sends_its_message_does_not_block_others(start: Start) -> None:
    receiver = start(reads=1, read_s=0.5)
    never = threading.Event()

    def nothing() -> Iterator[bytes]:
        never.wait(20)
        yield b""

    with receiver.channel() as channel:
        slow = channel.stream_unary(TRACES).future(nothing(), timeout=20)
        time.sleep(0.2)
        assert receiver.call(body_of("one")) == b""
        assert slow.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        never.set()
    receiver.assert_balanced(received=1, stored=1)
