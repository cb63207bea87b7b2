"""The way of an owner and of somebody invited, in a real browser: on a phone too, by keyboard, and under axe."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.axe import look_in_both_themes
from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.test_browser import browser as browser
from tests.e2e.test_browser import page as page
from tests.e2e.test_browser import store as store
from tests.organisations.conftest import Acme, make_acme
from tracestore.models import Project

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def acme(db: None) -> Acme:
    return make_acme()


def log_in(page: Page, server: LiveServer, acme: Acme, name: str) -> None:
    client = Client()
    client.force_login(acme.person(name))
    cookie = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": cookie, "value": client.cookies[cookie].value, "url": server.url}])


def is_wide(page: Page) -> bool:
    """Whether the page is wider than the screen; tables scroll by themselves."""
    wide: bool = page.evaluate(
        "() => document.documentElement.scrollWidth > innerWidth || "
        "(m => m && m.scrollWidth > m.clientWidth)(document.querySelector('main'))"
    )
    return wide


def test_invited_joined_and_given_a_key(
    page: Page, browser: Browser, live_server: LiveServer, acme: Acme, store: object
) -> None:
    log_in(page, live_server, acme, "owner")
    page.goto(f"{live_server.url}/settings/organisation/")
    assert look_in_both_themes(page) == []
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.locator("#link").inner_text()
    expect(page.locator("#link")).to_be_in_viewport()
    assert look_in_both_themes(page) == []

    phone = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    phone.set_default_timeout(PATIENCE_MS)
    phone.goto(link)
    assert look_in_both_themes(phone) == []
    phone.fill("[name=username]", "grace")
    phone.fill("[name=password]", "1234567890")
    phone.press("[name=password]", "Enter")
    expect(phone.get_by_role("alert")).to_contain_text("too common")
    assert look_in_both_themes(phone) == []
    phone.fill("[name=password]", "engine-of-1843")
    phone.press("[name=password]", "Enter")
    phone.wait_for_url("**/?project=shop")
    phone.goto(f"{live_server.url}/settings/organisation/")
    expect(phone.get_by_text("You are member of this organisation")).to_be_visible()
    assert look_in_both_themes(phone) == []
    phone.context.close()

    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/settings/keys/")
        page.fill("form[action$='/new/'] [name=name]", f"checkout of {width}")
        page.get_by_role("button", name="Make the key").click()
        expect(page.locator("#key")).to_contain_text("ts_")
        page.locator("summary", has_text="Revoke").first.click()
        assert look_in_both_themes(page) == []
        assert not is_wide(page)
        page.goto(f"{live_server.url}/settings/organisation/")
        assert not is_wide(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_projects_are_switched_by_keyboard(
    page: Page, live_server: LiveServer, acme: Acme, store: object, width: int
) -> None:
    for number in range(12):
        Project.objects.create(slug=f"p-{number}", name=f"Project {number}", organisation=acme.organisation)
    log_in(page, live_server, acme, "viewer")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/settings/keys/")
    page.locator(".switch" if width > 900 else ".nav-link.narrow-only").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#project-switch")).to_be_visible()
    assert look_in_both_themes(page) == []
    page.keyboard.type("project 11")
    expect(page.locator("#project-switch li:visible")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/keys/?project=p-11")
    page.goto(f"{live_server.url}/settings/organisation/")
    expect(page.locator(".switch b")).to_have_text("Project 11")
    page.locator(".switch").press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#project-switch")).to_be_hidden()
