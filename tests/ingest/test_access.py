"""Keys, and the pages for operators."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc
import pytest
import requests
from receiving import KEYS, Running, body_of

from ingest import auth
from ingest.status import TABLE
from tracestore import errors

Start = Callable[..., Running]
CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("headers", "project"),
    [
        ({}, "default"),
        ({"authorization": "Bearer sender"}, "alpha"),
        ({"authorization": "bearer   other "}, "beta"),
        ({"x-api-key": "sender"}, "alpha"),
        ({"x-api-key": ""}, "default"),
        ({"authorization": "Basic abc", "x-api-key": "other"}, "beta"),
    ],
)
def test_the_key_names_the_project(receiver: Running, headers: dict[str, str], project: str) -> None:
    assert receiver.post(body_of("one"), **headers).status_code == 200
    assert receiver.call(body_of("one"), metadata=tuple(headers.items())) == b""
    assert [row[0] for row in receiver.writer.rows] == [project] * 2


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer wrong"}, 401, CODE.UNAUTHENTICATED),
        ({"x-api-key": "wrong"}, 401, CODE.UNAUTHENTICATED),
        ({"authorization": "Basic abc"}, 401, CODE.UNAUTHENTICATED),
        ({"authorization": "sender"}, 401, CODE.UNAUTHENTICATED),
        ({"x-api-key": "reader"}, 403, CODE.PERMISSION_DENIED),
    ],
)
@pytest.mark.parametrize("require_key", [True, False])
def test_wrong_keys(start: Start, require_key: bool, headers: dict[str, str], status: int, code: CODE) -> None:
    receiver = start(require_key=require_key)
    answer = receiver.post(body_of("one"), **headers)
    assert answer.status_code == status
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(body_of("one"), metadata=tuple(headers.items()))
    assert caught.value.code() is code
    assert "google.rpc.retryinfo-bin" not in dict(caught.value.trailing_metadata())
    assert receiver.writer.rows == []


def test_a_key_where_one_is_required(start: Start) -> None:
    receiver = start(require_key=True)
    assert receiver.post(body_of("one")).status_code == 401
    assert receiver.post(b"", path="/v1/logs").status_code == 401
    with pytest.raises(grpc.RpcError) as caught:
        receiver.call(body_of("one"))
    assert caught.value.code() is CODE.UNAUTHENTICATED
    assert receiver.post(body_of("one"), x_api_key="sender").status_code == 200


def test_a_revoked_key_stops_working(receiver: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "CACHE_SECONDS", 0.1)
    monkeypatch.setitem(KEYS, "brief", KEYS["sender"])
    assert receiver.post(body_of("one"), x_api_key="brief").status_code == 200
    monkeypatch.delitem(KEYS, "brief")
    time.sleep(0.15)
    assert receiver.post(body_of("one"), x_api_key="brief").status_code == 401


def test_projects_stay_apart_in_one_insert(start: Start) -> None:
    receiver = start(gather_s=10)
    receiver.post(body_of("zero", "null"))
    with receiver.channel() as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        calls = [export.future(body_of(key), metadata=(("x-api-key", key),), timeout=10) for key in ("sender", "other")]
        for call in calls:
            call.result()
    assert receiver.writer.batches[-1] == 2
    assert {(project, span.record.name) for project, span in receiver.writer.rows} == {
        ("default", "zero"),
        ("default", "null"),
        ("alpha", "sender"),
        ("beta", "other"),
    }


def test_every_error_has_a_status_and_only_retryable_ones_say_so() -> None:
    """OTLP's list of retryable codes; RESOURCE_EXHAUSTED counts only with RetryInfo."""
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    assert codes == set(TABLE)
    retryable = {CODE.CANCELLED, CODE.DEADLINE_EXCEEDED, CODE.ABORTED, CODE.OUT_OF_RANGE, CODE.UNAVAILABLE}
    for status in TABLE.values():
        if status.retryable:
            assert status.grpc in retryable | {CODE.RESOURCE_EXHAUSTED}
            assert status.http in (429, 502, 503, 504)
        else:
            assert status.grpc not in retryable
            assert status.http not in (429, 502, 503, 504)


def test_pages_for_operators(receiver: Running) -> None:
    def get(path: str) -> requests.Response:
        return requests.get(receiver.http + path, timeout=5)

    receiver.call(body_of("one", bad=2))
    receiver.post(b"hello")
    page = get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    for line in (
        'tracestore_ingest_spans_total{outcome="received",reason=""} 3.0',
        'tracestore_ingest_spans_total{outcome="stored",reason=""} 1.0',
        'tracestore_ingest_spans_total{outcome="rejected",reason="span_id"} 2.0',
        'tracestore_ingest_requests_total{code="OK",transport="grpc"} 1.0',
        'tracestore_ingest_requests_total{code="400",transport="http"} 1.0',
        "tracestore_ingest_in_flight_bytes 0.0",
        "tracestore_ingest_queued_spans 0.0",
        "tracestore_store_insert_rows_count 1.0",
    ):
        assert line in page.text
    assert get("/healthz").status_code == 200
    assert requests.post(receiver.http + "/healthz", timeout=5).status_code == 405


def test_readiness_follows_the_store(receiver: Running) -> None:
    receiver.ready.append(errors.Unavailable("the store does not answer"))
    answer = requests.get(receiver.http + "/readyz", timeout=5)
    assert (answer.status_code, answer.text) == (503, "not ready: the store does not answer\n")
    receiver.ready.clear()
    time.sleep(1.05)
    assert requests.get(receiver.http + "/readyz", timeout=5).status_code == 200
