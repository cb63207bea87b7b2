"""Load of the benchmarks: OTLP requests of a set shape, made once and sent many times with new ids.

    python benchmarks/load.py --endpoint 127.0.0.1:4317 --shape realistic --seconds 20 --senders 4

A request is built once; before each sending its ids and times are overwritten in place at their
byte offsets, so that the sender costs next to nothing beside what is measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import struct
import time
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SPANS_PER_REQUEST = 512
SPANS_PER_TRACE = 16


@dataclass(frozen=True)
class Shape:
    """Attributes a span and bytes of payload text that make a span's size on the wire."""

    attributes: int
    text: int


#: DESIGN.md, section 5: realistic is 3.3 KB and 19 attributes, small 0.6 KB.
SHAPES = {"realistic": Shape(19, 2300), "small": Shape(10, 60)}
WORDS = [f"{a}{b}" for a in ("order", "refund", "search", "policy", "agent", "ticket", "travel") for b in range(400)]


def build(shape: Shape, seed: int) -> ExportTraceServiceRequest:
    """One request of 512 spans in traces of 16: an agent, its model calls and its tools."""
    chance = random.Random(seed)

    def words(size: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(size // 9))

    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    put(resource_spans.resource.attributes.add(), "service.name", "bench")
    put(resource_spans.resource.attributes.add(), "telemetry.sdk.language", "python")
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "benchmarks.load"
    for index in range(SPANS_PER_REQUEST):
        place = index % SPANS_PER_TRACE
        span = scope_spans.spans.add()
        span.trace_id = struct.pack(">QQ", 0xA11CE, index // SPANS_PER_TRACE + 1)
        span.span_id = struct.pack(">Q", index + 1)
        if place:
            span.parent_span_id = struct.pack(">Q", index - place + 1)
        span.start_time_unix_nano = 1_700_000_000_000_000_000 + index * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + chance.randrange(1, 3_000) * 1_000_000
        span.kind = 3
        kind = "invoke_agent" if place == 0 else "chat" if place % 2 else "execute_tool"
        span.name = f"{kind} {'planner' if place == 0 else 'gpt-4o-mini' if place % 2 else 'search_kb'}"
        attribute = span.attributes
        put(attribute.add(), "gen_ai.operation.name", kind)
        put(attribute.add(), "gen_ai.agent.name", f"agent-{chance.randrange(8)}")
        if kind == "chat":
            put(attribute.add(), "gen_ai.provider.name", "openai")
            put(attribute.add(), "gen_ai.request.model", "gpt-4o-mini")
            put(attribute.add(), "gen_ai.usage.input_tokens", chance.randrange(100, 4000))
            put(attribute.add(), "gen_ai.usage.output_tokens", chance.randrange(10, 600))
            if shape.text > 500:
                put(attribute.add(), "gen_ai.input.messages", messages("user", words(shape.text * 3 // 4)))
                put(attribute.add(), "gen_ai.output.messages", messages("assistant", words(shape.text // 4)))
        elif kind == "execute_tool":
            put(attribute.add(), "gen_ai.tool.name", "search_kb")
            put(attribute.add(), "gen_ai.tool.call.id", f"call_{chance.getrandbits(48):x}")
            put(attribute.add(), "gen_ai.tool.call.arguments", json.dumps({"query": words(60)}))
            put(attribute.add(), "gen_ai.tool.call.result", words(max(40, shape.text)))
        else:
            put(attribute.add(), "gen_ai.conversation.id", f"conversation-{chance.getrandbits(32)}")
            put(attribute.add(), "app.note", words(shape.text))
        while len(attribute) < shape.attributes:
            put(attribute.add(), f"app.attribute.{len(attribute)}", f"value-{chance.randrange(1000)}-{words(20)}")
    return request


def put(attribute, key: str, value: str | int) -> None:  # type: ignore[no-untyped-def]
    attribute.key = key
    if isinstance(value, int):
        attribute.value.int_value = value
    else:
        attribute.value.string_value = value


def messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class Template:
    """A serialised request whose ids and times can be overwritten in place."""

    def __init__(self, request: ExportTraceServiceRequest) -> None:
        self.body = bytearray(request.SerializeToString())
        spans = [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
        self.count = len(spans)
        self.traces: list[int] = []
        self.ids: list[int] = []
        self.times: list[int] = []
        place = 0
        for span in spans:
            # Fields in the order of their numbers: trace_id (1), span_id (2), …, start (7), end (8).
            place = self.body.index(b"\x0a\x10" + span.trace_id + b"\x12\x08" + span.span_id, place)
            self.traces.append(place + 2)
            self.ids.append(place + 20)
            if span.parent_span_id:
                self.ids.append(self.body.index(b"\x22\x08" + span.parent_span_id, place) + 2)
            start = struct.pack("<Q", span.start_time_unix_nano)
            place = self.body.index(b"\x39" + start, place) + 1
            self.times += [place, place + 9]
        self.start = spans[0].start_time_unix_nano

    def renew(self, number: int) -> bytes:
        """The request with ids of its own and times that end now."""
        prefix = struct.pack(">Q", number)
        mark = struct.pack(">I", number & 0xFFFFFFFF)
        body = self.body
        for place in self.traces:
            body[place : place + 8] = prefix
        for place in self.ids:
            body[place : place + 4] = mark
        shift = time.time_ns() - self.start - 4_000_000_000
        for place in self.times:
            value = struct.unpack_from("<Q", body, place)[0] + shift
            struct.pack_into("<Q", body, place, value)
        self.start += shift
        return bytes(body)


def sender(endpoint: str, shape: str, seconds: float, seed: int, results: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    """One sender: a request at a time, as a batch exporter does, until the time is over."""
    templates = [Template(build(SHAPES[shape], seed * 10 + index)) for index in range(3)]
    channel = grpc.insecure_channel(endpoint, options=[("grpc.max_send_message_length", 64 << 20)])
    export = channel.unary_unary(
        METHOD, request_serializer=None, response_deserializer=ExportTraceServiceResponse.FromString
    )
    numbers = random.Random(os.urandom(8))
    acknowledged = refused = 0
    latencies: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        template = templates[len(latencies) % len(templates)]
        body = template.renew(numbers.getrandbits(63))
        begun = time.perf_counter()
        try:
            answer = export(body, timeout=30)
            acknowledged += template.count - answer.partial_success.rejected_spans
        except grpc.RpcError:
            refused += template.count
            time.sleep(0.2)
        latencies.append(time.perf_counter() - begun)
    results.put((acknowledged, refused, latencies, len(templates[0].body) / templates[0].count))


@dataclass(frozen=True)
class Result:
    acknowledged: int
    refused: int
    seconds: float
    bytes_per_span: float
    p50_ms: float
    p95_ms: float

    @property
    def rate(self) -> float:
        return self.acknowledged / self.seconds


def run(endpoint: str, shape: str, seconds: float, senders: int) -> Result:
    """Sends with several processes at once; returns what was acknowledged and how fast."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue = context.Queue()  # type: ignore[type-arg]
    processes = [
        context.Process(target=sender, args=(endpoint, shape, seconds, index, results)) for index in range(senders)
    ]
    begun = time.monotonic()
    for process in processes:
        process.start()
    answers = [results.get(timeout=seconds + 60) for _ in processes]
    for process in processes:
        process.join()
    latencies = sorted(latency for answer in answers for latency in answer[2])
    return Result(
        acknowledged=sum(answer[0] for answer in answers),
        refused=sum(answer[1] for answer in answers),
        seconds=min(time.monotonic() - begun, seconds),
        bytes_per_span=answers[0][3],
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p95_ms=latencies[int(len(latencies) * 0.95)] * 1000,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="127.0.0.1:4317", help="OTLP/gRPC address; loopback only")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="realistic")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--senders", type=int, default=4)
    options = parser.parse_args()
    if options.endpoint.rsplit(":", 1)[0] not in ("127.0.0.1", "localhost", "[::1]"):
        parser.error("--endpoint must be on loopback")
    result = run(options.endpoint, options.shape, options.seconds, options.senders)
    print(
        f"{options.shape}: {result.rate:,.0f} spans/s acknowledged ({result.bytes_per_span:,.0f} B a span, "
        f"{result.refused} refused, export p50 {result.p50_ms:.0f} ms, p95 {result.p95_ms:.0f} ms)"
    )


if __name__ == "__main__":
    main()
