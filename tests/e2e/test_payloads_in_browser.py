# ruff: noqa: F811 - fixtures of another module
"""Payloads and comparisons in a real browser: megabytes, copying, changes of a prompt, two traces side by side."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_browser import browser, inside, page, store  # noqa: F401
from tests.pages.fake_reader import EPOCH, MS, FakeReader, detail, span_row
from tests.pages.sample_traces import HOSTILE, SCRIPT, SUPPORT, id_of
from tests.pages.test_compare_page import OTHER, other_support
from tests.pages.test_payloads import TRACE, chat

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

#: What was copied, kept where a test can see it: a headless browser has no clipboard to read.
CLIPBOARD = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"


@pytest.fixture
def copying(inside: Page) -> Page:
    inside.add_init_script(CLIPBOARD)
    return inside


def copied(page: Page) -> str:
    page.wait_for_function("() => window.copied !== undefined")
    text = str(page.evaluate("window.copied"))
    page.evaluate("delete window.copied")
    return text


def megabytes(store: FakeReader) -> None:
    """A tool whose arguments are five megabytes of JSON and whose result is a tree of 20,000 rows."""
    rows = [{"n": n, "words": f"row {n} of many"} for n in range(20_000)]
    deep: object = "bottom"
    for _ in range(30):
        deep = [deep]
    row = span_row(TRACE, id_of(1), type="tool", tool_name="dump", name="dump", start_ns=EPOCH, end_ns=EPOCH + MS)
    asked = json.dumps([{"text": "x" * 500}] * 10_000)
    assert len(asked) > 5_000_000
    told = json.dumps({"odd keys": {SCRIPT: [12345678901234567890123]}, "rows": rows, "deep": deep, "last": "found"})
    store.add([row], [detail(row, input=asked, output=told)])


def test_megabytes_open_and_paths_and_values_are_copied(
    copying: Page, store: FakeReader, live_server: LiveServer
) -> None:
    megabytes(store)
    copying.goto(f"{live_server.url}/traces/{TRACE}/?span={id_of(1)}")
    drawer = copying.locator("#drawer")
    expect(drawer).to_contain_text("too long for a tree")
    expect(drawer).to_contain_text("found")
    drawer.get_by_role("button", name="Show more").first.click()
    expect(drawer).to_contain_text("The first 120,000 of 5,1")

    tree = drawer.locator("ul.json").last
    tree.locator("li:visible", has_text="last").first.hover()
    copying.locator(".j-tools [data-json=value]").click()
    assert copied(copying) == "found"

    tree.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "p"):
        copying.keyboard.press(key)
    assert copied(copying) == f'$["odd keys"][{json.dumps(SCRIPT)}][0]'
    copying.keyboard.press("v")
    assert copied(copying) == "12345678901234567890123"
    copying.keyboard.press("ArrowUp")
    copying.keyboard.press("v")
    assert copied(copying) == "[\n  12345678901234567890123\n]"

    tree.locator("summary", has_text="rows").first.click()
    tree.get_by_role("button", name="500 of 19,500 more").click()
    expect(tree.get_by_role("button", name="500 of 19,000 more")).to_be_visible()
    tree.locator(".j-index", has_text=re.compile("^999$")).click()
    expect(tree).to_contain_text("row 999 of many")
    # What lies deeper than the first answer goes comes when it is unfolded.
    assert "bottom" not in tree.inner_text()
    tree.locator("li", has=copying.locator(".j-key", has_text="deep")).last.evaluate(
        "row => row.querySelectorAll('details').forEach((one) => (one.open = true))"
    )
    expect(tree).to_contain_text("bottom")
    assert copying.evaluate("window.hacked") is None


def test_what_changed_in_a_prompt(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    first = chat(2, [("system", "Be brief."), ("user", "Rivers")], "Rivers flow.", [])
    second = chat(3, [("system", "Be exact."), ("user", "Rivers"), ("user", SCRIPT)], SCRIPT, [])
    store.add([first.row, second.row], [first, second])
    inside.goto(f"{live_server.url}/traces/{TRACE}/?span={id_of(3)}")
    inside.wait_for_selector("#waterfall.is-live")
    inside.click('[data-tab="changes"]')
    expect(inside.locator("#drawer del")).to_have_text("brief")
    expect(inside.locator("#drawer ins")).to_have_text("exact")
    expect(inside.locator("#drawer")).to_contain_text("onerror=")
    assert "tab=changes" in inside.url
    inside.click('[data-tab="messages"]')
    inside.get_by_role("link", name="As received").click()
    expect(inside.locator("#drawer .switch b")).to_have_text("As received")
    inside.click('[data-tab="changes"]')
    inside.click("#drawer [data-go-span]")
    expect(inside.locator("#drawer h2")).to_have_text("chat 2")
    expect(inside.locator("#drawer")).to_contain_text("no earlier prompt")


def test_two_traces_are_compared_by_keys(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    other_support(store)
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/")
    inside.click(".compare-link")
    expect(inside.locator(".compare-sentence")).to_contain_text("At step 3 both called the tool find_order")
    expect(inside.locator(".compare-note").first).to_contain_text("typical run of concierge")
    inside.wait_for_load_state()  # keys work once the scripts are there
    inside.keyboard.press("n")
    expect(inside.locator("#compare-place")).to_have_text("1 of 2")
    assert inside.evaluate("document.activeElement.dataset.stepA") == id_of(4)
    inside.keyboard.press("Enter")
    expect(inside.locator(".step-detail")).to_contain_text("order service did not answer")
    inside.keyboard.press("Enter")
    expect(inside.locator(".step-detail")).to_be_hidden()
    inside.keyboard.press("n")
    expect(inside.locator("tr.is-chosen")).to_contain_text("only in B")
    inside.keyboard.press("p")
    expect(inside.locator("#compare-place")).to_have_text("1 of 2")
    same = inside.get_by_role("button", name="6 same steps")
    same.click()
    expect(same).to_have_attribute("aria-expanded", "true")
    inside.locator("tr.is-chosen").get_by_role("link", name="find_order").last.click()
    inside.wait_for_url(f"**/traces/{OTHER}/?span={id_of(4)}")


def test_hostile_traces_are_compared_without_harm(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/compare/?a={HOSTILE}&b={SUPPORT}")
    expect(inside.locator(".compare-sentence")).to_be_visible()
    for width in (390, 1400):
        inside.set_viewport_size({"width": width, "height": 844})
        assert inside.evaluate("document.documentElement.scrollWidth") <= width
    assert inside.evaluate("window.hacked") is None
