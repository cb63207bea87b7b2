"""`kill -9` of every part under load: nothing acknowledged is missing, nothing is doubled."""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import psutil
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.load import METHOD
from benchmarks.otlp_requests import SHAPES, Template, build
from tests.e2e.stack import API_KEY, ROOT, Stack
from tests.e2e.test_logs import send_logs


class Sender(threading.Thread):
    """Sends numbered requests until told to stop; knows which were acknowledged.

    A request that was refused or cut off is sent again, the same bytes, as a real exporter does. No two senders
    send the same.
    """

    made = itertools.count(1)

    def __init__(self, stack: Stack, seed: int) -> None:
        super().__init__(daemon=True)
        self.template = Template(build(SHAPES["small"], seed))
        self.stack = stack
        self.first = next(Sender.made) << 32
        self.stopping = threading.Event()
        self.acknowledged: list[str] = []
        self.attempts = 0

    def run(self) -> None:
        number = self.first
        while not self.stopping.is_set():
            number += 1
            body = self.template.renew(number)
            while not self.stopping.is_set() and not self.sent(body):
                time.sleep(0.3)
            else:
                if not self.stopping.is_set():
                    self.acknowledged.append(f"{number:016x}")
            time.sleep(0.05)

    def sent(self, body: bytes) -> bool:
        self.attempts += 1
        with contextlib.suppress(grpc.RpcError), grpc.insecure_channel(self.stack.otlp_grpc) as channel:
            export = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
            answer = export(body, timeout=15, metadata=[("x-api-key", API_KEY)])
            return bool(answer == b"")
        return False

    def stop(self) -> None:
        self.stopping.set()
        self.join(30)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("durability") / "data") as running:
        yield running


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """One for all tests here: each leaves it as it was, or it is not durable. Up again if a test failed halfway."""
    if installation.process is None:
        installation.start()
    return installation


@contextlib.contextmanager
def load(stack: Stack, senders: int = 2) -> Iterator[list[Sender]]:
    threads = [Sender(stack, seed) for seed in range(1, senders + 1)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.stop()


def wait_for(condition: Callable[[], bool], what: str, limit: float = 60) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"waited {limit} s for {what}"
        time.sleep(0.1)


def assert_nothing_lost_or_doubled(stack: Stack, senders: list[Sender]) -> None:
    """Every acknowledged request has all its spans, once, in the spans and in the summaries."""
    stack.wait_settled(60)
    heads = "substring(trace_id, 1, 16)"
    counted = stack.sql(f"SELECT {heads} AS h, count(), uniqExact(trace_id, span_id) FROM spans GROUP BY h")
    stored = {row[0]: (int(row[1]), int(row[2])) for row in counted}
    summed = {row[0]: int(row[1]) for row in stack.sql(f"SELECT {heads} AS h, sum(span_count) FROM traces GROUP BY h")}
    acknowledged = [number for sender in senders for number in sender.acknowledged]
    assert acknowledged
    count = senders[0].template.count
    assert {number: stored.get(number) for number in acknowledged} == dict.fromkeys(acknowledged, (count, count))
    assert all(total == distinct for total, distinct in stored.values())
    assert {number: summed.get(number) for number in acknowledged} == dict.fromkeys(acknowledged, count)


@pytest.mark.parametrize("victim", ["engine", "ingest", "worker", "web"])
def test_a_killed_part_comes_back_and_nothing_is_lost(stack: Stack, victim: str) -> None:
    said_before = len(stack.output.read_text())
    with load(stack) as senders:
        wait_for(lambda: all(len(sender.acknowledged) >= 5 for sender in senders), "first acknowledgements")
        for _ in range(2):
            (process,) = stack.children()[victim][:1]
            process.kill()
            wait_for(lambda dead=process: not dead.is_running() or dead.status() == psutil.STATUS_ZOMBIE, "its end")
            before = [len(sender.acknowledged) for sender in senders]
            stack.wait_ready(60)
            wait_for(
                lambda counts=before: all(
                    len(s.acknowledged) > count + 3 for s, count in zip(senders, counts, strict=True)
                ),
                f"acknowledgements after {victim} was killed",
            )
    assert f"{victim} ended (killed by SIGKILL)" in stack.output.read_text()[said_before:]
    assert_nothing_lost_or_doubled(stack, senders)


def test_the_whole_tree_killed_and_started_again(stack: Stack) -> None:
    with load(stack) as senders:
        for _ in range(2):
            before = [len(sender.acknowledged) for sender in senders]
            wait_for(
                lambda counts=before: all(
                    len(s.acknowledged) > count + 4 for s, count in zip(senders, counts, strict=True)
                ),
                "acknowledgements",
            )
            stack.kill()
            stack.start()
        stack.wait_ready()
    assert_nothing_lost_or_doubled(stack, senders)


def test_an_acknowledged_log_record_survives_kill_9(stack: Stack) -> None:
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for number in range(500):
        records.add(time_unix_nano=1_790_000_000 * 10**9 + number).body.string_value = f"{number}"
    assert send_logs(stack, message.SerializeToString(), "grpc") == b""
    stack.kill()
    stack.start()
    assert stack.sql("SELECT uniqExact(Body), count() FROM otel_logs") == [[500, 500]]
    assert send_logs(stack, message.SerializeToString(), "http/protobuf") == b""
    assert stack.sql("SELECT uniqExact(Body), count() FROM otel_logs") == [[500, 500]]


def test_only_the_supervisor_killed_leaves_nothing_behind(stack: Stack) -> None:
    assert stack.process is not None
    children = psutil.Process(stack.process.pid).children(recursive=True)
    stack.process.send_signal(signal.SIGKILL)
    stack.process.wait(10)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    stack.start()


def test_a_graceful_stop_under_load_loses_nothing(stack: Stack) -> None:
    with load(stack) as senders:
        wait_for(lambda: all(len(sender.acknowledged) >= 5 for sender in senders), "first acknowledgements")
        begun = time.monotonic()
        assert stack.stop() == 0
        assert time.monotonic() - begun < 15
        stack.start()
    assert_nothing_lost_or_doubled(stack, senders)


def test_a_second_start_on_the_same_directory_says_so_in_one_sentence(stack: Stack) -> None:
    other = Stack(stack.data_dir)
    second = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env=other.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    lines = [line for line in (second.stdout + second.stderr).splitlines() if line.strip()]
    assert len(lines) == 1
    assert str(stack.data_dir) in lines[0]
