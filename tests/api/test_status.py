"""`GET /api/v1/status/`: a project's own figures to who may read it, those of the whole to owners and admins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.api.conftest import with_key
from tracestore import passes
from tracestore.alerts.models import Channel
from tracestore.clickhouse import store_status
from tracestore.clickhouse.detecting import looking
from tracestore.clickhouse.store_status import Growth, Rate, Table
from tracestore.errors import Unavailable
from tracestore.models import Membership, Project
from tracestore.status import ingest_figures, reading
from tracestore.status.ingest_figures import IngestFigures

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/status/"
WHOLE = {"jobs", "ingest", "disk"}
asked: list[str | None] = []


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reading.forget()
    passes.forget()
    asked.clear()

    def rate(project: str | None, now_ns: int) -> Rate:
        asked.append(project)
        minute = now_ns // 10**9 // 60 * 60 - 60
        return Rate(12.5, {minute: 600})

    monkeypatch.setattr(store_status, "rate", rate)
    monkeypatch.setattr(store_status, "waiting", lambda project: (2, 1.5))
    monkeypatch.setattr(store_status, "tables", lambda: [Table("stored_spans", 10, 10**9)])
    monkeypatch.setattr(store_status, "space", lambda: (10**10, 10**11))
    monkeypatch.setattr(store_status, "growth", lambda: [Growth("default", 100, 10, 0), Growth("gone", 1, 1, 0)])
    monkeypatch.setattr(store_status, "versions", lambda: ("26.9.1", ["0001_stored_spans.sql", "10_spans.sql"]))
    monkeypatch.setattr(looking, "looked_until", lambda job: 0)
    monkeypatch.setattr(ingest_figures, "read", lambda environment: IngestFigures(processes=1))
    yield
    reading.forget()


def sections(answer: Any) -> dict[str, dict[str, Any]]:
    return {section["id"]: {item["id"]: item for item in section["items"]} for section in answer["sections"]}


def test_a_reader_sees_the_project_and_nothing_of_the_whole(default_project: Project) -> None:
    response = with_key(default_project).get(ADDRESS)
    assert response.status_code == 200
    answer = response.json()
    found = sections(answer)
    assert set(found) == {"rate", "lag", "failures", "versions"}
    assert found["rate"]["ingest_rate"]["figure"] == 12.5
    assert set(found["versions"]) == {"version"}
    assert answer["tables"] is None
    assert asked == ["default"]
    assert [one["spans"] for one in answer["minutes"]] == [600]


def test_an_admin_sees_the_whole(default_project: Project) -> None:
    passes.done("settle_traces")
    answer = with_key(default_project, "read", "admin").get(ADDRESS).json()
    found = sections(answer)
    assert set(found) >= WHOLE
    assert found["jobs"]["job_settle_traces"]["level"] == "ok"
    assert found["disk"]["disk_full_days"]["unit"] == "days"
    assert found["versions"]["engine"]["text"] == "26.9.1"
    assert found["versions"]["schema"]["level"] == "bad"
    assert answer["tables"] == [{"table": "stored_spans", "rows": 10, "bytes_on_disk": 10**9}]
    assert asked == ["default", None]


@pytest.mark.parametrize(("role", "whole"), [("owner", True), ("admin", True), ("member", False), ("viewer", False)])
def test_roles(user: User, role: str, whole: bool) -> None:
    Membership.objects.filter(user=user).update(role=role)
    client = Client()
    client.force_login(user)
    assert (sections(client.get(ADDRESS).json()).keys() >= WHOLE) == whole


def test_a_key_without_read_is_refused(default_project: Project) -> None:
    assert with_key(default_project, "ingest").get(ADDRESS).status_code == 403


def test_a_store_that_is_away_is_told_and_not_an_error(
    default_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[tuple[object, ...]] = []

    def away(*asked: object) -> None:
        questions.append(asked)
        raise Unavailable("The store does not answer. Try again shortly.")

    for name in ("rate", "waiting", "tables", "space", "growth", "versions"):
        monkeypatch.setattr(store_status, name, away)
    response = with_key(default_project, "read", "admin").get(ADDRESS)
    assert response.status_code == 200
    answer = response.json()
    assert answer["level"] == "bad"
    assert answer["minutes"] is None
    # A store that hangs would take its patience each time.
    assert len(questions) == 1
    assert sections(answer)["rate"]["store"]["level"] == "bad"


def test_ingest_that_is_away(default_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(environment: object) -> IngestFigures:
        raise OSError("refused")

    monkeypatch.setattr(ingest_figures, "read", away)
    answer = with_key(default_project, "read", "admin").get(ADDRESS).json()
    assert sections(answer)["ingest"]["ingest"]["level"] == "bad"


def test_channels_of_another_project_are_not_told(default_project: Project, other_project: Project) -> None:
    Channel.objects.create(project=other_project, name="theirs", kind="slack", enabled=False, disabled_reason="404")
    found = sections(with_key(default_project, "read", "admin").get(ADDRESS).json())
    assert found["failures"]["channels_disabled"]["figure"] == 0
    Channel.objects.create(project=default_project, name="ours", kind="slack", enabled=False, disabled_reason="404")
    found = sections(with_key(default_project).get(ADDRESS).json())
    assert found["failures"]["channels_disabled"]["level"] == "bad"
    assert "ours" in found["failures"]["channels_disabled"]["advice"]
