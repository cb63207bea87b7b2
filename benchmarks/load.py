"""Load of the benchmarks: k senders, each with one request under way at a time, as a batch exporter has.

    python -m benchmarks.load --endpoint 127.0.0.1:4317 --shape realistic --seconds 20 --senders 4
    python -m benchmarks.load --endpoint 127.0.0.1:4318 --protocol http/protobuf --gzip

Sends to this machine only. The requests are made by `benchmarks/otlp_requests.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import json
import multiprocessing
import os
import queue
import random
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from benchmarks.otlp_requests import SHAPES, JsonTemplate, Renewable, Template, build

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#: How long all senders together may take to start, on a busy machine.
START_SECONDS = 90
PROTOCOLS = ("grpc", "http/protobuf", "http/json")


class Refused(Exception):
    """The request was not accepted, or the connection broke before an answer."""


@dataclass(frozen=True)
class Target:
    """Where and how to send. `endpoint` is host:port on loopback; ValueError when it is not."""

    endpoint: str
    protocol: str = "grpc"
    gzip: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        host, _, port = self.endpoint.rpartition(":")
        if host not in ("127.0.0.1", "localhost", "[::1]") or not port.isdigit():
            raise ValueError(f"endpoint: expected host:port on loopback, as 127.0.0.1:4317, not {self.endpoint!r}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol: expected one of {', '.join(PROTOCOLS)}, not {self.protocol!r}")


#: Sends a body; returns how many of its spans were rejected. Raises Refused.
Export = Callable[[bytes], int]


def over_grpc(target: Target) -> Export:
    channel = grpc.insecure_channel(target.endpoint, options=[("grpc.max_send_message_length", 64 << 20)])
    call = channel.unary_unary(
        METHOD, request_serializer=None, response_deserializer=ExportTraceServiceResponse.FromString
    )
    compression = grpc.Compression.Gzip if target.gzip else grpc.Compression.NoCompression

    def export(body: bytes) -> int:
        try:
            answer = call(body, timeout=30, metadata=tuple(target.headers.items()), compression=compression)
        except grpc.RpcError as error:
            raise Refused from error
        return int(answer.partial_success.rejected_spans)

    return export


def over_http(target: Target) -> Export:
    host, _, port = target.endpoint.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
    is_json = target.protocol == "http/json"
    headers = {"content-type": "application/json" if is_json else "application/x-protobuf", **target.headers}
    if target.gzip:
        headers["content-encoding"] = "gzip"

    def export(body: bytes) -> int:
        if connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the server has ended it while idle, as real exporters notice too
        try:
            connection.request("POST", "/v1/traces", gzip.compress(body, 1) if target.gzip else body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens it again
            raise Refused from error
        if response.status != 200:
            raise Refused(f"status {response.status}")
        if is_json:
            return int(json.loads(answer or b"{}").get("partialSuccess", {}).get("rejectedSpans", 0))
        # MLflow answers with JSON or nothing here; a partial success it does not know.
        if response.getheader("content-type", "").startswith("application/x-protobuf"):
            return int(ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans)
        return 0

    return export


def exporter(target: Target) -> Export:
    return over_grpc(target) if target.protocol == "grpc" else over_http(target)


def template(target: Target, shape: str, seed: int, spans: int = 512) -> Renewable:
    request = build(SHAPES[shape], seed, spans)
    return JsonTemplate(request) if target.protocol == "http/json" else Template(request)


@dataclass
class Sent:
    """What one sender did."""

    acknowledged: int = 0  # spans
    refused: int = 0
    latencies: list[float] = field(default_factory=list)  # seconds
    numbers: dict[int, int] = field(default_factory=dict)  # acknowledged spans by the head of their trace ids
    bytes_per_span: float = 0.0
    begun: float = 0.0  # on the machine's monotonic clock, the same for all processes
    ended: float = 0.0


def sender(
    target: Target, shape: str, seconds: float, seed: int, ready: Barrier, results: multiprocessing.Queue[Sent]
) -> None:
    """One sender: a request at a time until the time is over; what is refused is not sent again."""
    templates = [template(target, shape, seed * 10 + index) for index in range(3)]
    export = exporter(target)
    numbers = random.Random(os.urandom(8))
    sent = Sent(bytes_per_span=len(templates[0].body) / templates[0].count)
    ready.wait(START_SECONDS)
    sent.begun = time.monotonic()
    end = sent.begun + seconds
    while time.monotonic() < end:
        chosen = templates[len(sent.latencies) % len(templates)]
        number = numbers.getrandbits(63)
        body = chosen.renew(number)
        begun = time.perf_counter()
        try:
            accepted = chosen.count - export(body)
            sent.acknowledged += accepted
            sent.numbers[number] = accepted
        except Refused:
            sent.refused += chosen.count
            time.sleep(0.2)
        sent.latencies.append(time.perf_counter() - begun)
    sent.ended = time.monotonic()
    results.put(sent)


@dataclass(frozen=True)
class Result:
    acknowledged: int
    refused: int
    begun: float  # monotonic: the first sender's start
    ended: float  # the last one's end
    bytes_per_span: float
    p50_ms: float
    p95_ms: float
    numbers: Mapping[int, int] = field(default_factory=dict, repr=False)

    @property
    def rate(self) -> float:
        return self.acknowledged / (self.ended - self.begun)


def run(
    target: Target | str, shape: str, seconds: float, senders: int, begun: Callable[[], object] = lambda: None
) -> Result:
    """Sends with several processes at once; returns what was acknowledged and how fast. A plain address is gRPC.

    `begun` is called when all of them start to send. Raises RuntimeError when one ends without a result.
    """
    if isinstance(target, str):
        target = Target(target)
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Sent] = context.Queue()
    ready = context.Barrier(senders + 1)
    processes = [
        context.Process(target=sender, args=(target, shape, seconds, index, ready, results), daemon=True)
        for index in range(senders)
    ]
    for process in processes:
        process.start()
    answers: list[Sent] = []
    try:
        ready.wait(START_SECONDS)
        begun()
        limit = time.monotonic() + seconds + 60
        while len(answers) < senders:
            with contextlib.suppress(queue.Empty):
                answers.append(results.get(timeout=1))
                continue
            if time.monotonic() > limit or any(process.exitcode for process in processes):
                raise RuntimeError("a sender ended without a result")
    except BrokenBarrierError as error:
        raise RuntimeError("a sender did not start") from error
    finally:
        for process in processes:
            process.join(5)
            if process.is_alive():
                process.kill()
    latencies = sorted(latency for answer in answers for latency in answer.latencies)
    return Result(
        acknowledged=sum(answer.acknowledged for answer in answers),
        refused=sum(answer.refused for answer in answers),
        begun=min(answer.begun for answer in answers),
        ended=max(answer.ended for answer in answers),
        bytes_per_span=answers[0].bytes_per_span,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p95_ms=latencies[int(len(latencies) * 0.95)] * 1000,
        numbers={number: spans for answer in answers for number, spans in answer.numbers.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="127.0.0.1:4317", help="host:port; loopback only")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="grpc")
    parser.add_argument("--gzip", action="store_true", help="compress each request; its cost is the sender's")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="sent with each request")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="realistic")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--senders", type=int, default=4)
    options = parser.parse_args()
    try:
        headers = dict(header.split("=", 1) for header in options.header)
        target = Target(options.endpoint, options.protocol, options.gzip, headers)
    except ValueError as error:
        parser.error(str(error))
    result = run(target, options.shape, options.seconds, options.senders)
    print(
        f"{options.shape} over {options.protocol}: {result.rate:,.0f} spans/s acknowledged "
        f"({result.bytes_per_span:,.0f} B a span, {result.refused} refused, "
        f"export p50 {result.p50_ms:.0f} ms, p95 {result.p95_ms:.0f} ms)"
    )


if __name__ == "__main__":
    main()
