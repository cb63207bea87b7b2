"""On-call in a browser: the list by keyboard, one incident on a desk and on a phone, and hostile texts everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.axe import look_in_both_themes
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.every_page import log_in
from tests.e2e.stack import ROOT, Stack

DESK, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def on_call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of its own, with a bad day in it: other tests count findings and incidents."""
    with Stack(tmp_path_factory.mktemp("tracestore")) as running:
        words = "from tests.pages.sample_incidents import make, make_hostile; make(); make_hostile()"
        command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", words]
        environment = {**running.environment, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
        yield running


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What consoles say; at the end nothing."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def context(browser: Browser, on_call: Stack, said: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport=DESK, base_url=on_call.web, reduced_motion="reduce", timezone_id="America/New_York"
    )  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda one: said.append(one.text) if one.type in ("error", "warning") else None)
    context.on("weberror", lambda one: said.append(str(one.error)))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, on_call: Stack) -> Page:
    page = context.new_page()
    log_in(page, on_call)
    return page


def number_of(stack: Stack, words: str, state: str = "open") -> int:
    return int(stack.api("incidents/", q=words, state=state)["results"][0]["id"])


def test_from_the_list_by_keyboard_and_back(on_call: Stack, page: Page) -> None:
    number = number_of(on_call, "fails: 87")
    page.goto("/incidents/?severity=critical")
    expect(page.locator("#nav-incidents .badge")).to_be_visible()
    row = page.locator(f"tr[data-incident='{number}']")
    for _ in range(6):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.id") == f"i-{number}":
            break
    page.keyboard.press("a")
    expect(page.locator(".of-acknowledged").locator(f"#i-{number}")).to_be_visible()
    expect(page.locator(".acted")).to_contain_text(f"Acknowledged #{number}")
    assert on_call.api(f"incidents/{number}/")["acknowledged_by"] == "admin"
    page.locator(".acted").get_by_role("button", name="Undo").click()
    expect(page.locator(".of-open").locator(f"#i-{number}")).to_be_visible()
    row.locator("a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{number}/")
    page.go_back()
    assert "severity=critical" in page.url


def test_one_incident_is_dealt_with_while_another_looks_on(on_call: Stack, context: BrowserContext, page: Page) -> None:
    number = number_of(on_call, "38 times")
    other = context.new_page()
    for one in (page, other):
        one.goto(f"/incidents/{number}/")
    # All that matters is on the screen without scrolling.
    for words in ("Wasted so far", "How fast", "What changed", "Similar incidents", "Timeline", "Open the evidence"):
        expect(page.locator("#main").get_by_text(words).first).to_be_in_viewport()
    page.fill("#note", "half a sentence")
    other.get_by_role("button", name="Acknowledge").click()
    expect(other.locator(".acted")).to_contain_text("Acknowledged.")
    # The first reader sees it by itself, and keeps what was being written.
    expect(page.locator(".incident-state")).to_contain_text("by admin")
    expect(page.locator("#note")).to_have_value("half a sentence")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline")).to_contain_text("half a sentence")
    expect(page.locator("#note")).to_have_value("")
    # The page is being read again when the menu is opened; there is something new, and it waits.
    reading, held = re.compile(rf"/incidents/{number}/\?"), list[Route]()
    page.route(reading, lambda route: held.append(route))
    with page.expect_request(reading):
        other.fill("#note", "from somebody else")
        other.get_by_role("button", name="Add note").click()
        expect(other.locator(".timeline")).to_contain_text("from somebody else")
    page.locator("summary", has_text="Snooze").click()
    with page.expect_response(reading) as answer:
        held[0].continue_()
    assert "from somebody else" in answer.value.text()
    page.get_by_role("button", name="until tomorrow 9:00").click()
    page.unroute_all(behavior="ignoreErrors")
    expect(page.locator(".incident-state")).to_contain_text(re.compile("snoozed until .* 09:00"))
    page.get_by_role("button", name="End the snooze").click()
    expect(page.locator(".acted")).to_contain_text("Awake")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".acted")).to_contain_text("Resolved.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".acted")).to_contain_text("Reopened.")


def test_silence_this_is_filled_and_shows_what_it_covers(on_call: Stack, page: Page) -> None:
    page.goto(f"/incidents/{number_of(on_call, '38 times', 'active')}/")
    page.get_by_role("link", name="Silence this").click()
    expect(page.locator("[name=matchers]")).to_have_value('detector="loop"\nagent="support-planner"')
    expect(page.locator("[name=time_zone]")).to_have_value("America/New_York")
    page.get_by_role("button", name="Show what it would cover").click()
    expect(page.locator("#preview")).to_contain_text("1 incident")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.locator(".silences")).to_contain_text("Holding now")
    page.get_by_role("button", name="End now").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".silences")).to_contain_text("Holding now")
    page.get_by_role("button", name="End now").click()


@pytest.mark.timeout(300)
def test_every_page_in_both_themes_and_sizes(on_call: Stack, page: Page) -> None:
    hostile = number_of(on_call, "onerror")
    paths = ["/incidents/", "/incidents/?q=nothing-is-so", "/silences/", "/settings/routing/"]
    for number in (hostile, number_of(on_call, "costs 3.4", "acknowledged")):
        paths += [f"/incidents/{number}/", f"/incidents/{number}/halt/"]
    bad: dict[str, list[str]] = {}
    for size in (DESK, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in paths:
            page.goto(path)
            page.wait_for_load_state("load")
            bad[f"{path} {size['width']}"] = look_in_both_themes(page)
            assert page.title() != "taken", path
            assert page.evaluate("document.querySelector('#main').scrollWidth <= innerWidth"), path
    found = "\n".join(f"{where}: {line}" for where, lines in bad.items() for line in lines)
    assert not found, found


def test_without_script(browser: Browser, on_call: Stack) -> None:
    number = number_of(on_call, "faq-bot")
    context = browser.new_context(base_url=on_call.web, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", on_call.environment["TRACESTORE_ADMIN_PASSWORD"])
    page.press("[name=password]", "Enter")
    page.goto("/incidents/")
    page.locator(f"#ack-{number}").click()
    expect(page.locator(".of-acknowledged").locator(f"#i-{number}")).to_be_visible()
    page.goto(f"/incidents/{number}/")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".acted")).to_contain_text("Resolved.")
    context.close()
