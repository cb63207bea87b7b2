"""The page of the status: who sees what, and that hostile names stay text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tracestore.alerts.models import Channel
from tracestore.clickhouse import store_status
from tracestore.clickhouse.detecting import looking
from tracestore.clickhouse.store_status import Growth, Rate, Table
from tracestore.errors import Unavailable
from tracestore.models import Membership, Project
from tracestore.status import ingest_figures, reading
from tracestore.status.ingest_figures import IngestFigures

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/status/"


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reading.forget()
    monkeypatch.setattr(
        store_status, "rate", lambda project, now_ns: Rate(12.5, {now_ns // 10**9 // 60 * 60 - 60: 600})
    )
    monkeypatch.setattr(store_status, "waiting", lambda project: (0, 0.0))
    monkeypatch.setattr(store_status, "tables", lambda: [Table("stored_spans", 10, 10**9)])
    monkeypatch.setattr(store_status, "space", lambda: (10**10, 10**11))
    monkeypatch.setattr(store_status, "growth", lambda: [Growth("default", 100, 10, 0)])
    monkeypatch.setattr(store_status, "versions", lambda: ("26.9.1", ["0001_stored_spans.sql"]))
    monkeypatch.setattr(looking, "looked_until", lambda job: 0)
    monkeypatch.setattr(ingest_figures, "read", lambda environment: IngestFigures(processes=1))
    yield
    reading.forget()


def test_a_member_sees_the_project(browser_client: Client) -> None:
    page = browser_client.get(ADDRESS).content.decode()
    assert "12.5 spans/s" in page
    assert 'data-figure="ingest-rate-figure"' in page
    assert "Nothing needs anybody." in page
    assert "stored_spans" not in page
    assert "Jobs of the worker" not in page


def test_an_owner_sees_the_whole(browser_client: Client, member: User) -> None:
    Membership.objects.filter(user=member).update(role="owner")
    page = browser_client.get(ADDRESS).content.decode()
    assert "Jobs of the worker" in page
    assert "stored_spans" in page
    assert "Full in" in page


def test_what_is_refreshed_is_only_the_part_that_changes(browser_client: Client) -> None:
    page = browser_client.get(ADDRESS, headers={"HX-Request": "true"}).content.decode()
    assert "<nav" not in page
    assert "12.5 spans/s" in page


def test_a_hostile_channel_stays_text_and_the_store_may_be_away(
    browser_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("The store does not answer. Try again shortly.")

    monkeypatch.setattr(store_status, "rate", away)
    project = Project.objects.get(slug="default")
    Channel.objects.create(
        project=project, name="<script>x</script>", kind="slack", enabled=False, disabled_reason="<img src=x>"
    )
    response = browser_client.get(ADDRESS)
    page = response.content.decode().split("<main")[1]
    assert response.status_code == 200
    assert "<script>x" not in page
    assert "<img" not in page
    assert "&lt;script&gt;x" in page
    assert "3 things need somebody." in page


def test_it_takes_a_login() -> None:
    assert Client().get(ADDRESS).status_code == 302
