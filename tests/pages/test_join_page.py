"""The page of an invitation's link: for who has an account, for who makes one, and for who comes too late."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.organisations.conftest import Acme, make_acme
from tracestore import access
from tracestore.models import Project
from tracestore.organisations import invitations

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]


@pytest.fixture
def acme(db: None) -> Acme:
    return make_acme()


def invite(acme: Acme, **fields: str) -> str:
    return f"/join/{invitations.create(acme.organisation, acme.person('owner'), {'role': 'member', **fields})[1]}/"


def test_somebody_new_makes_an_account_and_is_logged_in(acme: Acme) -> None:
    link, client = invite(acme), Client()
    page = client.get(link)
    assert "no-store" in page["Cache-Control"]
    assert all(words in page.content.decode() for words in ("Acme", "member", 'name="username"'))
    done = client.post(link, {"username": "grace", "password": "engine-of-1843"})
    assert (done.status_code, done["Location"]) == (302, "/?project=shop")
    assert client.get("/settings/organisation/").status_code == 200
    assert access.role_in_organisation(User.objects.get(username="grace"), "acme") == "member"


def test_a_bad_password_is_told_and_the_link_still_works_and_is_not_logged(
    acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    link, client = invite(acme), Client()
    wrong = client.post(link, {"username": "<b>", "password": "engine-of-1843"})
    assert "username: expected" in wrong.content.decode()
    wrong = client.post(link, {"username": "grace", "password": "short"})
    page = wrong.content.decode()
    assert ("too short" in page, 'value="grace"' in page) == (True, True)
    assert "short" not in page.split('name="password"')[1]
    assert link.split("/")[2] not in caplog.text
    assert client.post(link, {"username": "grace", "password": "engine-of-1843"}).status_code == 302


def test_somebody_with_an_account_accepts_by_it(acme: Acme) -> None:
    other = Project.objects.create(slug="other", name="Other", organisation=acme.organisation)
    link, client = invite(acme, project="other", role="admin"), Client()
    client.force_login(acme.person("single"))
    page = client.get(link).content.decode()
    assert "You are logged in as single" in page
    assert 'name="password"' not in page
    assert access.role_in(acme.person("single"), "other") == "", "looking accepts nothing"
    assert client.post(link)["Location"] == "/?project=other"
    assert access.role_in(acme.person("single"), other.slug) == "admin"


def test_into_an_organisation_without_projects(acme: Acme) -> None:
    acme.shop.delete()
    client = Client()
    client.force_login(acme.person("nobody"))
    assert client.post(invite(acme))["Location"] == "/settings/organisation/?organisation=acme"
    assert client.get("/settings/organisation/").status_code == 200


def test_links_that_do_not_work_look_all_the_same(acme: Acme) -> None:
    used = invite(acme)
    Client().post(used, {"username": "grace", "password": "engine-of-1843"})
    one, token = invitations.create(acme.organisation, acme.person("owner"), {"role": "owner"})
    invitations.revoke(acme.organisation, acme.person("owner"), one.pk)
    pages = set()
    for link in (used, f"/join/{token}/", "/join/nothing/"):
        for answer in (Client().get(link), Client().post(link, {"username": "x", "password": "engine-of-1843"})):
            assert answer.status_code == 404
            pages.add(answer.content)
    assert len(pages) == 1
    assert b"Acme" not in pages.pop()


def test_a_form_of_another_site_accepts_nothing(acme: Acme) -> None:
    link, client = invite(acme), Client(enforce_csrf_checks=True)
    client.force_login(acme.person("nobody"))
    assert client.post(link).status_code == 403
    assert access.projects_of(acme.person("nobody")) == []
