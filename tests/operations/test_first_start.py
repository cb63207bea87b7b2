"""The first start: everything is there after one, nothing is changed by the next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings
from django.contrib.auth import authenticate

from tracestore import first_start, keys
from tracestore.environment import Environment
from tracestore.models import ApiKey, LoginLink, Membership, Project

pytestmark = pytest.mark.django_db


def environment(**changes: str | None) -> Environment:
    return replace(settings.ENVIRONMENT, **changes)  # type: ignore[arg-type]


def test_a_first_start_makes_project_owner_and_key() -> None:
    done = first_start.prepare(environment(admin_password="a long password", api_key="key-of-the-operator"))
    assert len(done.added) == 5
    assert Project.objects.get().slug == "default"
    assert Membership.objects.get(user=done.admin).role == Membership.Role.OWNER
    assert authenticate(username="admin", password="a long password") == done.admin
    found = keys.identify("key-of-the-operator")
    assert found is not None
    assert (found.project, found.scopes) == ("default", frozenset(keys.SCOPES))


def test_the_next_start_changes_nothing() -> None:
    given = environment(admin_password="a long password", api_key="key-of-the-operator")
    admin = first_start.prepare(given).admin
    admin.set_password("changed by its owner")
    admin.save()
    ApiKey.objects.update(name="renamed", scopes=["ingest"])
    assert first_start.prepare(given).added == ()
    assert authenticate(username="admin", password="changed by its owner") is not None
    assert ApiKey.objects.get().scopes == ["ingest"]


def test_without_a_password_only_the_link_gets_in() -> None:
    done = first_start.prepare(environment(admin_password=None, api_key=None))
    assert not done.admin.has_usable_password()
    assert ApiKey.objects.count() == 0
    assert first_start.login_token(done.admin)
    assert LoginLink.objects.get().user == done.admin


def test_a_password_may_be_given_later_while_there_is_none() -> None:
    first_start.prepare(environment(admin_password=None))
    assert first_start.prepare(environment(admin_password="given later on")).added == ("the password of admin",)
    assert authenticate(username="admin", password="given later on") is not None


def test_the_demo_has_one_key_that_can_send_and_ask() -> None:
    project = first_start.prepare(environment()).project
    old, new = first_start.demo_key(project), first_start.demo_key(project)
    assert old != new
    found = keys.identify(new)
    assert found is not None
    assert found.scopes == frozenset({"ingest", "read"})
    assert ApiKey.objects.filter(name=first_start.DEMO_KEY_NAME).count() == 1
