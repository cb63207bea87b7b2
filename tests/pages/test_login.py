"""Logging in by password and by one-time link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.pages.fake_reader import FakeReader
from tracestore.login_links import make_login_link, use_login_link

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
GOOD = {"username": "ada", "password": "engine-of-1843"}


def test_the_right_password_leads_to_the_page_that_was_asked_for(member: User, client: Client) -> None:
    response = client.post("/login/", GOOD | {"next": "/traces/?q=x"})
    assert response.status_code == 302
    assert response["Location"] == "/traces/?q=x"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.invalid/", "//evil.invalid/", "javascript:alert(1)", "/\\evil.invalid"]
)
def test_next_never_leaves_this_host(member: User, client: Client, elsewhere: str) -> None:
    response = client.post("/login/", GOOD | {"next": elsewhere})
    assert response["Location"] == "/"


def test_a_wrong_password_says_so_and_no_more(member: User, client: Client) -> None:
    for name in ("ada", "nobody"):
        response = client.post("/login/", {"username": name, "password": "wrong"})
        assert response.status_code == 401
        assert "The name or the password is wrong." in response.content.decode()


def test_a_form_without_token_is_refused(member: User) -> None:
    assert Client(enforce_csrf_checks=True).post("/login/", GOOD).status_code == 403


def test_a_link_logs_in_once(member: User, client: Client, store: FakeReader) -> None:
    token = make_login_link(member)
    assert client.get(f"/login/link/{token}/")["Location"] == "/"
    assert client.get("/traces/").status_code == 200
    assert Client().get(f"/login/link/{token}/").status_code == 403


def test_an_old_or_unknown_link_or_one_of_a_disabled_user_does_nothing(member: User, client: Client) -> None:
    assert use_login_link(make_login_link(member, timedelta(seconds=-1))) is None
    assert client.get("/login/link/unknown/").status_code == 403
    token = make_login_link(member)
    member.is_active = False
    member.save()
    assert use_login_link(token) is None


def test_logging_out_takes_a_post(browser_client: Client) -> None:
    assert browser_client.get("/logout/").status_code == 405
    assert browser_client.post("/logout/")["Location"] == "/login/"
    assert browser_client.get("/traces/").status_code == 302


def test_a_user_without_a_project_is_told(client: Client, store: FakeReader) -> None:
    client.force_login(User.objects.create_user("lonely"))
    response = client.get("/traces/")
    assert response.status_code == 403
    assert "not a member of any project" in response.content.decode()
