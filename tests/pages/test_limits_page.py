"""The page of limits: what it shows, and who may change it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tracestore import project_limits
from tracestore.models import Membership, Project
from tracestore.rates import Rates

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/limits/"


def role(user: User, name: str) -> None:
    Membership.objects.filter(user=user).update(role=name)


def test_it_shows_what_holds_and_is_in_the_navigation(browser_client: Client) -> None:
    project_limits.change("default", {"spans_per_second": 1234, "burst": 56789})
    page = browser_client.get(ADDRESS).content.decode()
    assert 'name="spans_per_second" value="1234"' in page
    assert 'name="burst" value="56789"' in page
    assert 'name="bytes_per_second" value=""' in page
    link = page.split('id="nav-settings"')[1].split(">")[0]
    assert 'aria-current="page"' in link


@pytest.mark.parametrize(("name", "status"), [("owner", 302), ("admin", 302), ("member", 403), ("viewer", 403)])
def test_who_may_change_it(browser_client: Client, member: User, name: str, status: int) -> None:
    role(member, name)
    page = browser_client.get(ADDRESS).content.decode()
    assert ("disabled" in page) == (status == 403)
    sent = {"spans_per_second": "100", "burst": "", "bytes_per_second": "5000000"}
    assert browser_client.post(ADDRESS, sent).status_code == status
    assert project_limits.of("default") == (Rates(100, None, 5_000_000) if status == 302 else Rates())


def test_an_empty_field_takes_the_limit_away(browser_client: Client, member: User) -> None:
    role(member, "admin")
    project_limits.change("default", {"spans_per_second": 5, "burst": 6, "bytes_per_second": 7})
    browser_client.post(ADDRESS, {"spans_per_second": "5", "burst": "", "bytes_per_second": "none"})
    assert project_limits.of("default") == Rates(5)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"spans_per_second": "many"}, "many"),
        ({"spans_per_second": "0"}, "expected a whole number"),
        ({"burst": "5"}, "expected spans_per_second too"),
        ({"bytes_per_second": "9" * 40}, "expected a whole number"),
        ({"burst": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_is_told_beside_the_form_and_keeps_what_was_typed(
    browser_client: Client, member: User, sent: dict[str, str], said: str
) -> None:
    role(member, "admin")
    response = browser_client.post(ADDRESS, sent)
    page = response.content.decode()
    assert response.status_code == 400
    assert said in page.split('role="alert"')[1].split("</p>")[0]
    ((name, typed),) = sent.items()
    field = page.split(f'name="{name}"')[1].split(">")[0]
    assert 'aria-invalid="true"' in field
    assert typed.replace("<", "&lt;").replace(">", "&gt;") in field
    assert "<script>" not in page.split("<main")[1]
    assert project_limits.of("default") == Rates()


def test_a_form_without_its_token_changes_nothing(member: User) -> None:
    role(member, "owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert client.post(ADDRESS, {"spans_per_second": "1"}).status_code == 403
    assert project_limits.of("default") == Rates()


def test_another_project_is_out_of_reach(browser_client: Client, member: User) -> None:
    Project.objects.create(slug="other", name="Other")
    role(member, "owner")
    assert browser_client.post(f"{ADDRESS}?project=other", {"spans_per_second": "1"}).status_code == 404
    assert project_limits.of("other") == Rates()
