"""The store away for a minute, under load: who is told what, how much memory it takes, and what is there afterwards.

    python -m benchmarks.chaos                      both ways, 60 s each, 2,000 spans/s: about five minutes
    python -m benchmarks.chaos --seconds 10         a quick look
    python -m benchmarks.chaos --kills 6            besides: kill -9 of some process, 6 times; more take longer
                                                    each, as the supervisor waits up to 30 s before a start

Starts Tracestore as a user does. Senders keep to the rules of OTLP's exporters: a request that was not
acknowledged is sent again, the same bytes, after the delay that the answer gives, or with a growing
one of their own; each attempt has 10 s. Unlike an SDK they never drop a request. `stopped`: the engine
is there and does not answer (SIGSTOP). `killed`: it is gone (SIGKILL), and nobody starts it again meanwhile.
"""

from __future__ import annotations

import argparse
import queue
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import grpc
import psutil
from google.rpc.error_details_pb2 import RetryInfo

from benchmarks.load import METHOD, SHAPES, Template, build
from tests.e2e.stack import API_KEY, Stack

MIB: Final = 1 << 20
#: As the OpenTelemetry SDKs have it.
ATTEMPT_S: Final = 10.0
#: What OTLP lets a sender repeat ("OTLP/gRPC Response", failures); RESOURCE_EXHAUSTED only with a delay.
RETRYABLE: Final = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})

Way = Literal["stopped", "killed"]


@dataclass
class Report:
    """What an outage did. Counts are of requests, or of spans where the name says so."""

    spans_sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    told_a_delay: int = 0
    given_up: int = 0
    spans_missing: int = 0
    spans_doubled: int = 0
    resting_bytes: int = 0
    most_bytes: int = 0
    drained_s: float = 0.0


class Senders:
    """Makes requests at a rate and delivers each until it is acknowledged.

    `kinds` of them take turns; `turns` as `Template` has it.
    """

    def __init__(
        self, endpoint: str, spans_per_second: float, shape: str, workers: int = 12, kinds: int = 1, turns: int = 0
    ) -> None:
        self.report = Report()
        self.waiting: queue.Queue[tuple[bytes, int]] = queue.Queue()
        self.numbers: list[int] = []
        self._templates = [Template(build(SHAPES[shape], seed), turns) for seed in range(1, kinds + 1)]
        self.template = self._templates[0]
        self._period = self.template.count / spans_per_second
        self._ending = threading.Event()
        self._under_way = 0
        self._lock = threading.Lock()
        self._channel = grpc.insecure_channel(endpoint, options=[("grpc.use_local_subchannel_pool", 1)])
        self._export = self._channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
        self._threads = [threading.Thread(target=self._make, daemon=True)]
        self._threads += [threading.Thread(target=self._deliver, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def _make(self) -> None:
        due = time.monotonic()
        chance = random.Random()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            number = chance.getrandbits(62)
            with self._lock:
                self._under_way += 1
            self.numbers.append(number)
            self.report.spans_sent += self.template.count
            template = self._templates[len(self.numbers) % len(self._templates)]
            self.waiting.put((template.renew(number), 0))
            due += self._period

    def _deliver(self) -> None:
        while True:
            try:
                body, tries = self.waiting.get(timeout=0.2)
            except queue.Empty:
                if self._ending.is_set() and not self._under_way:
                    return
                continue
            delay = self._attempt(body, tries)
            if delay is None:
                with self._lock:
                    self._under_way -= 1
            else:
                timer = threading.Timer(delay, self.waiting.put, ((body, tries + 1),))
                timer.daemon = True
                timer.start()

    def _attempt(self, body: bytes, tries: int) -> float | None:
        """Sends once. The delay before the next attempt; None when there is to be none."""
        try:
            self._export(body, timeout=ATTEMPT_S, metadata=[("x-api-key", API_KEY)])
        except grpc.RpcError as error:
            code, told = error.code().name, told_delay(error)
            with self._lock:
                self.report.answers[code] += 1
                self.report.told_a_delay += told is not None
            if told is None and code not in RETRYABLE:
                self.report.given_up += 1
                return None
            return told if told is not None else min(2.0**tries, 5.0)
        with self._lock:
            self.report.answers["OK"] += 1
        return None

    def finish(self, within_s: float) -> None:
        """Makes no more requests and waits until all are delivered."""
        self._ending.set()
        begun = time.monotonic()
        while self._under_way:
            if time.monotonic() - begun > within_s:
                raise TimeoutError(f"{self._under_way} requests were never acknowledged")
            time.sleep(0.05)
        self.report.drained_s = time.monotonic() - begun
        for thread in self._threads:
            thread.join()
        self._channel.close()


def told_delay(error: grpc.RpcError) -> float | None:
    """The delay that an answer tells, where the Python exporter looks for it."""
    for name, value in error.trailing_metadata() or ():
        if name == "google.rpc.retryinfo-bin":
            delay = RetryInfo.FromString(value).retry_delay
            return float(delay.seconds + delay.nanos / 1e9)
    return None


def outage(
    stack: Stack, way: Way, seconds: float, *, rate: float = 2_000, shape: str = "small", calm_s: float = 3.0
) -> Report:
    """Load, `seconds` of them without a store, then load again; waits until everything is stored."""
    (ingest,) = stack.children()["ingest"]
    (engine,) = stack.children()["engine"]
    senders = Senders(stack.otlp_grpc, rate, shape)
    report = senders.report
    time.sleep(calm_s)
    report.resting_bytes = ingest.memory_info().rss
    bring_back = take_away(stack, engine, way)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            report.most_bytes = max(report.most_bytes, ingest.memory_info().rss)
            time.sleep(0.05)
    finally:
        bring_back()
    time.sleep(calm_s)
    finish(stack, senders, within_s=120 + seconds)
    return report


def kills(stack: Stack, rounds: int, *, rate: float = 2_000, shape: str = "small", chance: int = 1) -> Report:
    """Load, and `kill -9` of engine, ingest or worker, or of all of them, every few seconds."""
    choose = random.Random(chance)
    senders = Senders(stack.otlp_grpc, rate, shape)
    for _ in range(rounds):
        time.sleep(choose.uniform(0.5, 3.0))
        children = stack.children()
        victims = choose.choice([[name] for name in ("engine", "ingest", "worker")] + [["engine", "ingest", "worker"]])
        for process in (process for name in victims for process in children[name]):
            process.kill()
        psutil.wait_procs([process for name in victims for process in children[name]], timeout=5)
        stack.wait_ready(60)
    finish(stack, senders, within_s=300)
    return senders.report


def finish(stack: Stack, senders: Senders, within_s: float) -> None:
    """Waits until everything is delivered and settled, and compares it with what was sent."""
    report = senders.report
    senders.finish(within_s)
    stack.wait_settled(120)
    count = senders.template.count
    found = stack.sql(
        "SELECT substring(trace_id, 1, 16) AS h, count(), uniqExact(trace_id, span_id) FROM spans GROUP BY h"
    )
    stored = {row[0]: (int(row[1]), int(row[2])) for row in found}
    for number in senders.numbers:
        total, distinct = stored.get(f"{number:016x}", (0, 0))
        report.spans_missing += count - distinct
        report.spans_doubled += total - distinct


def take_away(stack: Stack, engine: psutil.Process, way: Way) -> Callable[[], None]:
    """Ends or stops the engine; gives what undoes it."""
    if way == "stopped":
        engine.send_signal(signal.SIGSTOP)
        return engine.resume
    assert stack.process is not None
    supervisor = psutil.Process(stack.process.pid)
    supervisor.suspend()  # or it would start the engine again at once
    engine.kill()
    return supervisor.resume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long the store is away")
    parser.add_argument("--kills", type=int, default=0, help="rounds of kill -9")
    parser.add_argument("--rate", type=float, default=2_000, help="spans/s")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="realistic")
    options = parser.parse_args()
    print(f"The store away for {options.seconds:.0f} s at {options.rate:,.0f} {options.shape} spans/s.\n")
    print(
        "| the engine | spans sent | refused, with a delay | timed out | memory of ingest before / most | last one stored after | missing | doubled |"
    )
    print("|---|---|---|---|---|---|---|---|")
    ways: tuple[Way, ...] = ("stopped", "killed")
    for way in ways:
        with tempfile.TemporaryDirectory(prefix="tracestore-chaos-") as folder, Stack(Path(folder)) as stack:
            report = outage(stack, way, options.seconds, rate=options.rate, shape=options.shape)
        print(
            f"| {way} | {report.spans_sent:,} | {report.told_a_delay:,} | {report.answers['DEADLINE_EXCEEDED']:,} "
            f"| {report.resting_bytes / MIB:.0f} / {report.most_bytes / MIB:.0f} MiB | {report.drained_s:.0f} s "
            f"| {report.spans_missing} | {report.spans_doubled} |",
            flush=True,
        )
    if options.kills:
        with tempfile.TemporaryDirectory(prefix="tracestore-chaos-") as folder, Stack(Path(folder)) as stack:
            report = kills(stack, options.kills, rate=options.rate, shape=options.shape)
        print(
            f"\n{options.kills} rounds of kill -9: {report.spans_sent:,} spans sent, {report.spans_missing} missing, "
            f"{report.spans_doubled} doubled. Attempts: {dict(report.answers)}"
        )


if __name__ == "__main__":
    main()
