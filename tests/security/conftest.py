"""A real engine with the real schema, two projects, and everybody who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from tests.clickhouse.conftest import empty as empty
from tests.clickhouse.conftest import store as store
from tests.security.openapi import Operation
from tests.security.things import World, make_world
from tracestore import keys
from tracestore.clickhouse import settling
from tracestore.models import Membership, Organisation, OrganisationMembership, Project

SCOPES = (*keys.SCOPES, "respond") if "respond" not in keys.SCOPES else keys.SCOPES


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT = None
    monkeypatch.setattr(settling, "QUIET_MS", 0)
    keys._cache.clear()
    yield
    keys._cache.clear()


@pytest.fixture
def world(db: None, empty: None) -> World:
    """Project `a` with one of everything."""
    return make_world()


@pytest.fixture
def stranger(db: None) -> Project:
    """Project `b` of another organisation, empty."""
    return Project.objects.create(
        slug="b", name="B", organisation=Organisation.objects.create(slug="organisation-b", name="B")
    )


def by_key(project: Project) -> Client:
    """A key that may do everything in its project."""
    key = keys.create(project, "all", tuple(SCOPES))
    return Client(headers={"authorization": f"Bearer {key}"}, raise_request_exception=False)


def by_login(project: Project) -> Client:
    """The browser of an owner of the project and its organisation."""
    user = User.objects.create_user(f"owner-{project.slug}", password="engine-of-1843")
    Membership.objects.create(user=user, project=project, role=Membership.Role.OWNER)
    OrganisationMembership.objects.create(user=user, organisation=project.organisation, role=Membership.Role.OWNER)
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def send(browser: Client, operation: Operation, address: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    """The status and the body of the answer; of a stream that does not end, what comes at once."""
    if operation.method == "get":
        response = browser.get(address, headers=headers or None)
    else:
        call = getattr(browser, operation.method)
        response = call(address, {} if body is None else body, content_type="application/json", headers=headers or None)
    if not response.streaming:
        return response.status_code, response.content
    return response.status_code, async_to_sync(beginning)(response.streaming_content)


async def beginning(chunks: AsyncIterator[bytes], seconds: float = 1.5) -> bytes:
    got = b""
    try:
        async with asyncio.timeout(seconds):
            async for chunk in chunks:
                got += chunk
    except TimeoutError:
        pass
    return got
