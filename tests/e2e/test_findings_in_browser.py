"""From the list of findings to its evidence, dismissed and undone; a detector's settings tried on the past first."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.stack import Stack
from tests.e2e.test_arrival import Run, body
from tests.e2e.test_detection import until
from tests.e2e.test_front_door import send_grpc

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """Logged in; fails at the end when the console said anything."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{stack.web}/login/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", stack.environment["TRACESTORE_ADMIN_PASSWORD"])
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
    yield page
    context.close()
    assert not said


@pytest.fixture
def looped(stack: Stack) -> str:
    """The trace of a run that looped, of an agent of its own."""
    run = Run("a loop to look at")
    for span in run.spans[2::2]:
        span.attributes.add(key="gen_ai.tool.call.arguments").value.string_value = '{"query": "weather in Oslo"}'
        span.attributes.add(key="gen_ai.tool.call.result").value.string_value = "no results"
    assert send_grpc(stack, body(*run.spans)) == b""
    trace_id = run.trace_id.hex()
    until(lambda: stack.api("findings/", trace_id=trace_id, detector="loop")["results"])
    return trace_id


def test_a_finding_is_looked_into_dismissed_and_taken_back(stack: Stack, page: Page, looped: str) -> None:
    (found,) = stack.api("findings/", trace_id=looped, detector="loop")["results"]
    page.goto(f"{stack.web}/findings/")
    expect(page.get_by_role("link", name="Findings").locator(".badge")).to_be_visible()
    page.select_option("[name=detector]", "loop")
    page.wait_for_url(re.compile("detector=loop"))
    expect(page.locator("td.problem").first).to_contain_text("called")

    page.goto(f"{stack.web}/findings/{found['id']}/")
    expect(page.locator(".evidence")).to_contain_text("weather in Oslo")
    page.get_by_role("link", name="Look here first").click()
    page.wait_for_url(re.compile(rf"/traces/{looped}/\?span={found['look_first']}"))
    expect(page.locator("#drawer")).to_be_visible()
    page.go_back()

    page.fill("[name=reason]", "it was asked to")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#feedback")).to_contain_text("it was asked to")
    assert stack.api(f"findings/{found['id']}/")["dismissed"] is True
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Confirm")).to_be_visible()
    assert stack.api(f"findings/{found['id']}/")["dismissed"] is False


def test_settings_are_tried_on_the_past_and_then_saved(stack: Stack, page: Page, looped: str) -> None:
    page.goto(f"{stack.web}/detectors/loop/")
    page.fill("[name='set.again']", "4")
    page.get_by_role("button", name="Try it first").click()
    expect(page.locator("#backtest")).to_contain_text(re.compile("Would have fired .* in 7 days"), timeout=60_000)
    expect(page.locator("[name='set.again']")).to_have_value("4")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[role=status]").first).to_contain_text("Saved")
    (own,) = stack.api("detectors/loop/")["own"]
    assert own["settings"] == {"again": 4}
    page.fill("[name='set.again']", "")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[role=status]").first).to_contain_text("Saved")
    until(lambda: not stack.api("detectors/loop/")["own"])
