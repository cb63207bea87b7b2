"""Exports by the API: the caller's project, proper refusals, chunks that are handed on as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client

from tests.api.conftest import with_key
from tracestore import keys
from tracestore.clickhouse import client, exporting
from tracestore.clickhouse.exporting import Export
from tracestore.errors import Unavailable
from tracestore.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/export/spans.parquet"


class Store:
    """Hands out three chunks and remembers who asked for what, and whether it was let go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Export]] = []
        self.handed = 0
        self.closed = False
        self.fails_after = 99

    def stream(self, project: str, wanted: Export) -> Iterator[bytes]:
        self.asked.append((project, wanted))
        try:
            for number in range(3):
                if number >= self.fails_after:
                    raise Unavailable("The store broke off.")
                self.handed += 1
                yield b"chunk %d;" % number
        finally:
            self.closed = True


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(exporting, "stream", made.stream)
    described = [("name", "String"), ("span_id", "String")]
    monkeypatch.setattr(client, "run", lambda *_: type("Answer", (), {"result_rows": described}))
    return made


def asked_as(project: Project, path: str) -> Any:
    headers = {"authorization": f"Bearer {keys.create(project, 'test', ('read',))}"}

    async def ask() -> Any:
        response = await AsyncClient().get(path, headers=headers)
        if response.streaming:
            return response, b"".join([chunk async for chunk in response.streaming_content])
        return response, response.content

    return asyncio.run(ask())


def test_a_file_of_the_callers_project(store: Store, other_project: Project) -> None:
    response, body = asked_as(other_project, f"{ADDRESS}?since=2026-01-01&columns=name,%20span_id")
    assert (response.status_code, body) == (200, b"chunk 0;chunk 1;chunk 2;")
    assert response["Content-Type"] == "application/vnd.apache.parquet"
    assert response["Content-Disposition"] == 'attachment; filename="other-spans.parquet"'
    ((project, wanted),) = store.asked
    assert (project, wanted.table, wanted.format, list(wanted.columns)) == (
        "other",
        "spans",
        "parquet",
        ["name", "span_id"],
    )
    assert (str(wanted.since), wanted.until) == ("2026-01-01 00:00:00+00:00", None)


def test_naming_another_project_is_refused(store: Store, other_project: Project, default_project: Project) -> None:
    response, _ = asked_as(other_project, f"{ADDRESS}?project=default")
    assert response.status_code == 404
    assert store.asked == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("export/secrets.parquet", "table"),
        ("export/spans.xlsx", "format"),
        ("export/spans.csv?columns=nothing", "columns"),
        ("export/spans.csv?since=soon", "since"),
        ("export/spans.csv?since=2026-01-02&until=2026-01-01", "since"),
    ],
)
def test_what_cannot_be_is_refused_by_name(store: Store, default_project: Project, path: str, field: str) -> None:
    response, _ = asked_as(default_project, f"/api/v1/{path}")
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
    assert store.asked == []


def test_a_key_that_may_not_read_gets_nothing(store: Store, default_project: Project) -> None:
    assert with_key(default_project, "ingest").get(ADDRESS).status_code == 403
    assert Client(REMOTE_ADDR="192.0.2.7").get(ADDRESS).status_code == 401


def test_an_error_before_the_first_chunk_is_a_proper_answer(store: Store, default_project: Project) -> None:
    store.fails_after = 0
    response, _ = asked_as(default_project, ADDRESS)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")


def test_an_error_in_the_middle_ends_the_connection(store: Store, default_project: Project) -> None:
    store.fails_after = 2
    with pytest.raises(Unavailable):
        asked_as(default_project, ADDRESS)


def test_chunks_are_asked_for_one_by_one_and_let_go_when_nobody_listens(store: Store, default_project: Project) -> None:
    headers = {"authorization": f"Bearer {keys.create(default_project, 'test', ('read',))}"}

    async def leave() -> None:
        response = await AsyncClient().get(ADDRESS, headers=headers)
        content = aiter(response.streaming_content)
        assert await anext(content) == b"chunk 0;"
        assert store.handed == 1
        await content.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    assert store.handed == 1
