"""B5 and B20: bodies to the web process, and questions to the store, that are too large."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import DataError
from django.test import Client

from dashboard import body_limit
from dashboard.api import errors
from dashboard.api.parsing import MOST_BYTES
from dashboard.body_limit import BodyLimit
from tests.security.conftest import by_key
from tests.security.things import World
from tracestore.clickhouse import client
from tracestore.errors import Unavailable


def test_a_question_that_takes_too_long_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_LIMITS", {"max_execution_time": 1})
    for ask in (client.run, client.query_arrow):
        with pytest.raises(Unavailable, match="too long"):
            ask("-- why\n\nSELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))")


def test_a_question_that_takes_too_much_memory_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_LIMITS", {"max_memory_usage": 50_000_000})
    with pytest.raises(Unavailable, match="too much memory"):
        client.run("WITH 1 AS a SELECT groupArray(toString(number)) FROM numbers(5000000)")
    assert client.run("SELECT 1").result_rows == [(1,)]


@pytest.mark.parametrize(
    ("statement", "is_question"),
    [("SELECT 1", True), ("  select 1", True), ("-- a\n-- b\nWITH 1 AS x SELECT x", True), ("(SELECT 1)", True),
     ("INSERT INTO a SELECT 1", False), ("ALTER TABLE a DELETE WHERE 1", False), ("DESCRIBE a", False)],
)  # fmt: skip
def test_what_is_a_question(statement: str, is_question: bool) -> None:
    assert (client.limited(statement, None) == client.READ_LIMITS) is is_question
    assert client.limited(statement, {"max_execution_time": 5, "a": 1})["max_execution_time"] == 5  # type: ignore[index]


def test_a_large_body_is_refused_by_the_api_in_its_own_words(world: World) -> None:
    response = by_key(world.project).post(
        "/api/v1/saved-views/", {"name": "x" * MOST_BYTES}, content_type="application/json"
    )
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_a_value_that_the_database_cannot_hold_is_the_askers_mistake() -> None:
    response = errors.handle(DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), {})
    assert (response.status_code, response.data["error"]["code"]) == (400, "invalid_input")
    assert "PostgreSQL" not in str(response.data)


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize(
    ("announced", "chunks", "status", "read"),
    [
        (None, 2, 200, 2),
        (None, 10_000, 413, body_limit.MOST // 65_536 + 1),  # chunked, without an end
        (b"9999999999", 10_000, 413, 0),
        (b"9" * 400, 10_000, 413, 0),
        (b"131072", 2, 200, 2),
    ],
)
def test_no_body_is_read_to_its_end_however_it_comes(
    announced: bytes | None, chunks: int, status: int, read: int
) -> None:
    left, sent = chunks, []

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": left > 0}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if announced is None else [(b"content-length", announced)]
    asyncio.run(BodyLimit(reads_all)({"type": "http", "headers": headers}, receive, send))
    assert sent[0]["status"] == status
    assert chunks - left == read


def test_the_web_process_has_the_limit() -> None:
    from tracestore.asgi import application
    from tracestore.verdicts.service import service

    # What serves has a thread that keeps verdicts fresh; tests must not have it behind their backs.
    service.stop()
    found: Any = application
    seen = []
    while found is not None:
        seen.append(type(found).__name__)
        found = getattr(found, "app", None)
    assert "BodyLimit" in seen


def test_a_client_that_leaves_a_form_open_is_nobody(db: None) -> None:
    """A multipart body in a form that takes none: read by nobody's leave, and no 500."""
    response = Client(raise_request_exception=False).post("/login/", b"x" * 100, content_type="multipart/form-data")
    assert response.status_code < 500
