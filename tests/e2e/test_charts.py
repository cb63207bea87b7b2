"""Charts in a real browser, under a policy without any `unsafe-*`: drawn in both themes, read by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.clickhouse.real_store import real_store
from tests.clickhouse.test_aggregates import failing, run
from tests.clickhouse.test_writer import write
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.test_browser import Watch
from tests.engine_process import EngineProcess
from tracestore.models import Membership, Project

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

HOUR = "since=2026-09-21T13:50:00Z&until=2026-09-21T14:50:00Z"
ZONE = "Asia/Kolkata"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with real_store(tmp_path_factory.mktemp("engine"), as_cluster=False) as engine:
        yield engine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's sync interface runs an event loop in this thread; Django would refuse the ORM here.
    with pytest.MonkeyPatch.context() as patch, launched() as browser:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def inside(browser: Browser, store: Any, live_server: LiveServer, settings: LazySettings) -> Iterator[Page]:
    """A watched page, logged in, with traces to draw."""
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    strict = {name: allowed for name, allowed in policy.items() if name != "style-src-attr"}
    assert not any("unsafe" in word for allowed in strict.values() for word in allowed)
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": strict}
    for trace in range(1, 9):
        write(
            *run(
                trace,
                tools_called=("search", "book"),
                cost=0.1 * trace,
                later_s=120 * trace,
                agent_version=str(trace % 3),
            )
        )
    write(failing(3, "no table 42"))
    user = User.objects.create_user("ada", password="engine-of-1843")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=Membership.Role.MEMBER)
    client = Client()
    client.force_login(user)
    cookie = settings.SESSION_COOKIE_NAME
    context = browser.new_context(viewport={"width": 1400, "height": 900}, timezone_id=ZONE, color_scheme="light")
    context.add_cookies([{"name": cookie, "value": client.cookies[cookie].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch = Watch(page, urlsplit(live_server.url).netloc)
    yield page
    context.close()
    assert watch.bad == []


def wait_for_charts(page: Page) -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-figure]')].every(one => one.querySelector('.main-svg .trace path'))"
    )


@pytest.mark.parametrize("path", ["/", "/agents/", "/agents/planner/", "/tools/search/", "/models/"])
def test_every_chart_is_drawn_in_both_themes_and_widths(inside: Page, live_server: LiveServer, path: str) -> None:
    inside.goto(f"{live_server.url}{path}?{HOUR}")
    wait_for_charts(inside)
    tick = inside.locator(".xtick text").first
    light = tick.evaluate("element => getComputedStyle(element).fill")
    inside.click("[data-action=theme]")
    inside.click("[data-action=theme]")
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")
    inside.wait_for_function(
        "light => getComputedStyle(document.querySelector('.xtick text')).fill !== light", arg=light
    )
    # Times are those of the reader's zone: 14:13 UTC is 19:43 there.
    assert any(text.startswith("19:") for text in inside.locator(".xtick text").all_text_contents())
    inside.set_viewport_size({"width": 390, "height": 844})
    inside.wait_for_function(
        """() => [...document.querySelectorAll('[data-figure]')]
        .every(one => one.querySelector('.main-svg').clientWidth <= one.clientWidth)"""
    )
    assert inside.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")


def test_a_chart_is_read_by_keyboard_and_its_table_leads_to_the_list(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/?{HOUR}")
    wait_for_charts(inside)
    inside.focus("#runs [data-figure]")
    for _ in range(26):
        inside.keyboard.press("ArrowRight")
    expect(inside.locator("#said")).to_have_text("2026-09-21 19:45:00: ok 1, failed 0")
    inside.keyboard.press("Enter")
    link = inside.locator("#runs table a").first
    expect(link).to_be_visible()
    expect(link).to_have_text("2026-09-21 19:59")
    link.press("Enter")
    inside.wait_for_url("**/traces/?since=2026-09-21T14*")


def test_a_time_range_is_typed_in_the_readers_zone(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/agents/?{HOUR}")
    inside.click(".range-custom > summary")
    expect(inside.locator("[data-zone]")).to_contain_text("Times of your zone, Asia/")
    expect(inside.locator(".range-fields [name=since]")).to_have_value("2026-09-21T19:20")
    inside.fill(".range-fields [name=since]", "2026-09-21T19:30:00")
    inside.click(".range-fields button")
    inside.wait_for_url("**/agents/?since=2026-09-21T14%3A00%3A00Z&until=2026-09-21T14%3A50%3A00Z")
    expect(inside.locator("nav a", has_text="Tools")).to_have_attribute(
        "href", "/tools/?since=2026-09-21T14%3A00%3A00Z&until=2026-09-21T14%3A50%3A00Z"
    )
