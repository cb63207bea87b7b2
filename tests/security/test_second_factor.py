"""B19: a stolen password alone is not enough."""

from __future__ import annotations

import dataclasses
import re
import time
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver

from dashboard.login_limit import MOST_FROM_ONE
from tests.security import totp
from tracestore import keys
from tracestore.login_links import make_login_link
from tracestore.models import AuditEntry, LoginFailure, Membership, Project

pytestmark = pytest.mark.django_db
PASSWORD = "engine-of-1843"
GOOD = {"username": "ada", "password": PASSWORD}
ASK = "/login/second-factor/"


@pytest.fixture
def ada(db: None) -> User:
    user = User.objects.create_user("ada", password=PASSWORD)
    project = Project.objects.create(slug="default", name="Default")
    Membership.objects.create(user=user, project=project, role="owner")
    return user


@pytest.fixture
def protected(ada: User, django_capture_on_commit_callbacks: Any) -> tuple[str, list[str]]:
    """The secret of Ada's app, and her recovery codes."""
    browser = Client()
    browser.post("/login/", GOOD)
    with django_capture_on_commit_callbacks(execute=True):
        return totp.set_up(browser, PASSWORD)


def half_way() -> Client:
    browser = Client(REMOTE_ADDR="192.0.2.7")
    response = browser.post("/login/", GOOD | {"next": "/settings/account/"})
    assert (response.status_code, response["Location"]) == (302, ASK)
    return browser


def test_it_is_asked_for_and_lets_in(protected: tuple[str, list[str]]) -> None:
    browser = half_way()
    before = browser.session.session_key
    wrong = browser.post(ASK, {"code": "000000"})
    assert wrong.status_code == 401
    assert "Incorrect code." in wrong.content.decode()
    response = browser.post(ASK, {"code": totp.code(protected[0])})
    assert response["Location"] == "/settings/account/"
    assert browser.session.session_key != before
    assert browser.get("/settings/account/").status_code == 200
    entry = AuditEntry.objects.filter(action="login").last()
    assert entry is not None
    assert (entry.actor, entry.address, entry.detail) == ("ada", "192.0.2.7", {"by": "password, second factor"})
    assert AuditEntry.objects.filter(action="login.failed", subject="ada", detail__by="second factor").count() == 1


def test_half_way_in_is_not_in(protected: tuple[str, list[str]]) -> None:
    browser = half_way()
    for address in ("/api/v1/traces/", "/api/v1/projects/current/", "/api/v1/keys/"):
        assert browser.get(address).status_code == 401, address
    assert browser.post("/api/v1/sql/", {"query": "SELECT 1"}, content_type="application/json").status_code == 401
    assert browser.get("/jaeger/api/services").status_code == 401
    for address in ("/", "/traces/", "/settings/account/", "/settings/account/second-factor/off/",
                    "/settings/account/recovery-codes/"):  # fmt: skip
        assert browser.get(address)["Location"].startswith("/login/"), address
    assert browser.post("/settings/account/second-factor/off/").status_code == 302
    assert Authenticator.objects.count() == 2


def test_a_code_works_once(protected: tuple[str, list[str]]) -> None:
    code = totp.code(protected[0])
    assert half_way().post(ASK, {"code": code})["Location"] == "/settings/account/"
    assert half_way().post(ASK, {"code": code}).status_code == 401, "somebody has looked over a shoulder"
    # The one that set it up counts as used too.
    assert half_way().post(ASK, {"code": totp.code(protected[0], time.time() - 30)}).status_code == 401


def test_a_recovery_code_works_once(protected: tuple[str, list[str]]) -> None:
    _, codes = protected
    assert len(set(codes)) == 10
    assert half_way().post(ASK, {"code": codes[3]})["Location"] == "/settings/account/"
    assert half_way().post(ASK, {"code": codes[3]}).status_code == 401
    assert half_way().post(ASK, {"code": codes[4]})["Location"] == "/settings/account/"


def test_wrong_codes_run_out(protected: tuple[str, list[str]]) -> None:
    for _ in range(5):
        assert half_way().post(ASK, {"code": "000000"}).status_code == 401
    refused = half_way().post(ASK, {"code": totp.code(protected[0])})
    assert refused.status_code == 401, "from anywhere, and the right one too"
    assert "Too many failed login attempts" in refused.content.decode()
    # What counts them is shared by all web processes.
    assert "db.DatabaseCache" in f"{cache._connections.settings['default']}"  # type: ignore[attr-defined]


def test_the_second_step_does_not_wait_for_ever(
    protected: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = half_way()
    now = time.time()
    monkeypatch.setattr("allauth.account.internal.stagekit.time.time", lambda: now + 301)
    assert browser.get(ASK)["Location"] == "/login/"


def test_the_secret_is_not_in_the_database_in_clear(protected: tuple[str, list[str]]) -> None:
    secret, codes = protected
    stored = " ".join(str(one.data) for one in Authenticator.objects.all())
    assert secret not in stored
    assert not any(code in stored for code in codes)
    assert re.search(r"'secret': 'gAAAA", stored)


def test_with_another_secret_key_no_code_is_right(protected: tuple[str, list[str]], settings: Any) -> None:
    settings.SECRET_KEY = "another" * 10
    assert half_way().post(ASK, {"code": totp.code(protected[0])}).status_code == 401
    assert half_way().post(ASK, {"code": protected[1][0]}).status_code == 401


def test_recovery_codes_are_shown_once(
    protected: tuple[str, list[str]], django_capture_on_commit_callbacks: Any
) -> None:
    browser = half_way()
    browser.post(ASK, {"code": totp.code(protected[0])})
    address = "/settings/account/recovery-codes/"
    assert browser.get(address)["Location"].startswith("/settings/account/confirm/")
    browser.post("/settings/account/confirm/", {"password": PASSWORD})
    again = browser.get(address).content.decode()
    assert protected[1][0] not in again
    assert "10 of 10 are left" in again
    with django_capture_on_commit_callbacks(execute=True):
        made = browser.post(f"{address}new/", follow=True).content.decode()
    new = re.findall(r"<li><code>(\d{10})</code></li>", made)
    assert len(new) == 10
    assert not set(new) & set(protected[1])
    assert 'download="tracestore-recovery-codes.txt"' in made
    assert "%0A".join(new) in made, "the file holds them, a line each"
    assert AuditEntry.objects.filter(action="second_factor.codes", actor="ada").count() == 1
    assert half_way().post(ASK, {"code": protected[1][0]}).status_code == 401


def test_changing_it_asks_for_the_password_again(protected: tuple[str, list[str]]) -> None:
    browser = half_way()
    browser.post(ASK, {"code": totp.code(protected[0])})
    off = "/settings/account/second-factor/off/"
    assert browser.post(off)["Location"].startswith("/settings/account/confirm/")
    wrong = browser.post(f"/settings/account/confirm/?next={off}", {"password": "wrong"})
    assert "Incorrect password." in wrong.content.decode()
    assert Authenticator.objects.count() == 2
    right = browser.post("/settings/account/confirm/", {"password": PASSWORD, "next": "https://evil.invalid/"})
    assert right["Location"] == "/"
    assert browser.post(off).status_code == 302
    assert Authenticator.objects.count() == 0
    assert list(AuditEntry.objects.filter(action__startswith="second_factor").values_list("action", "actor")) == [
        ("second_factor.on", "ada"),
        ("second_factor.off", "ada"),
    ]
    assert Client().post("/login/", GOOD)["Location"] == "/"


def test_wrong_passwords_on_the_way_to_it_run_out(protected: tuple[str, list[str]]) -> None:
    """A browser that was left open is no place to guess passwords."""
    browser = half_way()
    browser.post(ASK, {"code": totp.code(protected[0])})
    answers = [browser.post("/settings/account/confirm/", {"password": "wrong"}).content.decode() for _ in range(6)]
    assert "Too many failed login attempts" in answers[-1]


@pytest.mark.parametrize(("loopback", "leads_to"), [(True, "/"), (False, ASK)])
def test_a_login_link(ada: User, protected: Any, settings: Any, loopback: bool, leads_to: str) -> None:
    bind = "127.0.0.1" if loopback else "192.0.2.1"
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, bind=bind)
    assert Client().get(f"/login/link/{make_login_link(ada)}/")["Location"] == leads_to


def test_where_it_is_required_nothing_else_comes_first(ada: User, settings: Any) -> None:
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, require_mfa="admins")
    viewer = User.objects.create_user("bob", password=PASSWORD)
    Membership.objects.create(user=viewer, project=Project.objects.get(), role="viewer")
    browser, other = Client(), Client()
    browser.post("/login/", GOOD)
    other.post("/login/", GOOD | {"username": "bob"})
    on = "/settings/account/second-factor/on/"
    for address in ("/status/", "/settings/", "/settings/account/", "/settings/account/recovery-codes/"):
        assert browser.get(address)["Location"].startswith(on), address
    assert browser.post("/brake/halt/")["Location"].startswith(on)
    assert browser.get("/incidents/open/", headers={"HX-Request": "true"})["HX-Redirect"] == on
    there = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{on}"}
    assert "HX-Redirect" not in browser.get("/incidents/open/", headers=there), "it would load itself for ever"
    assert browser.get("/api/v1/projects/current/").status_code == 403
    assert other.get("/settings/").status_code == 200, "a viewer is no administrator"
    assert other.get("/api/v1/projects/current/").status_code == 200
    key = keys.create(Project.objects.get(), "machine")
    assert browser.get("/api/v1/projects/current/", headers={"x-api-key": key}).status_code == 200
    totp.set_up(browser, PASSWORD)
    assert browser.get("/settings/").status_code == 200
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, require_mfa="true")
    assert other.get("/settings/")["Location"].startswith(on)


def test_somebody_without_a_password_sets_it_up_after_a_fresh_login(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.set_unusable_password()
    ada.save()
    browser = Client()
    browser.get(f"/login/link/{make_login_link(ada)}/")
    assert browser.get("/settings/account/second-factor/on/").status_code == 200
    now = time.time()
    monkeypatch.setattr("dashboard.login_adapters.time.time", lambda: now + 601)
    late = browser.get("/settings/account/second-factor/on/", follow=True)
    assert late.status_code == 403
    assert "asks for a fresh login" in late.content.decode()


def test_the_command_takes_it_away(protected: tuple[str, list[str]]) -> None:
    said = StringIO()
    call_command("second_factor", "list", stdout=said)
    assert re.search(r"^ada +on", said.getvalue(), re.M)
    call_command("second_factor", "reset", "ada", stdout=said)
    assert Client().post("/login/", GOOD)["Location"] == "/"
    entry = AuditEntry.objects.get(action="second_factor.reset")
    assert (entry.actor, entry.actor_kind, entry.subject) == ("second_factor", "command", "ada")
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("second_factor", "reset", "nobody")


def test_failures_do_not_keep_what_was_typed(ada: User, client: Client) -> None:
    for _ in range(MOST_FROM_ONE):
        client.post("/login/", {"username": "my-password-in-the-wrong-field", "password": "x"})
    assert LoginFailure.objects.count() == MOST_FROM_ONE
    assert not any("my-password" in str(one.__dict__) for one in LoginFailure.objects.all())


#: What of allauth is reachable, by the address; all else of it is not.
MOUNTED = {
    "login/": "account_login",
    "login/second-factor/": "mfa_authenticate",
    "settings/account/confirm/": "account_reauthenticate",
    "settings/account/confirm/code/": "mfa_reauthenticate",
    "settings/account/second-factor/": "mfa_index",
    "settings/account/second-factor/on/": "mfa_activate_totp",
    "settings/account/second-factor/off/": "mfa_deactivate_totp",
    "settings/account/recovery-codes/": "mfa_view_recovery_codes",
    "settings/account/recovery-codes/new/": "mfa_generate_recovery_codes",
}
OURS_BY_ALLAUTH = {"login/oidc/": "oidc-login", "login/oidc/callback/": "oidc-callback"}


def patterns(found: Any, prefix: str = "") -> dict[str, Any]:
    routes: dict[str, Any] = {}
    for one in found.url_patterns:
        route = prefix + str(one.pattern)
        routes |= patterns(one, route) if hasattr(one, "url_patterns") else {f"{route} {one.name}": one}
    return routes


def test_of_allauth_only_this_is_mounted() -> None:
    found = patterns(get_resolver())
    names = {one.name: key.split(" ")[0] for key, one in found.items() if one.name}
    by_name = {
        route: name
        for name, route in names.items()
        if name.startswith(("account_", "mfa_", "socialaccount_", "openid_connect", "usersessions"))
    }
    assert by_name == MOUNTED
    for key, one in found.items():
        assert not one.callback.__module__.startswith("allauth"), f"{key} is not in our frame"
    assert {route: names[name] and name for route, name in OURS_BY_ALLAUTH.items()} == OURS_BY_ALLAUTH
    for address in ("/accounts/signup/", "/accounts/login/", "/accounts/password/reset/", "/signup/", "/oidc/x/login/"):
        assert Client().get(address).status_code == 404, address
