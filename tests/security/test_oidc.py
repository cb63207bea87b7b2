"""Logging in by an identity provider: the whole way, and each lie on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dashboard import identity_provider as speaking
from tests.security.identity_provider import CLIENT_ID, CLIENT_SECRET, OTHER_KEY, Provider, serve
from tracestore.environment import Oidc
from tracestore.models import AuditEntry, Invitation, Membership, OrganisationMembership, Project

pytestmark = pytest.mark.django_db
ADA = {"sub": "1815", "email": "Ada@Example.org", "email_verified": True, "preferred_username": "ada", "name": "Ada"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(claims=dict(ADA))
    server = serve(made)
    speaking._descriptions.clear()
    yield made
    server.shutdown()
    server.server_close()
    speaking._descriptions.clear()


@pytest.fixture(autouse=True)
def project(db: None) -> Project:
    return Project.objects.create(slug="default", name="Default")


Configure = Callable[..., None]


@pytest.fixture
def configure(provider: Provider, settings: Any) -> Configure:
    def set_up(password_login: bool = True, require_mfa: str = "false", **changed: Any) -> None:
        oidc = Oidc(
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            name="Analytical Engines",
            role="viewer",
            organisation="default",
            domains=(),
            match_email=False,
        )
        settings.ENVIRONMENT = dataclasses.replace(
            settings.ENVIRONMENT,
            oidc=dataclasses.replace(oidc, **changed),
            password_login=password_login,
            require_mfa=require_mfa,
        )

    set_up()
    return set_up


def come_back(browser: Client, provider: Provider, go_on_to: str = "") -> HttpResponse:
    """There and back again; the answer to the way back."""
    there = browser.get("/login/oidc/", {"next": go_on_to} if go_on_to else {})
    assert there.status_code == 302, there.content
    back = urlsplit(provider.authorize(there["Location"]))
    return browser.get(f"{back.path}?{back.query}")


def logged_in(browser: Client) -> str:
    number = browser.session.get("_auth_user_id")
    return User.objects.get(pk=number).username if number else ""


def refused(response: HttpResponse, words: str, status: int = 403) -> None:
    assert response.status_code == status, response.content.decode()
    assert words in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_the_whole_way(configure: Configure, provider: Provider, client: Client) -> None:
    page = client.get("/login/?next=/traces/").content.decode()
    assert "Log in by Analytical Engines" in page
    there = client.get("/login/oidc/?next=/traces/%3Fq=x")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there["Location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) > 20
    assert asked["redirect_uri"] == "http://testserver/login/oidc/callback/"
    assert set(asked["scope"].split()) == {"openid", "email", "profile"}
    before = client.session.session_key
    back = urlsplit(provider.authorize(there["Location"]))
    response = client.get(f"{back.path}?{back.query}")
    assert (response.status_code, response["Location"]) == (302, "/traces/?q=x")
    user = User.objects.get()
    assert (user.username, user.email, user.has_usable_password()) == ("ada", "ada@example.org", False)
    membership = OrganisationMembership.objects.get(user=user)
    assert (membership.organisation.slug, membership.role) == ("default", "viewer")
    assert logged_in(client) == "ada"
    assert client.session.session_key != before, "a session that somebody planted is worth nothing"
    assert provider.token_requests[0]["code_verifier"], "the code alone is worth nothing"
    assert AuditEntry.objects.filter(action="login", actor="ada", detail={"by": "identity provider"}).count() == 1
    assert AuditEntry.objects.filter(action="user.created", subject="ada").count() == 1
    account = SocialAccount.objects.get()
    assert account.uid == "1815"
    assert set(account.extra_data) <= set(speaking.KEPT), "no more is kept of a person than is needed"


def test_the_second_time_it_is_the_same_person_whatever_the_address(configure: Configure, provider: Provider) -> None:
    assert come_back(Client(), provider).status_code == 302
    provider.claims |= {"email": "lovelace@example.org", "preferred_username": "lovelace"}
    browser = Client()
    assert come_back(browser, provider).status_code == 302
    assert (logged_in(browser), User.objects.count()) == ("ada", 1)


def test_the_same_subject_of_another_issuer_is_somebody_else(configure: Configure, provider: Provider) -> None:
    come_back(Client(), provider)
    second = Provider(claims=ADA | {"preferred_username": "ada", "email": "ada@other.example"})
    server = serve(second)
    try:
        configure(issuer=second.issuer)
        browser = Client()
        come_back(browser, second)
        assert User.objects.count() == 2
        assert logged_in(browser) != "ada"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("lies", "what"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1_000_000_000}, "Expired"),
        ({"exp": None}, "exp"),
        ({"iss": "http://127.0.0.1:1"}, "Issuer"),
        ({"aud": "somebody else"}, "Audience"),
        ({"aud": [CLIENT_ID, "somebody else"]}, "another client"),
        ({"azp": "somebody else"}, "another client"),
        ({"sub": ""}, "subject"),
    ],
)
def test_a_token_that_is_not_for_this_login(
    configure: Configure, provider: Provider, client: Client, lies: dict[str, Any], what: str
) -> None:
    provider.lies = lies
    refused(come_back(client, provider), "cannot be trusted")
    assert (logged_in(client), User.objects.count()) == ("", 0)
    assert AuditEntry.objects.filter(action="login.failed", detail__by="Analytical Engines").count() == 1


def test_signatures(configure: Configure, provider: Provider, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.key = OTHER_KEY
    refused(come_back(client, provider), "cannot be trusted")
    # By a secret that both know, and by nothing: neither is the provider's own word.
    provider.key, provider.algorithm = CLIENT_SECRET.ljust(32, "."), "HS256"
    refused(come_back(client, provider), "cannot be trusted")
    monkeypatch.setattr(jwt, "encode", lambda claims, *_, **__: jwt.api_jwt.encode(claims, None, algorithm="none"))
    refused(come_back(client, provider), "cannot be trusted")
    assert User.objects.count() == 0


def test_state_is_of_this_browser_and_works_once(configure: Configure, provider: Provider, client: Client) -> None:
    there = client.get("/login/oidc/")
    back = urlsplit(provider.authorize(there["Location"]))
    address = f"{back.path}?{back.query}"
    refused(Client().get(address), "begun in another browser")
    refused(client.get(address.replace("state=", "state=x")), "begun in another browser")
    refused(client.get(back.path), "begun in another browser")
    assert client.get(address).status_code == 302
    client.post("/logout/")
    refused(client.get(address), "begun in another browser")


def test_a_cancelled_login(configure: Configure, provider: Provider, client: Client) -> None:
    there = client.get("/login/oidc/")
    state = parse_qs(urlsplit(there["Location"]).query)["state"][0]
    refused(client.get("/login/oidc/callback/", {"error": "access_denied", "state": state}), "was cancelled")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.invalid/", "//evil.invalid/", "javascript:alert(1)", "/\\evil.invalid"]
)
def test_next_stays_on_this_host(configure: Configure, provider: Provider, client: Client, elsewhere: str) -> None:
    assert come_back(client, provider, elsewhere)["Location"] == "/"


def test_nothing_else_of_the_request_reaches_the_provider(configure: Configure, client: Client) -> None:
    there = client.get("/login/oidc/?scope=admin&auth_params=prompt%3Dnone&process=connect&action=rerequest")
    asked = parse_qs(urlsplit(there["Location"]).query)
    assert "admin" not in asked["scope"][0]
    assert "prompt" not in asked


def test_an_address_that_is_not_confirmed(configure: Configure, provider: Provider, client: Client) -> None:
    provider.claims["email_verified"] = False
    refused(come_back(client, provider), "has not confirmed your e-mail address")
    # Nothing said about it: the person is known by the subject, and the address is not kept.
    del provider.claims["email_verified"]
    assert come_back(client, provider).status_code == 302
    assert User.objects.get().email == ""


@pytest.mark.parametrize("email", ["ada@example.org.evil.invalid", "ada@evil.invalid", "", "example.org"])
def test_a_foreign_domain(configure: Configure, provider: Provider, client: Client, email: str) -> None:
    configure(domains=("example.org",))
    provider.claims["email"] = email
    refused(come_back(client, provider), "Only people with an address at example.org")
    provider.claims |= {"email": "ada@example.org", "email_verified": False}
    refused(come_back(client, provider), "Only people with an address at example.org")
    provider.claims["email_verified"] = True
    assert come_back(client, provider).status_code == 302
    # It holds for those, too, who are known already.
    provider.claims["email"] = "ada@evil.invalid"
    refused(come_back(Client(), provider), "Only people with an address at example.org")


def test_without_a_role_only_those_come_who_are_invited(
    configure: Configure, provider: Provider, client: Client, project: Project
) -> None:
    configure(role="")
    refused(come_back(client, provider), "Ask an administrator to invite you")
    soon = timezone.now() + timedelta(days=1)
    offer = {"organisation": project.organisation, "email": "ada@example.org", "expires_at": soon}
    Invitation.objects.create(**offer | {"expires_at": timezone.now()}, digest="1", role="owner")
    Invitation.objects.create(**offer, digest="2", role="owner", revoked_at=timezone.now())
    refused(come_back(client, provider), "Ask an administrator to invite you")
    Invitation.objects.create(**offer, digest="3", role="member", project=project)
    assert come_back(client, provider).status_code == 302
    user = User.objects.get()
    assert [(one.project.slug, one.role) for one in Membership.objects.filter(user=user)] == [("default", "member")]
    assert not OrganisationMembership.objects.filter(user=user).exists()
    assert Invitation.objects.get(digest="3").accepted_by == user


def test_an_account_with_the_address_is_not_taken_over(
    configure: Configure, provider: Provider, client: Client
) -> None:
    owner = User.objects.create_user("boss", email="ada@example.org", password="engine-of-1843")
    refused(come_back(client, provider), "exists already")
    configure(match_email=True)
    owner.is_superuser = True
    owner.save()
    refused(come_back(client, provider), "exists already")
    assert not SocialAccount.objects.exists()


def test_an_account_is_matched_by_address_where_the_operator_allows(
    configure: Configure, provider: Provider, client: Client
) -> None:
    configure(match_email=True)
    User.objects.create_user("boss", email="ada@example.org", password="engine-of-1843")
    elsewhere = Client()
    elsewhere.post("/login/", {"username": "boss", "password": "engine-of-1843"})
    assert come_back(client, provider).status_code == 302
    assert logged_in(client) == "boss"
    assert not User.objects.get().has_usable_password(), "whoever set it need not be the owner of the address"
    assert elsewhere.get("/settings/account/").status_code == 302


def test_a_disabled_account(configure: Configure, provider: Provider, client: Client) -> None:
    come_back(Client(), provider)
    User.objects.update(is_active=False)
    refused(come_back(client, provider), "disabled")
    assert logged_in(client) == ""


def test_what_the_endpoint_adds_must_be_of_the_same_person(
    configure: Configure, provider: Provider, client: Client
) -> None:
    provider.claims = {"sub": "1815"}
    provider.userinfo = ADA | {"sub": "1912"}
    refused(come_back(client, provider), "cannot be trusted")
    provider.userinfo = dict(ADA)
    assert come_back(client, provider).status_code == 302
    assert User.objects.get().email == "ada@example.org"


def test_a_provider_that_is_down_or_another(configure: Configure, provider: Provider, client: Client) -> None:
    provider.fails = True
    refused(client.get("/login/oidc/"), "does not answer", status=503)
    provider.fails = False
    provider.description = {"issuer": "https://evil.invalid"}
    refused(client.get("/login/oidc/"), "cannot be trusted", status=503)
    provider.description = {"jwks_uri": None}
    refused(client.get("/login/oidc/"), "cannot be trusted", status=503)


def test_an_account_connects_by_hand_after_the_password(configure: Configure, provider: Provider) -> None:
    User.objects.create_user("boss", email="ada@example.org", password="engine-of-1843")
    browser = Client()
    browser.post("/login/", {"username": "boss", "password": "engine-of-1843"})
    assert browser.get("/settings/account/oidc/").status_code == 405, "a link of somebody else must not do it"
    assert browser.post("/settings/account/oidc/")["Location"].startswith("/settings/account/confirm/")
    browser.post("/settings/account/confirm/", {"password": "engine-of-1843"})
    page = browser.post("/settings/account/oidc/")
    assert page.status_code == 200
    there = page.context["address"]
    back = urlsplit(provider.authorize(there))
    assert browser.get(f"{back.path}?{back.query}")["Location"] == "/settings/account/"
    assert "Connected." in browser.get("/settings/account/").content.decode()
    other = Client()
    assert come_back(other, provider).status_code == 302
    assert logged_in(other) == "boss"
    assert AuditEntry.objects.filter(action="identity.connected", actor="boss").count() == 1
    # The same account at the provider is nobody else's.
    User.objects.create_user("eve", password="engine-of-1843")
    eve = Client()
    eve.post("/login/", {"username": "eve", "password": "engine-of-1843"})
    eve.post("/settings/account/confirm/", {"password": "engine-of-1843"})
    back = urlsplit(provider.authorize(eve.post("/settings/account/oidc/").context["address"]))
    refused(eve.get(f"{back.path}?{back.query}"), "connected to another person")
    assert (logged_in(eve), SocialAccount.objects.get().user.username) == ("eve", "boss")


def test_passwords_can_be_switched_off_for_all_but_superusers(configure: Configure, client: Client) -> None:
    configure(password_login=False)
    User.objects.create_user("ada", password="engine-of-1843")
    User.objects.create_superuser("admin", password="engine-of-1843")
    right, wrong = (
        client.post("/login/", {"username": "ada", "password": one}) for one in ("engine-of-1843", "wrong-password")
    )
    assert right.status_code == wrong.status_code == 401
    assert right.content.decode().count("The name or the password is wrong.") == 1
    assert wrong.content.decode().count("The name or the password is wrong.") == 1
    assert client.post("/login/", {"username": "admin", "password": "engine-of-1843"}).status_code == 302


def test_a_second_factor_at_the_provider_is_enough(configure: Configure, provider: Provider) -> None:
    configure(require_mfa="true")
    browser = Client()
    come_back(browser, provider)
    setting_up = browser.get("/settings/account/", follow=True)
    assert setting_up.request["PATH_INFO"] == "/settings/account/second-factor/on/"
    assert b"Set up a second factor" in setting_up.content
    provider.claims["amr"] = ["pwd", "mfa"]
    come_back(browser, provider)
    assert browser.get("/settings/account/").status_code == 200
    # It is the provider's word for this login only.
    User.objects.create_user("bob", password="engine-of-1843")
    browser.post("/logout/")
    browser.post("/login/", {"username": "bob", "password": "engine-of-1843"})
    assert browser.get("/settings/account/")["Location"].startswith("/settings/account/second-factor/on/")


def test_without_a_provider_there_is_no_such_way(client: Client, settings: Any) -> None:
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, oidc=None)
    assert client.get("/login/oidc/").status_code == 404
    assert client.get("/login/oidc/callback/?code=x&state=y").status_code == 404
    assert b"Log in by" not in client.get("/login/").content
