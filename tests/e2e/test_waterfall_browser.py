"""The waterfall in a real browser: giants, loops, findings, running traces, links and keys."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_browser import browser, expect_chosen, inside, live, names, page, store, wait_for_rows
from tests.pages.fake_reader import MS, FakeReader, synthetic_trace
from tests.pages.sample_runs import (
    DEEP,
    LOOP,
    RUNNING,
    deep_trace,
    finding,
    hostile_finding,
    loop_trace,
    running_trace,
)
from tests.pages.sample_traces import HOSTILE, SUPPORT, id_of

__all__ = ["browser", "inside", "page", "store"]
pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

GIANT = "9a" * 16
MODEL = "document.getElementById('waterfall').waterfall.state.model"


def opened(page: Page, live_server: LiveServer, trace_id: str, query: str = "") -> Page:
    page.goto(f"{live_server.url}/traces/{trace_id}/{query}")
    live(page)
    return page


def wait_for_window(page: Page) -> None:
    """Waits until the window has glided to where it goes, and the address says so."""
    page.wait_for_function(
        """() => (one => one.goal === null
            && (new URLSearchParams(location.search).get('t') ?? '') === one.inAddress()
        )(document.getElementById('waterfall').waterfall.time)"""
    )


def offset(row: Locator) -> float:
    """How far below the grid's top edge a row is: what is above the grid may grow."""
    found: float = row.evaluate(
        "row => row.getBoundingClientRect().top - document.getElementById('wf-scroll').getBoundingClientRect().top"
    )
    return found


def test_a_giant_is_a_skeleton_that_opens_where_it_is_pressed(
    inside: Page, store: FakeReader, live_server: LiveServer
) -> None:
    spans = synthetic_trace(100_000, trace_id=GIANT)
    store.add(spans)
    deep = spans[99_000].span_id
    store.findings[GIANT] = [finding(deep)]
    opened(inside, live_server, GIANT)
    expect(inside.locator(".notice")).to_contain_text("100,000 spans are too many to show at once")
    expect(inside.locator("#wf-count")).to_contain_text("of 100,000 spans")
    errors = sum(span.status == "error" for span in spans)
    expect(inside.locator("#wf-errors")).to_have_text(f"{errors:,} errors")
    inside.keyboard.press("f")
    row = inside.locator(f'.wf-row[data-span-id="{deep}"]')
    expect(row).to_be_in_viewport()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(inside.locator("#wf-tip")).to_contain_text("search_kb was called 38 times.")
    hidden, before = inside.evaluate(
        f"""() => {{ const m = {MODEL}; const node = [...m.under.keys()].find((n) => m.depth[n] > 1);
        document.getElementById('waterfall').waterfall.choose(node); return [m.ids[node], m.spans]; }}"""
    )
    more = inside.locator(f'.wf-row[data-span-id="{hidden}"]')
    expect(more).to_contain_text("hidden")
    count = int(more.inner_text().split("hidden")[0].strip("+ \n").replace(",", ""))
    top = inside.evaluate(
        f"{MODEL}.ids[{MODEL}.visible[Math.ceil(document.getElementById('wf-scroll').scrollTop / 24)]]"
    )
    anchor = inside.locator(f'.wf-row[data-span-id="{top}"]')
    place = offset(anchor)
    more.locator("a").click()
    inside.wait_for_function(f"before => {MODEL}.spans > before", arg=before)
    assert inside.evaluate(f"{MODEL}.spans") == before + min(count, 5_000)
    expect(anchor).to_be_in_viewport()
    assert offset(anchor) == place


def test_ten_thousand_spans_are_whole(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.add(synthetic_trace(10_000, trace_id=GIANT))
    opened(inside, live_server, GIANT)
    expect(inside.locator("#wf-count")).to_have_text("10,000 spans")
    inside.focus("#wf-scroll")
    inside.keyboard.press("End")
    expect(inside.locator(".wf-row.is-chosen")).to_be_in_viewport()
    assert inside.locator("#wf-rows .wf-row").count() <= 64


def test_five_hundred_levels(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.add(deep_trace())
    opened(inside, live_server, DEEP, f"?span={id_of(500)}")
    row = inside.locator(f'.wf-row[data-span-id="{id_of(500)}"]')
    expect(row).to_be_in_viewport()
    expect(row).to_have_attribute("aria-level", "500")
    inside.keyboard.press("{")
    wait_for_rows(inside, 1)
    inside.keyboard.press("}")
    inside.wait_for_function(f"() => {MODEL}.count === 500")


def test_a_loop_is_one_row_until_it_is_opened(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.add(loop_trace())
    opened(inside, live_server, LOOP)
    group = "× 38 chat gpt-4o → search_kb"
    assert names(inside) == ["invoke_agent researcher", group, "chat gpt-4o"]
    expect(inside.locator(".wf-row.is-group")).to_contain_text("2 failed, 3 distinct arguments")
    expect(inside.locator(".wf-row.is-group .wf-error")).to_be_visible()
    expect(inside.locator("#wf-errors")).to_have_text("2 errors")
    expect(inside.locator(".wf-row.is-group .wf-c-cost")).to_have_text("$0.38")
    inside.click(".wf-row.is-group .wf-name a")
    inside.wait_for_function(f"() => {MODEL}.count === 79")
    assert names(inside)[:4] == ["invoke_agent researcher", group, "chat gpt-4o", "execute_tool search_kb"]
    inside.keyboard.press("r")
    inside.wait_for_function(f"() => {MODEL}.count === 78")
    assert names(inside)[:2] == ["invoke_agent researcher", "chat gpt-4o"]
    expect(inside.locator(f'.wf-row[data-span-id="{id_of(2)}"]')).to_have_attribute("aria-level", "2")
    expect(inside.locator('[data-wf="groups"]')).to_have_attribute("aria-pressed", "false")
    expect(inside.locator(f'.wf-row[data-span-id="{id_of(2)}"] .wf-step')).to_have_text("1")
    inside.keyboard.press("r")
    inside.keyboard.press("{")
    inside.keyboard.press("e")
    expect_chosen(inside, "execute_tool search_kb")


def test_cut_context_running_sums_and_idle_times(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.add(loop_trace())
    cut = id_of(42)
    opened(inside, live_server, LOOP, f"?span={cut}")
    row = inside.locator(f'.wf-row[data-span-id="{cut}"]')
    expect(row.locator(".wf-cut")).to_have_attribute("title", "4,000 tokens in, after 16,300 in the call before")
    expect(row.locator(".wf-c-cost")).to_have_text("$0.01")
    inside.keyboard.press("Escape")
    inside.keyboard.press("t")
    expect(row.locator(".wf-c-cost")).to_have_text("$0.21")
    expect(inside.locator("#wf-h-cost")).to_have_text("Cost so far")
    whole = inside.evaluate(f"{MODEL}.whole")
    expect(inside.locator("#wf-gaps i")).to_have_count(1)
    inside.keyboard.press("i")
    inside.wait_for_function(f"whole => {MODEL}.whole < whole - 55e6", arg=whole)
    inside.keyboard.press("i")
    assert inside.evaluate(f"{MODEL}.whole") == whole


def test_findings_lead_to_their_rows_by_list_key_and_pointer(
    inside: Page, store: FakeReader, live_server: LiveServer
) -> None:
    store.add(loop_trace())
    store.findings[LOOP] = [finding(id_of(20), id_of(60)), finding(id_of(3), title="Another", severity="info")]
    opened(inside, live_server, LOOP)
    inside.click(".wf-findings summary")
    inside.click("text=Another")
    expect(inside.locator(".wf-row.is-chosen")).to_have_attribute("data-span-id", id_of(3))
    expect(inside.locator("#wf-tip")).to_contain_text("Another (info)")
    for expected in (20, 60, 3):
        inside.keyboard.press("f")
        expect(inside.locator(".wf-row.is-chosen")).to_have_attribute("data-span-id", id_of(expected))
    inside.keyboard.press("F")
    expect(inside.locator(".wf-row.is-chosen")).to_have_attribute("data-span-id", id_of(60))
    inside.keyboard.press("Escape")
    expect(inside.locator("#wf-tip")).to_be_hidden()
    inside.locator(".wf-row.is-chosen .wf-found").hover()
    expect(inside.locator("#wf-tip")).to_contain_text("The same tool again and again (critical)")


def test_text_in_findings_runs_nothing(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.findings[HOSTILE] = [hostile_finding(id_of(2))]
    opened(inside, live_server, HOSTILE)
    inside.click(".wf-findings summary")
    expect(inside.locator(".wf-finding-list")).to_contain_text("<script>")
    inside.keyboard.press("f")
    expect(inside.locator("#wf-tip")).to_contain_text("<script>")
    assert inside.evaluate("window.hacked") is None


def test_a_running_trace_grows_in_place_and_comes_to_rest(
    inside: Page, store: FakeReader, live_server: LiveServer
) -> None:
    store.add(running_trace(80), status="running")
    opened(inside, live_server, RUNNING)
    expect(inside.locator(".fact-status")).to_have_text("running")
    assert names(inside)[0] == "(running)"
    inside.click(".wf-row.is-group .wf-twisty")
    inside.wait_for_function(f"() => {MODEL}.count === 82")
    inside.wait_for_function("() => document.getElementById('wf-scroll').scrollHeight > 1500")
    inside.evaluate("document.getElementById('wf-scroll').scrollTop = 1000")
    inside.click(f'.wf-row[data-span-id="{id_of(50)}"] .wf-name a')
    row = inside.locator(f'.wf-row[data-span-id="{id_of(50)}"]')
    expect(row).to_have_attribute("aria-selected", "true")
    expect(inside.locator("#drawer h2")).to_be_visible()
    before = offset(row)
    store.add(running_trace(100), status="running")
    expect(inside.locator("#wf-count")).to_have_text("100 spans")
    expect(row).to_have_attribute("aria-selected", "true")
    assert offset(row) == before
    expect(inside.locator("#drawer h2")).to_be_visible()
    # The root comes last and begins before everything: rows move down by none, times by what it was earlier.
    whole = running_trace(122)
    whole[-1] = replace(whole[-1], start_ns=whole[-1].start_ns - 5_000 * MS)
    store.add(whole)
    expect(inside.locator(".fact-status")).to_have_text("ok")
    assert offset(row) == before
    expect(inside.locator("#wf-count")).to_have_text("122 spans")
    assert inside.evaluate(f"{MODEL}.isRunning") is False
    assert inside.evaluate("document.getElementById('waterfall').waterfall.live.isOn") is False


def test_a_span_that_has_not_come_cannot_be_opened(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    store.add(running_trace(9), status="running")
    opened(inside, live_server, RUNNING)
    inside.click(".wf-row.is-running .wf-name a")
    expect(inside.locator(".wf-row.is-running")).to_have_attribute("aria-selected", "true")
    expect(inside.locator("#drawer")).to_be_hidden()


def test_zoom_and_pan_by_key_are_in_the_address_and_back_leads_back(inside: Page, live_server: LiveServer) -> None:
    opened(inside, live_server, SUPPORT)
    window = "document.getElementById('waterfall').waterfall.state.window"
    for key in "wwd":
        inside.keyboard.press(key)
    wait_for_window(inside)
    begin, end = inside.evaluate(window)
    assert end - begin == pytest.approx(6_400_000 * 0.36, rel=0.01)
    inside.click(f'.wf-row[data-span-id="{id_of(10)}"] .wf-name a')
    inside.wait_for_url(re.compile(rf"t=\d+-\d+&span={id_of(10)}$"))
    inside.keyboard.press("a")
    inside.keyboard.press("s")
    wait_for_window(inside)
    inside.go_back()
    inside.wait_for_url(re.compile(r"\?t=\d+-\d+$"))
    assert inside.evaluate(window) == [round(begin), round(end)]


def test_the_link_has_span_window_and_filter(inside: Page, live_server: LiveServer) -> None:
    opened(inside, live_server, SUPPORT, "?q=chat")
    inside.focus("#wf-scroll")
    inside.keyboard.press("End")
    inside.keyboard.press("w")
    wait_for_window(inside)
    inside.click('[data-wf="link"]')
    link = inside.locator('[data-wf="link"]').get_attribute("data-copy")
    assert link is not None
    assert re.search(rf"\?q=chat&(t=\d+-\d+&span={id_of(10)}|span={id_of(10)}&t=\d+-\d+)$", link), link
    inside.goto(link)
    live(inside)
    expect(inside.locator("#wf-count")).to_have_text("2 of 11")
    expect(inside.locator(".wf-row.is-chosen")).to_have_attribute("data-span-id", id_of(10))


def test_every_key_of_the_waterfall_is_in_the_help(inside: Page, live_server: LiveServer) -> None:
    opened(inside, live_server, SUPPORT)
    keys = "eEfF[]{}rtiwsad0c"
    bound = inside.evaluate(
        """keys => [...keys].filter((key) => !document.body.dispatchEvent(
            new KeyboardEvent('keydown', { key, cancelable: true, bubbles: true }))).join('')""",
        keys,
    )
    assert bound == keys
    inside.keyboard.press("?")
    shown = inside.locator("#help kbd").all_inner_texts()
    assert set(keys) <= set(shown)
