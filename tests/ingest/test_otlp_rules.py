"""What OTLP 1.11 asks of a server, over each transport, encoding and compression."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from google.rpc.status_pb2 import Status
from receiving import (
    COMPRESS,
    Running,
    body_of,
    details,
    json_of,
    partial,
    request,
    retry_delay,
    wait_until,
)

from tracestore.errors import InvalidInput, Overloaded, TracestoreError, Unavailable
from tracestore.spans.decode import decode_protobuf

Start = Callable[..., Running]
PROTOBUF, JSON = "application/x-protobuf", "application/json"
GOLDEN = Path(__file__).resolve().parents[1] / "golden"

# Requests that succeed


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("size", [10, 100_000])
def test_http(receiver: Running, compression: str, content_type: str, size: int) -> None:
    message = request("one", "two", size=size)
    body = message.SerializeToString() if content_type == PROTOBUF else json_of(message)
    answer = receiver.post(COMPRESS[compression](body), content_type=content_type, content_encoding=compression)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.content == (b"" if content_type == PROTOBUF else b"{}")  # partial_success unset
    assert receiver.writer.names() == ["one", "two"]
    assert {project for project, _ in receiver.writer.rows} == {"default"}
    receiver.assert_balanced(received=2, stored=2)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_grpc(receiver: Running, compression: grpc.Compression) -> None:
    assert receiver.call(body_of("one", "two", size=1000), compression=compression) == b""
    assert receiver.writer.names() == ["one", "two"]
    receiver.assert_balanced(received=2, stored=2)


@pytest.mark.parametrize(
    ("content_type", "same_as"),
    [
        ("application/json; charset=utf-8", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/X-Protobuf", PROTOBUF),
        ("application/x-protobuf;v=1", PROTOBUF),
    ],
)
def test_content_types_in_any_spelling(receiver: Running, content_type: str, same_as: str) -> None:
    message = request("one")
    body = message.SerializeToString() if same_as == PROTOBUF else json_of(message)
    answer = receiver.post(body, content_type=content_type, content_encoding="GZIP")
    assert answer.status_code == 400  # it is not gzip
    answer = receiver.post(gzip.compress(body), content_type=content_type, content_encoding="GZIP")
    assert (answer.status_code, answer.headers["content-type"]) == (200, same_as)


def test_real_exports_in_every_form(receiver: Running) -> None:
    """One request of each capture, by every transport, encoding and compression: the same spans each time."""
    sent = 0
    for folder in sorted(path.parent for path in GOLDEN.glob("*/manifest.json")):
        forms = [
            (content_type, gzip.decompress(files[0].read_bytes()))
            for content_type, ending in ((PROTOBUF, "binpb"), (JSON, "json"))
            if (files := sorted(folder.glob(f"*.traces.{ending}.gz")))
        ]
        expected: list[Any] | None = None
        for content_type, body in forms:
            answers = [
                lambda body=body, name=name, kind=content_type: (
                    receiver.post(COMPRESS[name](body), content_type=kind, content_encoding=name).status_code
                )
                for name in COMPRESS
            ]
            if content_type == PROTOBUF:
                for kind in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
                    answers.append(lambda body=body, kind=kind: 200 if not receiver.call(body, compression=kind) else 0)
            for answer in answers:
                before = len(receiver.writer.rows)
                assert answer() == 200
                rows = receiver.writer.rows[before:]
                # Doubles have no exact text in JSON; everything else is the same.
                found = [(one.record.span_id, one.record.name, list(one.record.attributes)) for _, one in rows]
                assert found
                expected = expected or found
                assert found == expected, folder.name
                sent += 1
    assert sent > 50


def test_empty_requests_succeed(receiver: Running) -> None:
    assert receiver.call(b"") == b""
    assert receiver.post(b"").content == b""
    assert receiver.post(b"{}", content_type=JSON).content == b"{}"
    assert receiver.post(b'{"resourceSpans":[]}', content_type=JSON).content == b"{}"
    receiver.assert_balanced(received=0)
    assert receiver.writer.batches == []


def test_bodies_of_several_frames_and_in_chunks(receiver: Running) -> None:
    body = body_of("one", "two", size=50_000)
    for name in ("gzip", "zstd"):
        compress = COMPRESS[name]
        joined = compress(body[:1000]) + compress(body[1000:70_000]) + compress(body[70_000:])
        assert receiver.post(joined, content_encoding=name).status_code == 200
    chunks = (body[at : at + 1000] for at in range(0, len(body), 1000))
    headers = {"content-type": PROTOBUF}
    assert requests.post(receiver.http + "/v1/traces", data=chunks, headers=headers, timeout=10).status_code == 200
    assert len(receiver.writer.rows) == 6
    receiver.assert_balanced(received=6, stored=2, deduplicated=4)


# Partial success


def test_partial_success(receiver: Running) -> None:
    message = request("one", "two", bad=3)
    is_set, rejected, text = partial(receiver.call(message.SerializeToString()))
    assert (is_set, rejected) == (True, 3)
    assert text == "3 rejected: span_id must be 8 bytes that are not all zero"
    assert partial(receiver.post(message.SerializeToString()).content) == (True, 3, text)
    answer = receiver.post(json_of(message), content_type=JSON)
    assert answer.status_code == 200
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "3", "errorMessage": text}}
    receiver.assert_balanced(received=15, stored=2, deduplicated=4, rejected=9)


def test_a_request_with_only_bad_spans_is_a_partial_success(receiver: Running) -> None:
    message = request("good", bad=2)
    del message.resource_spans[0].scope_spans[0].spans[0]
    assert partial(receiver.call(message.SerializeToString()))[:2] == (True, 2)


def test_a_warning_is_a_partial_success_without_rejected_spans(receiver: Running) -> None:
    is_set, rejected, text = partial(receiver.call(body_of("one", size=2 << 20)))
    assert (is_set, rejected) == (True, 0)
    assert text == "1 changed: attribute values beyond the size limit were cut"


def test_answers_stay_small(receiver: Running) -> None:
    answer = receiver.call(body_of("one", bad=100_000))
    assert partial(answer)[1] == 100_000
    assert len(answer) < 5_000


def test_spans_that_the_store_refuses_are_found_and_their_neighbours_stored(start: Start) -> None:
    receiver = start(small_rows=0)

    def refuse(batch: Any) -> None:
        if any("guilty" in span.record.name for _, span in batch):
            raise InvalidInput("no")

    receiver.writer.trouble = refuse
    names = [f"good{i}" for i in range(60)]
    is_set, rejected, text = partial(receiver.call(body_of(*names[:30], "guilty1", *names[30:], "guilty2")))
    assert (is_set, rejected, text) == (True, 2, "2 rejected: the store refuses the span")
    assert receiver.writer.names() == sorted(names)
    receiver.assert_balanced(received=62, stored=60, rejected=2)


# Requests that fail


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("body", [b"hello", b"\x0a\xff\xff\xff\xff\x01", b"[1]"])
def test_unreadable_bodies(receiver: Running, content_type: str, body: bytes) -> None:
    answer = receiver.post(body, content_type=content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (400, content_type)
    if content_type == PROTOBUF:
        status = Status.FromString(answer.content)
        assert (status.code, retry_delay(status)) == (3, None)
    else:
        assert answer.json()["code"] == 3
        assert "details" not in answer.json()
    assert "retry-after" not in answer.headers


def test_an_unreadable_body_over_grpc(receiver: Running) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(b"hello")
    status, trailing = details(caught.value)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (status.code, retry_delay(status)) == (3, None)
    assert "google.rpc.retryinfo-bin" not in trailing
    assert caught.value.details() == status.message


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/plain"}, 415),
        ({"content_type": ""}, 415),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "gzip"}, 400),
        ({"content_encoding": "zstd"}, 400),
        ({"path": "/v1/metrics"}, 404),
        ({"path": "/"}, 404),
    ],
)
def test_wrong_requests(receiver: Running, headers: dict[str, str], status: int) -> None:
    assert receiver.post(body_of("one"), **headers).status_code == status
    assert receiver.writer.rows == []


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("wrong", "status", "code", "retry"),
    [
        ({"content_encoding": "gzip"}, 400, 3, False),
        ({"x_api_key": "nobody"}, 401, 16, False),
        ({"x_api_key": "reader"}, 403, 7, False),
        ({"path": "/v1/metrics"}, 404, 12, False),
        ({"method": "PUT"}, 405, 12, False),
        ({"size": 30_000}, 413, 8, False),
        ({"content_encoding": "br"}, 415, 3, False),
        ({"store": Overloaded("busy", retry_after_s=3)}, 429, 8, True),
        ({"store": Unavailable("down")}, 503, 14, True),
        ({"store": TracestoreError("defect")}, 500, 13, False),
    ],
)
def test_every_error_is_a_status_in_the_encoding_of_the_request(
    start: Start, wrong: dict[str, Any], status: int, code: int, retry: bool, content_type: str
) -> None:
    receiver = start(body_bytes=20_000, retry_s=0.001)
    wrong = dict(wrong)

    def trouble(batch: Any) -> None:
        raise error

    if error := wrong.pop("store", None):
        receiver.writer.trouble = trouble
    message = request("one", size=wrong.pop("size", 0))
    body = message.SerializeToString() if content_type == PROTOBUF else json_of(message)
    method, path = wrong.pop("method", "POST"), wrong.pop("path", "/v1/traces")
    headers = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in wrong.items()}
    answer = requests.request(method, receiver.http + path, data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    if content_type == PROTOBUF:
        told = Status.FromString(answer.content)
        assert (told.code, retry_delay(told) is not None) == (code, retry)
        assert told.message
    else:
        assert (answer.json()["code"], "details" in answer.json()) == (code, retry)
        assert answer.json()["message"]
    assert ("retry-after" in answer.headers) == retry
    assert len(answer.content) < 4_096


def test_a_body_that_does_not_arrive_in_time_may_come_again(start: Start) -> None:
    receiver = start(read_s=0.3)
    body = body_of("one")
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.server.http_port), timeout=10) as slow:
        slow.sendall(head.encode() + body[:-1])
        answer = slow.recv(4_096).decode("latin-1").lower()
    assert answer.startswith("http/1.1 429 ")
    assert "retry-after: " in answer
    receiver.assert_balanced(received=0)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_body_that_is_cut_short(receiver: Running, compression: str) -> None:
    body = COMPRESS[compression](body_of("one", "two", size=5_000))
    for end in (0, 5, len(body) // 2, len(body) - 1):
        assert receiver.post(body[:end], content_encoding=compression).status_code == 400
    receiver.assert_balanced(received=0)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(receiver: Running, method: str) -> None:
    answer = requests.request(method, receiver.http + "/v1/traces", timeout=5)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_other_grpc_methods_are_unimplemented(receiver: Running) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(b"", method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_store_that_does_not_answer_means_try_again(receiver: Running) -> None:
    def fail(batch: Any) -> None:
        raise Unavailable("down")

    receiver.writer.trouble = fail
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(body_of("one"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    status, trailing = details(caught.value)
    delay = retry_delay(status)
    assert delay is not None
    assert 2 <= delay <= 5
    assert trailing["google.rpc.retryinfo-bin"] == status.details[0].value
    for content_type, body in ((PROTOBUF, body_of("one")), (JSON, json_of(request("one")))):
        answer = receiver.post(body, content_type=content_type)
        assert (answer.status_code, answer.headers["content-type"]) == (503, content_type)
        assert 2 <= int(answer.headers["retry-after"]) <= 5
    assert answer.json()["code"] == 14
    assert answer.json()["details"][0]["retryDelay"].endswith("s")
    receiver.assert_balanced(received=3, stored=0, refused=3)


def test_a_store_that_was_only_restarting_is_tried_once_more(receiver: Running) -> None:
    failures = iter([Unavailable("down")])

    def fail_once(batch: Any) -> None:
        for error in failures:
            raise error

    receiver.writer.trouble = fail_once
    assert receiver.call(body_of("one")) == b""
    receiver.assert_balanced(received=1, stored=1, refused=0)


def test_a_defect_of_the_writer_is_not_shown(receiver: Running) -> None:
    def fail(batch: Any) -> None:
        raise RuntimeError("secret detail")

    receiver.writer.trouble = fail
    answer = receiver.post(json_of(request("one")), content_type=JSON)
    assert answer.status_code == 503
    assert "secret" not in answer.text


# Size


def test_bodies_over_the_limit(start: Start) -> None:
    receiver = start(body_bytes=1 << 20, in_flight_bytes=4 << 20)
    body = body_of("one", size=2 << 20)
    assert receiver.post(body).status_code == 413
    for name in ("gzip", "zstd"):
        answer = receiver.post(COMPRESS[name](body), content_encoding=name)
        assert answer.status_code == 413
        assert "retry-after" not in answer.headers
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with pytest.raises(grpc.RpcError) as caught:
            receiver.call(body, compression=compression)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "google.rpc.retryinfo-bin" not in dict(caught.value.trailing_metadata() or ())
    assert receiver.call(body_of("one", size=1 << 19)) == b""
    receiver.assert_balanced(received=1, stored=1)


def test_a_chunked_body_over_the_limit(start: Start) -> None:
    receiver = start(body_bytes=1 << 20)
    chunks = itertools.repeat(b"x" * 65536, 64)
    try:
        answer = requests.post(
            receiver.http + "/v1/traces", data=chunks, headers={"content-type": PROTOBUF}, timeout=10
        )
    except requests.ConnectionError:
        return  # hung up on while still sending: as good
    assert answer.status_code == 413


# Concurrency


def test_64_exports_in_flight_on_one_connection(start: Start) -> None:
    receiver = start()
    gate = threading.Event()

    def wait(batch: Any) -> None:
        gate.wait(20)

    receiver.writer.trouble = wait
    with receiver.channel() as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        calls = [export.future(body_of(f"span{i}"), timeout=20) for i in range(64)]
        wait_until(lambda: receiver.ledger()["received"] == 64)
        assert not any(call.done() for call in calls)  # nobody is answered before the write returns
        assert receiver.writer.rows == []
        gate.set()
        assert [call.result() for call in calls] == [b""] * 64
    assert len(receiver.writer.batches) <= 3  # joined into few inserts
    assert receiver.writer.most_writing <= 2
    receiver.assert_balanced(received=64, stored=64)


def test_64_exports_over_http_with_keep_alive(receiver: Running) -> None:
    def send(sender: int) -> int:
        with requests.Session() as session:
            for i in range(8):
                answer = session.post(
                    receiver.http + "/v1/traces",
                    data=body_of(f"{sender}.{i}"),
                    headers={"content-type": PROTOBUF},
                    timeout=20,
                )
                assert answer.status_code == 200
                assert answer.headers.get("connection", "") != "close"
            pools = session.get_adapter(receiver.http).poolmanager.pools
            return sum(pools.get(key).num_connections for key in pools.keys())  # noqa: SIM118

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(8))) == [1] * 8
    receiver.assert_balanced(received=64, stored=64)


# Bytes at the boundary


def test_invalid_utf8_over_grpc_costs_nothing(receiver: Running) -> None:
    body = body_of("one", "two-QQQ").replace(b"QQQ", b"\xff\xfe\xff")
    is_set, rejected, text = partial(receiver.call(body))
    assert (is_set, rejected, text) == (True, 0, "1 changed: invalid UTF-8 was replaced by U+FFFD")
    assert receiver.writer.names() == ["one", "two-\ufffd\ufffd\ufffd"]
    assert len(decode_protobuf(body).records) == 2
