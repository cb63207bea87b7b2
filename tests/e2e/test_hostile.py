"""Whatever a stranger sends: an answer, no more memory than promised, and the neighbours stored."""

from __future__ import annotations

import gzip
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ingest.limits import IngestLimits
from tests.e2e.stack import API_KEY, Stack

MIB = 1 << 20
NOW = time.time_ns() - 10**9
PROTOBUF, JSON = "application/x-protobuf", "application/json"

#: What ingest may take beyond its resting size: the bodies that it lets in, as Python objects (`IngestLimits`), and
#: what the allocator keeps of them.
MORE_MEMORY = 6 * IngestLimits().in_flight_bytes


def field(number: int, payload: bytes) -> bytes:
    size, length = len(payload), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + payload


def span(name: str, *, number: int = 1, start: int = NOW, end: int = NOW + 1000, more: bytes = b"") -> bytes:
    """A span on the wire, `more` being fields that the official classes would refuse to make."""
    times = b"\x39" + start.to_bytes(8, "little") + b"\x41" + end.to_bytes(8, "little")
    ids = field(1, b"hostile".ljust(16, b"\x01")) + field(2, number.to_bytes(8, "big"))
    return field(2, ids + field(5, name.encode()) + times + more)


def attribute(value: bytes, key: bytes = b"k") -> bytes:
    return field(9, field(1, key) + field(2, value))


def request(*spans: bytes) -> bytes:
    return field(1, field(2, b"".join(spans)))


def nested(levels: int) -> bytes:
    value = field(1, b"bottom")
    for _ in range(levels):
        value = field(5, field(1, value))
    return value


def json_request(*spans: str) -> bytes:
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{",".join(spans)}]}}]}}]}}'.encode()


def json_span(name: str, number: int, more: str = "") -> str:
    ids = f'"traceId":"{b"hostile".ljust(16, bytes([1])).hex()}","spanId":"{number:016x}"'
    return f'{{{ids},"name":"{name}","startTimeUnixNano":"{NOW}","endTimeUnixNano":{NOW + 1000}{more}}}'


def json_attribute(value: str) -> str:
    return f',"attributes":[{{"key":"k","value":{value}}}]'


@dataclass
class Case:
    """A bad span between two good ones, or a body that is bad as a whole."""

    body: Callable[[str, int], bytes]
    content_type: str = PROTOBUF
    encoding: str = ""
    status: int = 200
    rejected: int = 0
    #: Spans stored: the neighbours, and the bad one when it can be mended.
    stored: int = 3


def between(bad: Callable[[int], bytes]) -> Callable[[str, int], bytes]:
    return lambda name, number: request(span(name, number=number), bad(number + 1), span(name, number=number + 2))


def json_between(more: str) -> Callable[[str, int], bytes]:
    return lambda name, number: json_request(
        json_span(name, number), json_span(name, number + 1, more), json_span(name, number + 2)
    )


def named(**fields: Any) -> Callable[[str, int], bytes]:
    return lambda name, number: request(
        span(name, number=number), span(name, number=number + 1, **fields), span(name, number=number + 2)
    )


def zstd_bomb() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    zeros = bytes(MIB)
    return b"".join(packer.compress(zeros) for _ in range(1_000)) + packer.flush()


CASES: dict[str, Case] = {
    "invalid UTF-8": Case(named(more=attribute(field(1, b"\xff\xfe\x80"), b"\xc3\x28"))),
    "a value of 30 levels": Case(named(more=attribute(nested(30)))),
    "a value of 5,000 levels": Case(named(more=attribute(nested(5_000)))),
    "100,000 attributes": Case(named(more=b"".join(attribute(field(1, b"v"), b"k%d" % n) for n in range(100_000)))),
    "a text of 15 MiB": Case(named(more=attribute(field(1, b"x" * (15 * MIB))))),
    "a text of 60 MiB": Case(named(more=attribute(field(1, b"x" * (60 * MIB)))), rejected=1, stored=2),
    "a text of 64 MiB": Case(named(more=attribute(field(1, b"x" * (64 * MIB)))), status=413, stored=0),
    "a bomb of gzip": Case(
        lambda name, number: gzip.compress(bytes(300 * MIB), 1), encoding="gzip", status=413, stored=0
    ),
    "a bomb of zstd": Case(lambda name, number: zstd_bomb(), encoding="zstd", status=413, stored=0),
    "no time": Case(named(start=0), rejected=1, stored=2),
    "the year 1970": Case(named(start=1), rejected=1, stored=2),
    "the last nanosecond": Case(named(start=2**64 - 1, end=2**64 - 1), rejected=1, stored=2),
    "the year 2262": Case(named(start=2**63 - 1, end=2**63 - 1), rejected=1, stored=2),
    "a negative duration": Case(named(start=NOW, end=NOW - 10**12)),
    "no end": Case(named(end=0)),
    "NULs": Case(named(more=attribute(field(1, b"a\0b"), b"k\0k") + field(3, b"\0"))),
    "a trace id of zeros": Case(named(more=field(1, bytes(16))), rejected=1, stored=2),
    "a span id too long": Case(named(more=field(2, bytes(20))), rejected=1, stored=2),
    "a span that is noise": Case(between(lambda number: field(2, b"\xff" * 40)), rejected=1, stored=2),
    "an unknown wire type": Case(between(lambda number: field(2, b"\x0e" * 40)), rejected=1, stored=2),
    "a million empty spans": Case(
        lambda name, number: request(span(name, number=number), field(2, b"") * 10**6, span(name, number=number + 1)),
        rejected=1_000_000, stored=2,
    ),
    "noise": Case(lambda name, number: b"\xff" * 1000, status=400, stored=0),
    "JSON: half a surrogate pair": Case(json_between(json_attribute(r'{"stringValue":"\ud83d"}')), JSON),
    "JSON: a name that comes twice": Case(json_between(',"name":"first","name":"hostile"'), JSON, stored=2),
    "JSON: NaN and the infinities": Case(
        json_between(json_attribute('{"arrayValue":{"values":[{"doubleValue":NaN},{"doubleValue":-Infinity}]}}')), JSON
    ),
    "JSON: a whole number of 1,000 digits": Case(json_between(json_attribute(f'{{"intValue":{"9" * 1000}}}')), JSON),
    "JSON: a time of 1,000 digits": Case(
        json_between(f',"startTimeUnixNano":{"9" * 1000}'), JSON, rejected=1, stored=2
    ),
    "JSON: 1e400": Case(json_between(json_attribute('{"doubleValue":1e400}')), JSON),
    "JSON: 100,000 brackets": Case(json_between(',"x":' + "[" * 100_000 + "]" * 100_000), JSON),
    "JSON: values nested 5,000 deep": Case(
        json_between(json_attribute('{"arrayValue":{"values":[' * 5_000 + '{"intValue":1}' + "]}}" * 5_000)), JSON
    ),
    "JSON: NUL": Case(json_between(json_attribute(r'{"stringValue":"a\u0000b"}')), JSON),
    "JSON: cut short": Case(
        lambda name, number: json_request(json_span(name, number))[:-30], JSON, status=400, stored=0
    ),
}  # fmt: skip


#: No status: the answer came, and the connection ended, while the body was still being sent.
HUNG_UP = 0


def post(stack: Stack, body: bytes, content_type: str = PROTOBUF, encoding: str = "") -> tuple[int, bytes]:
    headers = {"content-type": content_type, "x-api-key": API_KEY} | (
        {"content-encoding": encoding} if encoding else {}
    )
    sent = urllib.request.Request(f"{stack.otlp_http}/v1/traces", data=body, headers=headers)
    try:
        with urllib.request.urlopen(sent, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, ConnectionError):
        return HUNG_UP, b""


@contextmanager
def memory_of_ingest(stack: Stack) -> Iterator[Callable[[], int]]:
    """Gives by how many bytes the ingest process grew at most."""
    (process,) = (psutil.Process(one.pid) for one in stack.children()["ingest"])
    before = process.memory_info().rss
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: peak - before
    finally:
        done.set()
        watcher.join()


@pytest.mark.parametrize("name", CASES)
def test_neighbours_are_stored(stack: Stack, name: str) -> None:
    case, number = CASES[name], 10 * (1 + list(CASES).index(name))
    before = stack.ledger()
    with memory_of_ingest(stack) as grown:
        status, answer = post(stack, case.body(f"hostile: {name}", number), case.content_type, case.encoding)
        assert status in (case.status, HUNG_UP if case.status == 413 else case.status), answer[:300]
        assert grown() < MORE_MEMORY
    if status == 200 and case.content_type == PROTOBUF:
        assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == case.rejected
    elif status == 200:
        assert int(json.loads(answer).get("partialSuccess", {}).get("rejectedSpans", 0)) == case.rejected
    stack.assert_balanced()
    after = stack.ledger()
    assert after["rejected"] - before["rejected"] == case.rejected
    found = stack.sql(f"SELECT count(), max(duration_ns) FROM spans WHERE name = 'hostile: {name}'")
    assert [int(found[0][0]), int(found[0][1]) <= 1000] == [case.stored, True]


def test_what_was_mended_can_be_read(stack: Stack) -> None:
    """Runs after the others: the trace that all of them wrote to opens."""
    trace_id = b"hostile".ljust(16, b"\x01").hex()
    assert stack.api(f"traces/{trace_id}/", limit=1000)["span_count"] >= sum(case.stored for case in CASES.values())
    assert stack.api(f"traces/{trace_id}/columns/")["n"] > 0


def test_many_large_bodies_at_once_are_turned_away_not_taken_in(stack: Stack) -> None:
    """16 bodies of 48 MiB: what fits is stored, the others are told to come back, and memory stays in bounds."""
    bodies = [
        request(*(span("large", number=1_000 + 100 * n + i, more=attribute(field(1, b"y" * MIB))) for i in range(48)))
        for n in range(16)
    ]
    with memory_of_ingest(stack) as grown, ThreadPoolExecutor(16) as pool:
        codes = sorted(status for status, _ in pool.map(lambda body: post(stack, body), bodies))
        assert grown() < MORE_MEMORY
        print(f"ingest grew by {grown() / MIB:.0f} MiB at most")
    assert set(codes) <= {200, 429, 503, HUNG_UP}
    assert 200 in codes
    stack.assert_balanced()
    stored = int(stack.sql("SELECT count() FROM spans WHERE name = 'large'")[0][0])
    assert stored >= 48 * codes.count(200)


def test_the_wire_made_by_hand_is_otlp() -> None:
    """Or the cases above would prove nothing."""
    message = ExportTraceServiceRequest.FromString(request(span("a", more=attribute(field(1, b"v")))))
    (made,) = message.resource_spans[0].scope_spans[0].spans
    assert (made.name, made.attributes[0].key, made.attributes[0].value.string_value) == ("a", "k", "v")
    json.loads(json_request(json_span("a", 1, json_attribute('{"intValue":1}'))))
