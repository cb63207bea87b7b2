"""Keys by API: shown once, rotated with an overlap, ended, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboard.api.keys import KeyShape, MadeKey
from tests.api.conftest import with_key
from tracestore import keys
from tracestore.models import ApiKey, Membership, Project

KEYS = "/api/v1/keys/"


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "admin")


def post(client: Client, path: str, body: object) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_a_key_is_shown_once_and_works(admin: Client) -> None:
    answer = post(admin, KEYS, {"name": "checkout", "scopes": ["ingest"], "expires_in_hours": 2})
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == set(MadeKey().fields)
    assert keys.identify(made["key"]) == keys.Identity("default", frozenset({"ingest"}), made["prefix"])
    listed = admin.get(KEYS).json()["results"]
    assert [set(one) for one in listed] == [set(KeyShape().fields)] * 2
    assert made["key"] not in json.dumps(listed)
    assert (listed[0]["state"], listed[0]["last_used_at"] is not None) == ("active", True)


def test_both_keys_work_until_the_overlap_ends(admin: Client) -> None:
    old = post(admin, KEYS, {"name": "checkout", "scopes": ["ingest", "read"]}).json()
    new = post(admin, f"{KEYS}{old['id']}/rotate/", {"overlap_hours": 1}).json()
    assert (new["name"], new["scopes"]) == ("checkout", ["ingest", "read"])
    assert keys.identify(old["key"])
    assert keys.identify(new["key"])
    left = ApiKey.objects.get(pk=old["id"]).expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    ApiKey.objects.filter(pk=old["id"]).update(expires_at=timezone.now())
    keys._cache.clear()
    assert keys.identify(old["key"]) is None
    assert keys.identify(new["key"])
    again = post(admin, f"{KEYS}{old['id']}/rotate/", {})
    assert (again.status_code, "expired" in again.json()["error"]["message"]) == (400, True)


def test_a_revoked_key_stays_in_the_list(admin: Client) -> None:
    made = post(admin, KEYS, {"name": "old", "scopes": ["read"]}).json()
    assert admin.delete(f"{KEYS}{made['id']}/").json()["state"] == "revoked"
    keys._cache.clear()
    assert keys.identify(made["key"]) is None
    assert admin.get(KEYS).json()["results"][0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"scopes": ["read"]}, "name"),
        ({"name": " ", "scopes": ["read"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": "read"}, "scopes"),
        ({"name": "x", "scopes": ["root"]}, "scopes"),
        ({"name": "x", "scopes": [["read"]]}, "scopes"),
        ({"name": "x", "scopes": ["read"], "expires_in_hours": 0}, "expires_in_hours"),
        ({"name": "x", "scopes": ["read"], "expires_in_hours": True}, "expires_in_hours"),
        ({"name": "x", "scopes": ["read"], "key": "mine"}, "key"),
    ],
)
def test_what_is_wrong_is_named(admin: Client, sent: dict[str, Any], field: str) -> None:
    answer = post(admin, KEYS, sent)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_only_an_admin_and_only_of_this_project(admin: Client, default_project: Project) -> None:
    other = keys.create(Project.objects.create(slug="other", name="Other"), "theirs", ("admin",))
    row = ApiKey.objects.get(digest=keys.digest(other))
    assert admin.delete(f"{KEYS}{row.pk}/").status_code == 404
    assert post(admin, f"{KEYS}{row.pk}/rotate/", {}).status_code == 404
    assert row.prefix not in [one["prefix"] for one in admin.get(KEYS).json()["results"] if one["name"] == "theirs"]
    reader = with_key(default_project, "read", "ingest", "sql")
    assert reader.get(KEYS).status_code == 403
    assert post(reader, KEYS, {"name": "x", "scopes": ["read"]}).status_code == 403


def test_who_made_a_key_is_kept(admin: Client, user: User) -> None:
    first = post(admin, KEYS, {"name": "by a key", "scopes": ["read"]}).json()
    assert first["created_by"] == f"key {ApiKey.objects.get(name='test').prefix}"
    Membership.objects.filter(user=user).update(role="admin")
    browser = Client()
    browser.force_login(user)
    assert post(browser, f"{KEYS}{first['id']}/rotate/", {}).json()["created_by"] == "ada"
    assert {one["name"]: one["created_by"] for one in admin.get(KEYS).json()["results"]}["test"] == ""
