"""The page of keys: made and shown once, rotated, revoked; by owners and admins only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tracestore import keys
from tracestore.models import ApiKey, Membership, Project

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/keys/"


@pytest.fixture
def admin(browser_client: Client, member: User) -> Client:
    keys._cache.clear()
    Membership.objects.filter(user=member).update(role="admin")
    return browser_client


def key_in(page: str) -> str:
    found = re.search(r'<code id="key">(ts_[\w-]+)</code>', page)
    assert found is not None
    return found[1]


def test_a_key_is_shown_once_and_says_who_made_it(admin: Client) -> None:
    assert "No key yet" in admin.get(ADDRESS).content.decode()
    answer = admin.post(f"{ADDRESS}new/", {"name": "checkout", "scopes": ["ingest", "read"], "expires": "30"})
    key = key_in(answer.content.decode())
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (201, True)
    found = keys.identify(key)
    assert found is not None
    assert (found.project, found.scopes) == ("default", {"ingest", "read"})
    row = ApiKey.objects.get()
    assert row.created_by == "ada"
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    page = admin.get(ADDRESS).content.decode()
    assert key not in page
    assert all(words in page for words in (row.prefix, "ingest, read", "by ada", "active"))


def test_a_rotated_key_works_on_for_the_time_that_was_chosen(admin: Client) -> None:
    old = keys.create(Project.objects.get(), "<b>old", ("read",))
    row = ApiKey.objects.get()
    answer = admin.post(f"{ADDRESS}{row.pk}/rotate/", {"overlap": "1"})
    new = key_in(answer.content.decode())
    assert "The old one works until" in answer.content.decode()
    row.refresh_from_db()
    assert row.expires_at is not None
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    assert keys.identify(old) is not None
    assert keys.identify(new) is not None
    assert ApiKey.objects.exclude(pk=row.pk).get().created_by == "ada"


def test_a_revoked_key_is_asked_for_and_ends(admin: Client) -> None:
    key = keys.create(Project.objects.get(), "old", ("read",))
    row = ApiKey.objects.get()
    page = admin.get(ADDRESS).content.decode()
    # The button is inside of what has to be opened first.
    assert re.search(r"<details[^>]*><summary>Revoke</summary>.*?<button[^>]*>Revoke old</button>", page, re.S)
    assert "is revoked" in admin.post(f"{ADDRESS}{row.pk}/revoke/", follow=True).content.decode()
    assert keys.identify(key) is None
    assert "Rotate" not in admin.get(ADDRESS).content.decode().split("<main")[1]
    again = admin.post(f"{ADDRESS}{row.pk}/rotate/", {"overlap": "1"})
    assert (again.status_code, "expected an active one" in again.content.decode()) == (400, True)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"scopes": ["read"]}, "name: expected"),
        ({"name": "a\nb", "scopes": ["read"]}, "name: expected"),
        ({"name": "<script>"}, "scopes: expected"),
        ({"name": "x", "scopes": ["root"]}, "scopes: expected"),
        ({"name": "x", "scopes": ["read"], "expires": "9999999"}, "expires: expected"),
    ],
)
def test_what_is_wrong_is_told(admin: Client, sent: dict[str, object], said: str) -> None:
    answer = admin.post(f"{ADDRESS}new/", sent)
    page = answer.content.decode().split("<main")[1]
    assert (answer.status_code, said in page, "<script>" in page) == (400, True, False)
    assert ApiKey.objects.count() == 0


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_see_none_and_change_none(browser_client: Client, member: User, role: str) -> None:
    Membership.objects.filter(user=member).update(role=role)
    keys.create(Project.objects.get(), "seeded", ("read",))
    row = ApiKey.objects.get()
    page = browser_client.get(ADDRESS).content.decode()
    assert ("seeded" in page, row.prefix in page, "owner or admin" in page) == (False, False, True)
    for address, sent in (
        ("new/", {"name": "mine", "scopes": ["read"]}),
        (f"{row.pk}/rotate/", {"overlap": "1"}),
        (f"{row.pk}/revoke/", {}),
    ):
        assert browser_client.post(f"{ADDRESS}{address}", sent).status_code == 403
    assert list(ApiKey.objects.values_list("name", "revoked_at")) == [("seeded", None)]


def test_keys_of_another_project_are_out_of_reach(admin: Client) -> None:
    keys.create(Project.objects.create(slug="other", name="Other"), "theirs", ("admin",))
    row = ApiKey.objects.get()
    assert admin.post(f"{ADDRESS}{row.pk}/revoke/").status_code == 404
    assert admin.post(f"{ADDRESS}{row.pk}/rotate/", {"overlap": "1"}).status_code == 404
    assert "theirs" not in admin.get(ADDRESS).content.decode()
