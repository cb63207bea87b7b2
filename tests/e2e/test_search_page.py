"""The list of traces as somebody searches it: completion, facets, brush, saved views, live tail, by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_browser import browser, inside, page, store  # noqa: F401 (fixtures)
from tests.pages.fake_reader import FakeReader, copy_at, synthetic_trace

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

MINUTE = 60_000_000_000


def fill(store: FakeReader, count: int) -> None:  # noqa: F811
    for number in range(1, count + 1):
        store.add(copy_at(synthetic_trace(5, seed=number), f"{number:032x}", number * MINUTE))


def test_the_keyboard_alone_searches_and_saves(inside: Page, live_server: LiveServer) -> None:  # noqa: F811
    inside.goto(f"{live_server.url}/traces/")
    inside.keyboard.press("/")
    inside.keyboard.type("stat")
    field = inside.locator("#q")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(inside.locator("#q-option-0")).to_contain_text("status")
    inside.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "q-option-0")
    inside.keyboard.press("Enter")
    expect(field).to_have_value("status:")
    expect(inside.locator("#q-options")).to_contain_text("1 trace")
    inside.keyboard.type("err")
    expect(inside.locator("#q-options li")).to_have_count(1)
    inside.keyboard.press("ArrowDown")
    inside.keyboard.press("Tab")
    expect(field).to_have_value("status:error ")
    inside.wait_for_url("**/traces/?q=status%3Aerror")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)

    inside.keyboard.type("agnt:x")
    expect(inside.locator("#query-error")).to_contain_text("Did you mean agent?")
    expect(inside.locator("#query-error pre")).to_have_text(re.compile(r"agnt:x\n {13}\^"))
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    for _ in "agnt:x":
        inside.keyboard.press("Backspace")
    expect(inside.locator("#query-error")).to_be_hidden()

    inside.focus("#views-menu summary")
    inside.keyboard.press("Enter")
    inside.keyboard.press("Tab")
    inside.keyboard.type("Failed")
    inside.keyboard.press("Enter")
    inside.wait_for_url("**/traces/?q=status%3Aerror")
    current = inside.locator(".views a[aria-current]")
    expect(current).to_have_text("Failed")
    inside.click("#views-menu summary")
    inside.click("text=Delete")
    expect(inside.locator(".undo")).to_contain_text("Deleted Failed.")
    inside.click(".undo button")
    expect(current).to_have_text("Failed")


def test_an_answer_that_comes_late_leaves_what_was_chosen(inside: Page, live_server: LiveServer) -> None:  # noqa: F811
    inside.goto(f"{live_server.url}/traces/")
    field, options = inside.locator("#q"), inside.locator("#q-options li")
    field.press_sequentially("status:e")
    expect(options).to_have_count(1)
    held: list[Route] = []
    inside.route("**/traces/complete/**", lambda route: held.append(route))
    with inside.expect_request("**/traces/complete/**"):
        inside.keyboard.type("r")
    inside.keyboard.press("ArrowDown")
    expect(options).to_have_attribute("aria-selected", "true")
    with inside.expect_response("**/traces/complete/**"):
        held.pop().continue_()
    expect(options).to_have_attribute("aria-selected", "true")
    # And what was typed since the list was asked for is part of the word that it completes.
    inside.keyboard.type("ro")
    inside.keyboard.press("ArrowDown")
    inside.keyboard.press("Tab")
    expect(field).to_have_value("status:error ")
    inside.unroute_all(behavior="ignoreErrors")


def test_a_range_is_brushed_by_mouse_and_by_keys(inside: Page, store: FakeReader, live_server: LiveServer) -> None:  # noqa: F811
    fill(store, 30)
    inside.goto(f"{live_server.url}/traces/?limit=50")
    bars = inside.locator("#volume-bars")
    expect(inside.locator("#volume-said")).to_contain_text("34 traces")
    box = bars.bounding_box()
    assert box is not None
    inside.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    inside.mouse.down()
    inside.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10, steps=4)
    expect(inside.locator("#volume-said")).to_contain_text("16 traces")
    inside.mouse.up()
    inside.wait_for_url(re.compile(r"since=2026-.*until=2026-"))
    expect(inside.locator("tr[data-trace]")).to_have_count(16)
    expect(inside.locator("[data-range]")).to_contain_text("time:")
    inside.click("[data-range] button")
    expect(inside.locator("tr[data-trace]")).to_have_count(34)
    expect(inside.locator("#volume-said")).to_contain_text("34 traces")
    inside.focus("#volume-bars")
    inside.keyboard.press("Home")
    inside.keyboard.press("Shift+ArrowRight")
    expect(bars).to_have_attribute("aria-valuetext", re.compile("[45] traces"))
    inside.keyboard.press("Enter")
    inside.wait_for_url(re.compile("since=2026-"))
    expect(inside.locator("tr[data-trace]")).to_have_count(5)
    inside.click("#ranges >> text=All time")
    expect(inside.locator("tr[data-trace]")).to_have_count(34)
    assert "since" not in inside.url


def test_facets_columns_and_orders(inside: Page, store: FakeReader, live_server: LiveServer) -> None:  # noqa: F811
    fill(store, 8)
    inside.goto(f"{live_server.url}/traces/")
    agent = inside.locator("a.facet", has_text="researcher")
    agent.click()
    inside.wait_for_url("**/traces/?q=agent%3Aresearcher")
    expect(inside.locator("#q")).to_have_value("agent:researcher")
    expect(inside.locator("a.facet[aria-current]")).to_contain_text("researcher")
    inside.locator("a.facet", has_text="researcher").click()
    expect(inside.locator("#q")).to_have_value("")
    # The facets come after the list; until then their links lead away from the search before.
    expect(inside.locator("a.facet[aria-current]")).to_have_count(0)
    inside.locator("a.without", has_text="−").first.click()
    expect(inside.locator("#q")).to_have_value(re.compile("^-status:"))
    inside.wait_for_url("**/traces/?q=-status%3A*")
    completions: list[str] = []
    inside.on("request", lambda request: completions.append(request.url) if "/complete/" in request.url else None)
    inside.fill("#q", "")
    inside.wait_for_url("**/traces/")
    # Nothing is offered for an empty field: it would lie over what is clicked now.
    assert completions == []
    inside.click("#columns-menu summary")
    inside.uncheck("[data-column][value=agent]")
    inside.wait_for_url(re.compile("columns="))
    expect(inside.locator("th.c-agent")).to_have_count(0)
    inside.click("#usual-columns")
    expect(inside.locator("th.c-agent")).to_have_count(1)
    inside.keyboard.press("Escape")
    inside.click("th.c-cost a")
    inside.wait_for_url("**/traces/?sort=cost")
    expect(inside.locator("th.c-cost")).to_have_attribute("aria-sort", "descending")
    inside.click("#facets-toggle")
    expect(inside.locator("#facets")).to_be_hidden()
    inside.reload()
    expect(inside.locator("#facets")).to_be_hidden()


def test_the_live_tail_lets_new_traces_in(inside: Page, store: FakeReader, live_server: LiveServer) -> None:  # noqa: F811
    fill(store, 60)
    inside.goto(f"{live_server.url}/traces/")
    expect(inside.locator("tr[data-trace]")).to_have_count(64)
    inside.click("#tail")
    expect(inside.locator("#tail-state")).to_have_text("on")
    store.add(copy_at(synthetic_trace(5, seed=99), "9" * 32, 99 * MINUTE))
    first = inside.locator("tr[data-trace] a").first
    expect(first).to_have_attribute("href", f"/traces/{'9' * 32}/")
    expect(inside.locator("#totals b")).to_have_text("65")
    inside.evaluate("document.getElementById('main').scrollTop = 400")
    store.add(copy_at(synthetic_trace(5, seed=98), "8" * 32, 100 * MINUTE))
    expect(inside.locator("#tail-state")).to_contain_text("waits while you read")
    expect(first).to_have_attribute("href", f"/traces/{'9' * 32}/")
    inside.evaluate("document.getElementById('main').scrollTop = 0")
    expect(first).to_have_attribute("href", f"/traces/{'8' * 32}/")


def test_nothing_is_wider_than_a_telephone(inside: Page, store: FakeReader, live_server: LiveServer) -> None:  # noqa: F811
    fill(store, 8)
    inside.set_viewport_size({"width": 390, "height": 800})
    inside.goto(f"{live_server.url}/traces/")
    expect(inside.locator("#volume-said")).to_be_visible()
    expect(inside.locator("#facets")).to_be_hidden()
    wide = "() => { const m = document.getElementById('main'); return m.scrollWidth - m.clientWidth; }"
    assert inside.evaluate(wide) <= 0
    inside.click("#facets-toggle")
    assert inside.evaluate(wide) <= 0
