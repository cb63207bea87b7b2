"""The requests that the benchmarks send: of a set shape, made once and sent many times with new ids.

A request is built once; before each sending its ids and times are overwritten in place at their
byte offsets, so that the sender costs next to nothing beside what is measured.
"""

from __future__ import annotations

import json
import random
import re
import struct
import time
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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


def build(shape: Shape, seed: int, spans: int = SPANS_PER_REQUEST) -> ExportTraceServiceRequest:
    """One request of `spans` spans in traces of 16: an agent, its model calls and its tools."""
    chance = random.Random(seed)

    def words(size: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(size // 9))

    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    put(resource_spans.resource.attributes.add(), "service.name", "bench")
    put(resource_spans.resource.attributes.add(), "telemetry.sdk.language", "python")
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "benchmarks.load"
    for index in range(spans):
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
    """A serialised request whose ids and times can be overwritten in place.

    `turns`: after so many renewals its conversations are new ones too; 0 = they go on for ever.
    """

    def __init__(self, request: ExportTraceServiceRequest, turns: int = 0) -> None:
        self.body = bytearray(request.SerializeToString())
        self._turns, self._renewed = turns, 0
        self._conversations = [found.end() for found in re.finditer(rb"conversation-(?=\d{6})", self.body)]
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
        if self._turns:
            turn = b"%06d" % (self._renewed // self._turns % 1_000_000)
            for place in self._conversations:
                body[place : place + 6] = turn
            self._renewed += 1
        shift = time.time_ns() - self.start - 4_000_000_000
        for place in self.times:
            value = struct.unpack_from("<Q", body, place)[0] + shift
            struct.pack_into("<Q", body, place, value)
        self.start += shift
        return bytes(body)


class JsonTemplate:
    """The same as OTLP/JSON: ids in hex, times as decimal text, each of a fixed width."""

    def __init__(self, request: ExportTraceServiceRequest) -> None:
        document = MessageToDict(request, use_integers_for_enums=True)
        spans = [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
        texts = [span for rs in document["resourceSpans"] for ss in rs["scopeSpans"] for span in ss["spans"]]
        for span, text in zip(spans, texts, strict=True):
            text["traceId"], text["spanId"] = span.trace_id.hex(), span.span_id.hex()
            if span.parent_span_id:
                text["parentSpanId"] = span.parent_span_id.hex()
        self.body = bytearray(json.dumps(document, separators=(",", ":")).encode())
        self.count = len(spans)
        self.traces = [found.end() for found in re.finditer(rb'"traceId":"', self.body)]
        self.ids = [found.end() for found in re.finditer(rb'"(?:s|parentS)panId":"', self.body)]
        self.times = [found.end() for found in re.finditer(rb'"(?:start|end)TimeUnixNano":"', self.body)]
        self.start = spans[0].start_time_unix_nano

    def renew(self, number: int) -> bytes:
        """As `Template.renew`."""
        prefix, mark = f"{number:016x}".encode(), f"{number & 0xFFFFFFFF:08x}".encode()
        body = self.body
        for place in self.traces:
            body[place : place + 16] = prefix
        for place in self.ids:
            body[place : place + 8] = mark
        shift = time.time_ns() - self.start - 4_000_000_000
        for place in self.times:
            body[place : place + 19] = str(int(body[place : place + 19]) + shift).encode()
        self.start += shift
        return bytes(body)


class Renewable(Protocol):
    """What a sender needs of a template."""

    body: bytearray
    count: int

    def renew(self, number: int) -> bytes: ...
