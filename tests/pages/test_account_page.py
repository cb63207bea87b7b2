"""`/settings/account/`: the password, where one is logged in, and how long a login lasts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client

from dashboard import browser_names, browser_sessions
from dashboard.browser_sessions import BEGAN, LONGEST, NOTED_EVERY_SECONDS, SEEN
from dashboard.login_limit import MOST_FROM_ONE
from tests.pages.fake_reader import FakeReader
from tracestore.models import AuditEntry

pytestmark = pytest.mark.django_db
OLD, NEW = "engine-of-1843", "notes-by-the-translator"
ACCOUNT = "/settings/account/"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1"


def logged_in(address: str = "192.0.2.7", agent: str = LINUX) -> Client:
    browser = Client(REMOTE_ADDR=address, headers={"user-agent": agent})
    assert browser.post("/login/", {"username": "ada", "password": OLD}).status_code == 302
    return browser


def change(browser: Client, old: str, new: str, again: str | None = None) -> Any:
    sent = {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
    return browser.post(f"{ACCOUNT}password/", sent)


def test_a_new_password_ends_all_other_logins(member: User) -> None:
    here, elsewhere = logged_in(), logged_in("198.51.100.4", PHONE)
    assert elsewhere.get(ACCOUNT).status_code == 200
    before = here.session.session_key
    assert change(here, OLD, NEW)["Location"] == f"{ACCOUNT}?done=password"
    assert here.session.session_key != before
    page = here.get(f"{ACCOUNT}?done=password").content.decode()
    assert "The password is changed." in page
    assert page.count("<tr>") == 2, "a head, and this login alone"
    assert elsewhere.get(ACCOUNT)["Location"].startswith("/login/")
    assert Client().post("/login/", {"username": "ada", "password": OLD}).status_code == 401
    assert Client().post("/login/", {"username": "ada", "password": NEW}).status_code == 302
    assert AuditEntry.objects.filter(action="password.changed", actor="ada", address="192.0.2.7").count() == 1


@pytest.mark.parametrize(
    ("old", "new", "again", "words"),
    [
        ("wrong", NEW, NEW, "old password was entered incorrectly"),
        (OLD, NEW, "another", "didn’t match"),
        (OLD, "tiny-one", "tiny-one", "at least 10 characters"),
        (OLD, "password123", "password123", "too common"),
    ],
)
def test_a_password_that_is_not_taken(member: User, old: str, new: str, again: str, words: str) -> None:
    response = change(logged_in(), old, new, again)
    assert response.status_code == 400
    assert words in response.content.decode().replace("&#x27;", "'")
    assert User.objects.get().check_password(OLD)
    assert new not in response.content.decode()


def test_guessing_the_present_password_has_its_limit(member: User) -> None:
    browser = logged_in()
    for _ in range(MOST_FROM_ONE):
        assert change(browser, "wrong", NEW).status_code == 400
    assert change(browser, OLD, NEW).status_code == 429
    assert User.objects.get().check_password(OLD)


def test_where_one_is_logged_in(member: User) -> None:
    here, phone, third = logged_in(), logged_in("198.51.100.4", PHONE), logged_in("198.51.100.5", "curl/8.0")
    page = here.get(ACCOUNT).content.decode()
    for words in ("Firefox on Linux", "Safari on iPhone", "curl", "192.0.2.7", "198.51.100.4", "this one"):
        assert words in page
    number = re.findall(r'value="(\d+)" aria-label="End the login by Safari on iPhone', page)[0]
    assert here.post(f"{ACCOUNT}sessions/", {"end": number})["Location"] == f"{ACCOUNT}?done=ended"
    assert phone.get(ACCOUNT)["Location"].startswith("/login/")
    assert third.get(ACCOUNT).status_code == 200
    assert here.post(f"{ACCOUNT}sessions/", {"end": number}).status_code == 404
    assert here.post(f"{ACCOUNT}sessions/", {"end": "others"}).status_code == 302
    assert third.get(ACCOUNT).status_code == 302
    assert here.get(ACCOUNT).status_code == 200
    assert [one.detail for one in AuditEntry.objects.filter(action="sessions.ended")] == [{"count": 1}, {"count": 1}]


@pytest.mark.parametrize("end", ["", "x", "-1", "٣", "9" * 40])
def test_ending_what_is_no_login(member: User, end: str) -> None:
    assert logged_in().post(f"{ACCOUNT}sessions/", {"end": end}).status_code == 404


def test_nobody_ends_the_logins_of_others(member: User) -> None:
    User.objects.create_user("eve", password=OLD)
    hers = logged_in()
    number = UserSession.objects.get().pk
    eve = Client()
    eve.post("/login/", {"username": "eve", "password": OLD})
    assert eve.post(f"{ACCOUNT}sessions/", {"end": str(number)}).status_code == 404
    eve.post(f"{ACCOUNT}sessions/", {"end": "others"})
    assert hers.get(ACCOUNT).status_code == 200


def test_it_is_there_for_somebody_without_a_project(member: User, store: FakeReader) -> None:
    User.objects.create_user("eve", password=OLD)
    eve = Client()
    eve.post("/login/", {"username": "eve", "password": OLD})
    assert eve.get("/traces/").status_code == 403
    assert eve.get(ACCOUNT).status_code == 200


def test_a_login_ends_three_days_after_its_last_use_and_after_fourteen_in_any_case(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = logged_in()
    start = datetime.now(tz=UTC)
    now = [start.timestamp()]
    monkeypatch.setattr(browser_sessions.time, "time", lambda: now[0])

    def ends_after() -> timedelta:
        return browser.session.get_expiry_date() - start

    browser.get(ACCOUNT)
    assert abs(ends_after() - timedelta(days=3)) < timedelta(minutes=1)
    for day in range(1, 14):
        now[0] = start.timestamp() + day * 86_400
        browser.get(ACCOUNT)
        assert abs(ends_after() - min(timedelta(days=day + 3), LONGEST)) < timedelta(minutes=1), day
    now[0] = (start + LONGEST).timestamp() + 60
    browser.get(ACCOUNT)
    assert browser.get(ACCOUNT)["Location"].startswith("/login/")


def test_use_is_noted_seldom_and_not_when_nobody_looks(
    member: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    browser = logged_in()
    browser.get(ACCOUNT)
    noted = browser.session[SEEN]
    monkeypatch.setattr(browser_sessions.time, "time", lambda: noted + NOTED_EVERY_SECONDS)
    browser.get("/settings/")
    assert browser.session[SEEN] == noted
    monkeypatch.setattr(browser_sessions.time, "time", lambda: noted + NOTED_EVERY_SECONDS + 1)
    browser.get("/incidents/open/", headers={"HX-Request": "true"})
    assert browser.session[SEEN] == noted, "a tab that is open asks by itself every ten seconds"
    browser.get("/settings/")
    assert browser.session[SEEN] == noted + NOTED_EVERY_SECONDS + 1
    with django_assert_num_queries(3):  # the session, the user, the projects: as without any of this
        browser.get("/settings/")


def test_a_session_of_an_older_version_gets_its_clocks(browser_client: Client) -> None:
    session = browser_client.session
    del session[BEGAN]
    session.save()
    assert browser_client.get(ACCOUNT).status_code == 200
    assert browser_client.session[BEGAN] == browser_client.session[SEEN]
    assert UserSession.objects.count() == 1


def test_a_proxy_that_says_nonsense_keeps_nobody_out(member: User) -> None:
    browser = logged_in("not an address")
    assert "0.0.0.0" in browser.get(ACCOUNT).content.decode()


def test_a_planted_session_does_not_become_a_login(member: User) -> None:
    browser = Client()
    browser.get("/login/")
    session = browser.session
    session["planted"] = True
    session.save()
    before = session.session_key
    browser.cookies["sessionid"] = before
    browser.post("/login/", {"username": "ada", "password": OLD})
    assert browser.session.session_key != before


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (LINUX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605 Version/19 Safari/605", "Safari on macOS"),
        ("<script>alert(1)</script>", "unknown browser"),
        ("", "unknown browser"),
    ],
)
def test_browsers_in_a_few_words(agent: str, words: str) -> None:
    assert browser_names.short(agent) == words
