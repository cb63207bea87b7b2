"""A reader that answers from memory, and clients that prove who they are in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from dashboard.api import traces
from tests.api import rows
from tests.pages.fake_reader import in_short
from tracestore import keys
from tracestore.clickhouse.orders import NEWEST, Order
from tracestore.clickhouse.rows import Page, SpanDetail, SpanRow, TimelineSpan, TraceFilter, TraceSummary
from tracestore.errors import NotFound
from tracestore.models import Membership, Project


@dataclass
class FakeReader:
    """Holds spans of projects; records what the list was asked for."""

    spans_of: dict[tuple[str, str], list[SpanDetail]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None
    fails: Exception | None = None

    def add(self, project: str, details: list[SpanDetail]) -> None:
        self.spans_of[project, details[0].row.trace_id] = details

    def found(self, project: str, trace_id: str) -> list[SpanDetail]:
        if self.fails is not None:
            raise self.fails
        return self.spans_of.get((project, trace_id), [])

    def list_traces(
        self, project: str, wanted: TraceFilter, *, limit: int = 100, cursor: str | None = None, order: Order = NEWEST
    ) -> Page[TraceSummary]:
        if self.fails is not None:
            raise self.fails
        self.asked.append({"project": project, "wanted": wanted, "limit": limit, "cursor": cursor, "order": order})
        found = [rows.summary(trace_id) for owner, trace_id in self.spans_of if owner == project]
        return Page(found[:limit], self.next)

    def trace(self, project: str, trace_id: str) -> TraceSummary:
        if not self.found(project, trace_id):
            raise NotFound("There is no such trace in this project.")
        return rows.summary(trace_id)

    def spans(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanRow]:
        return [detail.row for detail in self.found(project, trace_id)][:limit]

    def timeline(self, project: str, trace_id: str, *, limit: int) -> list[TimelineSpan]:
        return [in_short(row) for row in self.spans(project, trace_id, limit=limit)]

    def spans_full(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanDetail]:
        return self.found(project, trace_id)[:limit]

    def span(self, project: str, trace_id: str, span_id: str) -> SpanDetail:
        for detail in self.found(project, trace_id):
            if detail.row.span_id == span_id:
                return detail
        raise NotFound("There is no such span in this project.")


@pytest.fixture(autouse=True)
def api_addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.STATIC_ROOT = None  # no collectstatic in tests, and whitenoise warns of a missing folder


@pytest.fixture
def reader(db: None, monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    """The store, with one trace of two spans in project `default`."""
    made = FakeReader()
    made.add("default", rows.trace(spans=2))
    monkeypatch.setattr(traces, "get_reader", lambda: made)
    return made


@pytest.fixture
def default_project(db: None) -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


@pytest.fixture
def other_project(db: None) -> Project:
    return Project.objects.create(slug="other", name="Other")


@pytest.fixture
def user(default_project: Project) -> User:
    made = User.objects.create_user("ada", password="correct horse battery")
    Membership.objects.create(user=made, project=default_project, role=Membership.Role.MEMBER)
    return made


@pytest.fixture
def key_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an installation that others can reach."""
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, require_api_key=True))


@pytest.fixture(autouse=True)
def no_remembered_keys() -> Iterator[None]:
    keys._cache.clear()
    yield
    keys._cache.clear()


def with_key(project: Project, *scopes: str) -> Client:
    key = keys.create(project, "test", scopes or ("read",))
    return Client(headers={"authorization": f"Bearer {key}"})
