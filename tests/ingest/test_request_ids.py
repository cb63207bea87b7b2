"""Ingest tells the id of a request to its sender and writes it into the log lines of the request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import grpc
import pytest
import requests
from receiving import TRACES, Running, body_of

from tracestore import logs

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def test_over_http(receiver: Running) -> None:
    answer = receiver.post(body_of("one"), x_request_id="from-the-proxy")
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "from-the-proxy")
    assert len(receiver.post(b"\xff", x_request_id="a b").headers["x-request-id"]) == 32
    assert requests.get(receiver.http + "/healthz", timeout=5).headers["x-request-id"]


def test_over_grpc(receiver: Running) -> None:
    with receiver.channel() as channel:
        call = channel.unary_unary(TRACES)
        _, told = call.with_call(body_of("one"), timeout=20, metadata=(("x-request-id", "mine"),))
        assert dict(told.trailing_metadata())["x-request-id"] == "mine"
        with pytest.raises(grpc.RpcError) as caught:
            call(body_of("one"), timeout=20, metadata=(("authorization", "Bearer wrong"),))
        assert len(dict(caught.value.trailing_metadata())["x-request-id"]) == 32
        assert "grpc-status-details-bin" in dict(caught.value.trailing_metadata())


def test_a_defect_is_logged_with_it(receiver: Running, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("defect")

    monkeypatch.setattr(receiver.server.receiver.rate_limits, "admit", broken)
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert receiver.post(body_of("one"), x_request_id="http-1", traceparent=parent).status_code == 500
    with pytest.raises(grpc.RpcError):
        receiver.call(body_of("one"), metadata=(("x-request-id", "grpc-1"),))
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    told = [(line["request_id"], line.get("trace_id")) for line in found if line["event"] == "ingest defect"]
    assert told == [("http-1", TRACE), ("grpc-1", None)]
