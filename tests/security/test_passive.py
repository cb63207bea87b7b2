"""What an onlooker can check without attacking (B4, B17, B18, B24): headers, cookies, hosts, error pages, methods."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from django.contrib.auth.models import User
from django.test import Client

from dashboard.pages.urls import urlpatterns
from tests.security.conftest import by_login
from tests.security.things import TRACE_ID, World

PAGES = ("/", "/login/", "/traces/", f"/traces/{TRACE_ID}/", "/settings/", "/nothing-here/", "/api/docs/", "/healthz")
API = ("/api/v1/traces/", "/api/v1/traces/nothing/", "/api/v1/keys/", "/api/nothing/", "/api/schema/", "/metrics")


@pytest.fixture
def owner(world: World) -> Client:
    return by_login(world.project)


@pytest.mark.parametrize("address", [*PAGES, *API])
def test_every_answer_has_the_headers(address: str, owner: Client) -> None:
    for browser in (owner, Client(raise_request_exception=False)):
        response = browser.get(address)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("address", ["/", "/traces/", f"/traces/{TRACE_ID}/", "/settings/", "/login/", *API[:3]])
def test_nothing_of_a_project_is_kept_by_caches(address: str, owner: Client) -> None:
    assert "no-store" in owner.get(address)["Cache-Control"]


@pytest.mark.parametrize("address", [*PAGES, *API])
def test_an_unknown_host_gets_nothing(address: str, owner: Client) -> None:
    """A page that rebinds its name to this address, and links made of a forged host."""
    if address == "/healthz":
        pytest.skip("says that the process runs, to anybody")
    for sent in ({"host": "evil.example"}, {"host": "localhost.evil.example"}, {"host": "localhost@evil.example"}):
        response = owner.get(address, headers=sent)
        assert response.status_code == 400
        assert b"evil.example" not in response.content
        assert b"zanzibar" not in response.content
    forwarded = owner.get(address, headers={"x-forwarded-host": "evil.example"})
    assert b"evil.example" not in forwarded.content


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.invalid/", "//evil.invalid/", "///evil.invalid", "/\\evil.invalid", "\\\\evil.invalid",
        "https:evil.invalid", "javascript:alert(1)", "data:text/html,x", "/%09/evil.invalid", "\t//evil.invalid",
        "http://testserver@evil.invalid/", " https://evil.invalid",
    ],
)  # fmt: skip
def test_redirects_stay_here(elsewhere: str, owner: Client) -> None:
    from urllib.parse import urljoin, urlsplit

    User.objects.create_user("ada", password="engine-of-1843")
    good = {"username": "ada", "password": "engine-of-1843", "next": elsewhere}
    for browser, answer in (
        (
            Client(),
            lambda one: one.post("/login/", good),
        ),
        (owner, lambda one: one.get("/login/", {"next": elsewhere})),
        (owner, lambda one: one.post("/logout/", {"next": elsewhere})),
    ):
        response = answer(browser)
        assert response.status_code == 302
        # As a browser resolves it.
        target = urlsplit(urljoin("http://testserver/login/", response["Location"].replace("\\", "/")))
        assert target.hostname == "testserver", response["Location"]


def test_a_failure_shows_nothing_of_itself(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.pages import overview

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(overview, "overview", fails)
    for pattern in urlpatterns:
        if pattern.name == "home":
            monkeypatch.setattr(pattern, "callback", fails)
    for response in (owner.get("/"), owner.get("/nothing-here/"), owner.post("/traces/")):
        assert response.status_code in (404, 405, 500)
        for inside in (b"secret inside", b"Traceback", b"RuntimeError", b"site-packages", b"urlpatterns"):
            assert inside not in response.content


def test_forms_need_their_token(world: World) -> None:
    """Every page that takes a POST, found in the list of pages and not in this file."""
    browser = by_login(world.project)
    browser.handler.enforce_csrf_checks = True
    taken = 0
    for pattern in urlpatterns:
        address = "/" + "".join(part if literal else TRACE_ID for literal, part in _pieces(str(pattern.pattern)))
        status = browser.post(address, {}).status_code
        assert status in (403, 404, 405), (address, status)
        taken += status == 403
    assert taken > 5


def _pieces(route: str) -> list[tuple[bool, str]]:
    """A route's literal parts and its parameters; a number for those that take one."""
    pieces: list[tuple[bool, str]] = []
    while route:
        before, _, rest = route.partition("<")
        pieces.append((True, before))
        if not rest:
            break
        kind, _, route = rest.partition(">")
        pieces.append((kind.startswith("int:"), "1" if kind.startswith("int:") else ""))
    return pieces


@pytest.mark.parametrize(
    "address", ["/static/", "/static/dashboard/", "/static/../manage.py", "/static/%2e%2e/manage.py"]
)
def test_no_folder_is_listed_and_none_is_left(address: str, db: None) -> None:
    response = Client(raise_request_exception=False).get(f"/static/{address}")
    assert response.status_code in (400, 404)
    assert b"execute_from_command_line" not in (b"" if response.streaming else response.content)


def test_control_characters_do_not_reach_the_terminal_by_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Escapes of a terminal, line ends that forge a line, and marks of direction."""
    hostile = 'x\x1b[2J\x1b]0;owned\x07\r\n{"event": "forged"}\u202e\u2066\x00\x9b31m'
    (handler,) = [one for one in ours() if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)][:1]
    for log in (
        lambda: structlog.get_logger("tests").warning(hostile, name=hostile, of={"a": [hostile]}),
        lambda: logging.getLogger("tests").warning("of %s", hostile),
        lambda: logging.getLogger("django.request").warning("Not Found: %s", hostile),
    ):
        caplog.clear()
        log()
        line = handler.format(caplog.records[-1])
        assert json.loads(line)
        assert all(" " <= character <= "~" for character in line), line


def ours() -> list[logging.Handler]:
    return list(logging.getLogger().handlers)
