"""Saved views: whose they are, what they hold, and that deleting can be undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.api.conftest import with_key
from tracestore.models import Membership, Project, SavedView

pytestmark = pytest.mark.django_db

VIEWS = "/api/v1/saved-views/"


def login(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(default_project: Project) -> User:
    made = User.objects.create_user("grace")
    Membership.objects.create(user=made, project=default_project, role=Membership.Role.ADMIN)
    return made


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return getattr(client, method)(path, body, content_type="application/json")


def names(client: Client) -> list[str]:
    return [view["name"] for view in client.get(VIEWS).json()["results"]]


def test_a_view_is_saved_changed_deleted_and_brought_back(user: User) -> None:
    client = login(user)
    body = {"name": " Dear ", "query": "cost>1", "since": "24h", "sort": "cost", "columns": ["cost", "time"]}
    saved = send(client, "post", VIEWS, body).json()
    assert saved["name"] == "Dear"
    assert saved["columns"] == ["time", "cost"]
    assert (saved["own"], saved["shared"], saved["may_change"]) == (True, False, True)
    one = f"{VIEWS}{saved['id']}/"
    assert send(client, "patch", one, {"name": "Dearest"}).json()["query"] == "cost>1"
    assert send(client, "delete", one).status_code == 200
    assert names(client) == []
    assert send(client, "delete", one).status_code == 404
    assert send(client, "post", f"{one}restore/").status_code == 200
    assert names(client) == ["Dearest"]


def test_what_is_deleted_is_forgotten_after_a_day(user: User) -> None:
    client = login(user)
    saved = send(client, "post", VIEWS, {"name": "old"}).json()
    send(client, "delete", f"{VIEWS}{saved['id']}/")
    SavedView.objects.update(deleted_at=timezone.now() - timedelta(days=2))
    send(client, "post", VIEWS, {"name": "new"})
    assert send(client, "post", f"{VIEWS}{saved['id']}/restore/").status_code == 404


def test_personal_views_are_nobody_elses(user: User, admin: User) -> None:
    mine, other = login(user), login(admin)
    saved = send(mine, "post", VIEWS, {"name": "mine"}).json()
    assert names(other) == []
    assert send(other, "patch", f"{VIEWS}{saved['id']}/", {"name": "x"}).status_code == 404


def test_shared_views_are_seen_by_all_and_changed_by_owner_and_admin(user: User, admin: User) -> None:
    of_admin = send(login(admin), "post", VIEWS, {"name": "for all", "shared": True}).json()
    assert names(login(user)) == ["for all"]
    assert send(login(user), "patch", f"{VIEWS}{of_admin['id']}/", {"name": "x"}).status_code == 403
    of_user = send(login(user), "post", VIEWS, {"name": "mine for all", "shared": True}).json()
    assert send(login(admin), "patch", f"{VIEWS}{of_user['id']}/", {"name": "x"}).status_code == 200


def test_keys_save_for_the_project_and_need_admin(default_project: Project, other_project: Project) -> None:
    assert send(with_key(default_project, "read"), "post", VIEWS, {"name": "x"}).status_code == 403
    made = send(with_key(default_project, "read", "admin"), "post", VIEWS, {"name": "x"})
    assert made.status_code == 201
    assert made.json()["shared"] is True
    assert names(with_key(default_project, "read")) == ["x"]
    stranger = with_key(other_project, "read", "admin")
    assert names(stranger) == []
    assert send(stranger, "delete", f"{VIEWS}{made.json()['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "x", "query": "cost>much"}, "query"),
        ({"name": "x", "columns": ["beauty"]}, "columns"),
        ({"name": "x", "columns": "time"}, "columns"),
        ({"name": "x", "sort": "beauty"}, "sort"),
        ({"name": "x", "since": "soon"}, "since"),
        ({"name": "x", "shared": "yes"}, "shared"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(user: User, body: dict[str, Any], field: str) -> None:
    response = send(login(user), "post", VIEWS, body)
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
