# ruff: noqa: F811 - fixtures of another module
"""The views of a trace in a real browser: one selection, keys, back and forward, nothing on the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.quiet import count_requests, wait_quiet
from tests.e2e.test_browser import BIG, browser, inside, page, store  # noqa: F401
from tests.pages.fake_reader import FakeReader
from tests.pages.sample_traces import HOSTILE, SUPPORT, id_of
from tests.pages.test_trace_views import CHAT, add, chat_trace, message

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

CHOSEN = "(f => f.state.model.ids[f.state.selected] ?? '')(document.getElementById('flame').flame)"
VIEWS = ("waterfall", "flame", "graph", "conversation", "table")


@pytest.fixture
def opened(inside: Page, live_server: LiveServer) -> Page:
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/?view=flame")
    inside.wait_for_selector("#flame.is-live")
    return inside


def test_one_selection_goes_through_all_views_by_keys(opened: Page) -> None:
    opened.locator("#fl-scroll").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):  # root, plan, its sibling
        opened.keyboard.press(key)
    expect(opened.locator("#drawer h2")).to_have_text("execute_tool find_order")
    expect(opened.locator("#fl-chosen")).to_contain_text("error")
    assert f"span={id_of(4)}" in opened.url
    for number, view in enumerate(VIEWS, 1):
        opened.wait_for_load_state()  # keys work once the scripts are there
        opened.keyboard.press(str(number))
        expect(opened.locator(f'[data-view="{view}"]')).to_have_attribute("aria-current", "page")
        expect(opened.locator("#drawer h2")).to_have_text("execute_tool find_order")
        assert f"span={id_of(4)}" in opened.url
    opened.wait_for_load_state()
    opened.keyboard.press("Escape")
    expect(opened.locator("#drawer")).to_be_hidden()
    opened.go_back()
    expect(opened.locator("#drawer h2")).to_have_text("execute_tool find_order")


def test_the_flame_answers_mouse_filter_and_zoom(opened: Page) -> None:
    box = opened.locator("#fl-scroll").bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + 30, box["y"] + 8)
    expect(opened.locator("#fl-tip")).to_contain_text("invoke_agent concierge")
    opened.mouse.click(box["x"] + 30, box["y"] + 8)
    expect(opened.locator("#drawer h2")).to_have_text("invoke_agent concierge")
    opened.keyboard.press("/")
    opened.keyboard.type("find_order")
    expect(opened.locator("#fl-count")).to_have_text("2 of 11")
    opened.keyboard.press("Escape")
    opened.keyboard.press("e")
    opened.wait_for_function(f"() => ({CHOSEN}) === {id_of(4)!r}")
    opened.keyboard.press("z")
    opened.wait_for_url("**t=*")
    assert "q=find_order" in opened.url
    opened.click('[data-view="waterfall"]')
    expect(opened.locator("#wf-q")).to_have_value("find_order")
    assert "t=" in opened.url


def test_a_flame_of_thousands_draws_what_it_is_scrolled_to(
    inside: Page, store: FakeReader, live_server: LiveServer
) -> None:
    wanted = store.rows[BIG][2400].span_id
    inside.goto(f"{live_server.url}/traces/{BIG}/?view=flame&span={wanted}")
    inside.wait_for_selector("#flame.is-live")
    inside.wait_for_function(f"() => ({CHOSEN}) === {wanted!r}")
    painted = """() => { const c = document.getElementById('fl-canvas'); const d = c.getContext('2d')
        .getImageData(0, 0, c.width, Math.min(c.height, 200)).data;
        const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
        return seen.size }"""
    inside.wait_for_function(f"() => ({painted})() > 3")


def test_graph_links_lead_to_the_spans(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/?view=graph")
    expect(inside.locator(".graph .node")).to_have_count(9)
    inside.locator(".node", has=inside.locator("title", has_text="tool find_order")).first.focus()
    inside.keyboard.press("Enter")
    inside.wait_for_selector("#waterfall.is-live")
    expect(inside.locator("#wf-q")).to_have_value("type:tool find_order")
    expect(inside.locator("#wf-count")).to_have_text("2 of 11")


def test_the_conversation_loads_as_one_reads_and_unfolds(
    inside: Page,
    store: FakeReader,
    live_server: LiveServer,
) -> None:
    asked = [[message("system", "s"), *(message("user", f"question {n}") for n in range(k + 1))] for k in range(40)]
    add(store, chat_trace(asked, [[message("assistant", f"answer {k}")] for k in range(40)]))
    inside.goto(f"{live_server.url}/traces/{CHAT}/?view=conversation")
    expect(inside.locator(".turn")).to_have_count(12)
    inside.locator(".fold > summary").nth(2).click()
    expect(inside.locator(".fold-in article").first).to_be_visible()
    inside.evaluate("document.getElementById('main').scrollTo(0, 1e6)")
    expect(inside.locator(".turn")).to_have_count(24)
    inside.locator(".turn a[data-span]").nth(20).click()
    expect(inside.locator(".turn.is-chosen")).to_have_count(1)
    expect(inside.locator("#drawer")).to_be_visible()
    inside.go_back()
    expect(inside.locator("#drawer")).to_be_hidden()
    assert inside.locator(".turn").count() == 24, "back does not load the page anew"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_view_runs_hostile_text_or_is_wider_than_the_screen(
    inside: Page,
    live_server: LiveServer,
    theme: str,
    width: int,
) -> None:
    inside.set_viewport_size({"width": width, "height": 844})
    inside.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    count_requests(inside.context)
    for trace_id in (HOSTILE, SUPPORT):
        for view in VIEWS[1:4]:
            inside.goto(f"{live_server.url}/traces/{trace_id}/?view={view}")
            wait_quiet(inside)
            assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert inside.evaluate("(m => m.scrollWidth <= m.clientWidth + 1)(document.getElementById('main'))"), view
    assert inside.evaluate("window.hacked") is None


def test_the_menu_of_downloads_closes_by_escape(opened: Page) -> None:
    opened.click(".menu summary")
    expect(opened.locator(".menu a").nth(3)).to_have_attribute("href", f"/api/v1/traces/{SUPPORT}/export/replay/")
    opened.keyboard.press("Escape")
    expect(opened.locator(".menu a").first).to_be_hidden()
