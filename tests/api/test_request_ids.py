"""The id of a request: taken or made, told in the answer, in every log line of the request."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory

from dashboard import request_ids as middleware
from tracestore import logs, request_ids

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, in the form of the log files."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter())
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    structlog.contextvars.clear_contextvars()


def read(lines: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize("sent", ["a", "3f2a-11", "REQ_1.2:3/4+5=", "x" * 128])
def test_a_plain_id_is_kept(sent: str) -> None:
    assert request_ids.request_id(sent) == sent


@pytest.mark.parametrize("sent", [None, "", "-a", "a b", "a\nb", "a\x1b[31m", 'a"b', "ä", "x" * 129, "a;b", "<b>"])
def test_anything_else_gets_one_of_ours(sent: str | None) -> None:
    made = request_ids.request_id(sent)
    assert made != sent
    assert len(made) == 32
    assert made != request_ids.request_id(sent)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (TRACEPARENT, TRACE),
        (f"01-{TRACE}-b7ad6b7169203331-01-more", TRACE),
        (f"00-{TRACE}-b7ad6b7169203331-01-more", ""),
        (f"ff-{TRACE}-b7ad6b7169203331-01", ""),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", ""),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_traceparent(header: str | None, found: str) -> None:
    assert request_ids.trace_id(header) == found


def test_the_answer_tells_it(client: Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "from-the-proxy-7"})["x-request-id"] == "from-the-proxy-7"
    first, second = (client.get("/healthz")["x-request-id"] for _ in range(2))
    assert first != second


def test_every_log_line_of_a_request_has_it(lines: io.StringIO) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        structlog.get_logger("ours").info("by us")
        logging.getLogger("theirs").warning("by the library")
        return HttpResponse()

    answer = middleware.name_requests(view)
    answer(RequestFactory().get("/", headers={"x-request-id": "one", "traceparent": TRACEPARENT}))
    answer(RequestFactory().get("/", headers={"x-request-id": "two"}))
    found = [(line["event"], line["request_id"], line.get("trace_id")) for line in read(lines)]
    assert found == [("by us", "one", TRACE), ("by the library", "one", TRACE), ("by us", "two", None),
                     ("by the library", "two", None)]  # fmt: skip


def test_requests_at_once_do_not_mix(lines: io.StringIO) -> None:
    both = asyncio.Barrier(2)

    def in_a_thread() -> None:
        structlog.get_logger("ours").info("in a thread")

    async def view(request: HttpRequest) -> HttpResponse:
        await both.wait()
        await sync_to_async(in_a_thread)()
        structlog.get_logger("ours").info(request.path)
        return HttpResponse()

    async def run() -> None:
        answer = middleware.name_requests(view)
        paths = ("/a", "/b")
        requests = [AsyncRequestFactory().get(path, headers={"x-request-id": path[1:]}) for path in paths]
        await asyncio.gather(*(answer(request) for request in requests))  # type: ignore[arg-type]

    asyncio.run(run())
    found = read(lines)
    assert sorted(line["request_id"] for line in found if line["event"] == "in a thread") == ["a", "b"]
    assert all(line["event"] == "/" + line["request_id"] for line in found if line["event"] != "in a thread")
    assert len(found) == 4


def test_a_failure_is_found_by_the_id_of_its_answer(lines: io.StringIO) -> None:
    async def run() -> HttpResponse:
        return await AsyncClient().get("/nowhere-at-all/")

    response = asyncio.run(run())
    assert response.status_code == 404
    assert [line["request_id"] for line in read(lines) if line["logger"] == "django.request"] == [
        response["x-request-id"]
    ]
