"""Probes and metrics."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory

from dashboard import health, metrics
from tests.api.conftest import FakeReader
from tests.api.rows import TRACE_ID
from tracestore.clickhouse import client as clickhouse
from tracestore.errors import Unavailable


def answers() -> None:
    return None


def down() -> None:
    raise Unavailable("The store does not answer.")


def test_alive_without_anything_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "ping", down)
    assert client.get("/healthz").status_code == 200
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready_when_all_parts_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "ping", answers)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "checks": {"database": {"ok": True}, "store": {"ok": True}},
    }


@pytest.mark.django_db
def test_not_ready_names_the_part(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "ping", down)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["store"] == {"ok": False, "reason": "The store does not answer."}
    assert response.json()["checks"]["database"] == {"ok": True}


@pytest.mark.django_db
def test_not_ready_before_migrations(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "ping", answers)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [("m", False)])
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "migrate" in response.json()["checks"]["database"]["reason"]


@pytest.mark.django_db
def test_the_databases_words_are_not_shown(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseError("password=hunter2 refused")

    monkeypatch.setattr(clickhouse, "ping", answers)
    monkeypatch.setattr(connection, "ensure_connection", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert b"hunter2" not in response.content


@pytest.mark.django_db
def test_metrics_count_routes_not_addresses(client: Client, reader: FakeReader) -> None:
    request = RequestFactory().get(f"/api/v1/traces/{TRACE_ID}/")
    from django.urls import resolve

    request.resolver_match = resolve(request.path)
    metrics.count_requests(lambda _: HttpResponse())(request)
    odd = RequestFactory().generic("BREW", "/nowhere/")
    metrics.count_requests(lambda _: HttpResponse(status=404))(odd)

    text = client.get("/metrics").content.decode()
    assert 'route="/api/v1/traces/<str:trace_id>/",status="200"' in text
    assert 'method="other",route="unmatched",status="404"' in text
    assert TRACE_ID not in text
    assert "tracestore_build_info" in text
    assert "tracestore_http_request_duration_seconds_bucket" in text
    assert "process_resident_memory_bytes" in text


def test_metrics_are_counted_under_asgi_too() -> None:
    from asgiref.sync import async_to_sync

    before = metrics.REQUESTS.labels("GET", "unmatched", "204")._value.get()

    async def answer(_: object) -> HttpResponse:
        return HttpResponse(status=204)

    async def run() -> None:
        response = metrics.count_requests(answer)(AsyncRequestFactory().get("/"))
        await response  # type: ignore[misc]

    async_to_sync(run)()
    assert metrics.REQUESTS.labels("GET", "unmatched", "204")._value.get() == before + 1
