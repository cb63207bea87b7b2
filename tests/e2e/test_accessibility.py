"""axe over every page in both themes, and the way from the list to an error and back without a mouse."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import look_in_both_themes
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.every_page import FAILING, LOOPING, addresses, log_in, send_demo
from tests.e2e.quiet import count_requests, wait_quiet
from tests.e2e.stack import Stack

#: The demo's past is sent first, for whichever test comes first.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of its own: the demo's many runs would be in the way of tests that count."""
    with Stack(tmp_path_factory.mktemp("tracestore")) as running:
        send_demo(running)
        yield running


@pytest.fixture(scope="module")
def page(demo: Stack, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=demo.web, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    count_requests(context)
    page = context.new_page()
    log_in(page, demo)
    yield page
    context.close()


def test_no_page_has_a_serious_finding(demo: Stack, page: Page, browser: Browser) -> None:
    found: dict[str, list[str]] = {}
    for name, path in addresses(demo, page).items():
        page.goto(path)
        wait_quiet(page)
        found[name] = look_in_both_themes(page)
    page.goto("/traces/")
    wait_quiet(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="trace id")).to_be_focused()
    page.keyboard.type("search")
    expect(page.get_by_role("option", name="search_trains").first).to_be_visible()
    found["palette"] = look_in_both_themes(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    found["help"] = look_in_both_themes(page)
    stranger = browser.new_page()
    stranger.goto(f"{demo.web}/login/")
    found["login"] = look_in_both_themes(stranger)
    stranger.close()
    assert len(found) > 25
    said = "\n".join(f"{name}: {line}" for name, lines in found.items() for line in lines)
    assert not said, said


def test_from_the_list_to_an_error_and_back_by_keyboard_alone(demo: Stack, page: Page) -> None:
    failed = demo.api("traces/", q=FAILING, limit=1)["results"][0]["trace_id"]
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/traces/**")
    page.keyboard.press("/")
    page.keyboard.type(failed)
    page.keyboard.press("Enter")
    row = page.locator(f'tr[data-trace] a[href="/traces/{failed}/"]')
    page.wait_for_url(f"**/traces/?*{failed}*")
    expect(page.locator("tr[data-trace]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#waterfall.is-live")
    assert f"/traces/{failed}/" in page.url
    page.keyboard.press("e")
    chosen = page.locator('.wf-row[aria-selected="true"]')
    expect(chosen).to_have_class(re.compile(r"\bis-error\b"))
    assert page.evaluate("document.activeElement.id") == "wf-scroll"
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .drawer-error").first).to_be_visible()
    # Into the drawer and through its tabs by Tab; Esc gives the place in the rows back.
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#drawer') !== null"):
            break
    assert page.evaluate("document.activeElement.closest('#drawer') !== null")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "wf-scroll"
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('[data-back]')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/?*{failed}*")
    expect(row).to_be_visible()


def test_go_to_by_keyboard_and_by_button(demo: Stack, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto("/traces/")
    page.keyboard.press("/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="trace id")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Overview")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "q", "the focus did not come back"
    page.keyboard.press("Control+k")
    page.keyboard.type("search_tra")
    option = page.get_by_role("option", name="search_trains tool")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "-")
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tools/search_trains/**")
    # An id that was pasted is gone to at once, without waiting for the list.
    trace_id = demo.api("traces/", limit=1)["results"][0]["trace_id"]
    page.set_viewport_size({"width": 390, "height": 780})
    page.get_by_role("button", name="Go to").click()
    expect(field).to_be_focused()
    box = page.locator("#palette").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.keyboard.insert_text(trace_id)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{trace_id}/")
    page.set_viewport_size({"width": 1400, "height": 900})


def test_ancestors_stay_over_the_waterfall(demo: Stack, page: Page) -> None:
    run = demo.api("traces/", q=LOOPING, limit=1)["results"][0]
    page.set_viewport_size({"width": 1400, "height": 440})
    page.goto(f"/traces/{run['trace_id']}/")
    page.wait_for_selector("#waterfall.is-live")
    copies = page.locator("#wf-over .wf-row:not([hidden])")
    expect(copies).to_have_count(0)
    page.keyboard.press("}")
    page.wait_for_function(
        """() => (grid => { grid.scrollTop = 24 * 8; return grid.scrollTop === 24 * 8 })(
        document.getElementById('wf-scroll'))"""
    )
    expect(copies.first).to_contain_text(page.locator("#wf-rows .wf-name a").first.inner_text())
    assert page.locator("#wf-over [id], #wf-over a[href], #wf-over [data-span-id]").count() == 0
    # A row that is chosen by key is not under them.
    page.locator("#wf-scroll").focus()
    copies.first.locator(".wf-name a").click()
    expect(page.locator('.wf-row[aria-selected="true"]')).to_have_attribute("aria-rowindex", "1")
    expect(copies).to_have_count(0)
    page.keyboard.press("End")
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    expect(copies.first).to_be_visible()
    page.wait_for_function(
        """() => document.querySelector('.wf-row[aria-selected="true"]').getBoundingClientRect().top
        >= Math.max(...[...document.querySelectorAll('#wf-over .wf-row:not([hidden])')]
            .map(row => row.getBoundingClientRect().bottom))"""
    )
    # A link to a span far down shows bars as wide as their time.
    spans = demo.api(f"traces/{run['trace_id']}/")["spans"]
    page.goto(f"/traces/{run['trace_id']}/?span={spans[len(spans) // 2]['span_id']}")
    page.wait_for_selector("#waterfall.is-live")
    expect(copies.first).to_be_visible()
    bar, axis = copies.first.locator(".wf-bar").bounding_box(), page.locator("#wf-axis").bounding_box()
    assert bar is not None
    assert axis is not None
    assert bar["width"] > 0.9 * axis["width"]
    page.set_viewport_size({"width": 1400, "height": 900})
