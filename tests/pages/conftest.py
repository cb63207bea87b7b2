"""Pages with a store in memory, a project and a logged-in member."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.pages import sample_traces
from tests.pages.fake_reader import FakeReader
from tracestore.clickhouse import reader
from tracestore.models import Membership, Project


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    made = FakeReader()
    monkeypatch.setattr(reader, "get_reader", lambda: made)
    return made


@pytest.fixture
def filled(store: FakeReader) -> FakeReader:
    spans, details = sample_traces.support_trace()
    store.add(spans, details, findings=2)
    spans, details = sample_traces.hostile_trace()
    store.add(spans, details)
    store.add(sample_traces.odd_trace())
    return store


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """The real hasher takes half a second, on purpose; nothing here is about that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def member(db: None) -> User:
    user = User.objects.create_user("ada", password="engine-of-1843")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=Membership.Role.MEMBER)
    return user


@pytest.fixture
def browser_client(member: User) -> Iterator[Client]:
    """Django's test client, logged in; named so as not to hide pytest-django's `client`."""
    client = Client()
    client.force_login(member)
    return client
