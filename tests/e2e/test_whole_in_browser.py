"""The whole product in a real browser: the printed login link, the list, a trace, a span; both themes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e.captures import Capture, captures
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.stack import Stack
from tests.e2e.test_front_door import send

#: Screenshots are kept here when it is set, for a person to look at.
SHOTS = os.environ.get("TRACESTORE_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def capture(stack: Stack) -> Capture:
    """A run with several agents, sent and settled."""
    found = next(
        one for one in captures() if one.combo == "langgraph-openinference" and ".multi_agent." in one.name
    )  # fmt: skip
    send(stack, found, "grpc")
    stack.wait_settled()
    return found


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_from_the_login_link_to_a_span(stack: Stack, capture: Capture, browser: Browser, theme: str) -> None:
    said: list[str] = []
    foreign: list[str] = []

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None):
            foreign.append(request.url)

    context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", watch)

    links = re.findall(r"http://\S+/login/link/\S+", stack.output.read_text())
    if theme == "light" and links:
        page.goto(links[-1])
        if page.get_by_role("button").first.is_visible() and "/login/link/" in page.url:
            page.get_by_role("button").first.click()
    else:
        page.goto(f"{stack.web}/login/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", stack.environment["TRACESTORE_ADMIN_PASSWORD"])
        page.press("[name=password]", "Enter")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()

    trace_id = capture.trace_ids[0]
    page.goto(f"{stack.web}/traces/?q={trace_id}")
    shot(page, f"list-{theme}")
    page.locator(f'a[href^="/traces/{trace_id}/"]').first.click()
    expect(page.locator('[role="treegrid"]')).to_be_visible()
    rows = page.locator('[role="treegrid"] [role="row"][data-span-id]')
    expect(rows.first).to_be_visible()
    shot(page, f"trace-{theme}")

    llm = next(span for span in stack.api(f"traces/{trace_id}/")["spans"] if span["type"] == "llm")
    page.goto(f"{stack.web}/traces/{trace_id}/?span={llm['span_id']}")
    expect(page.get_by_role("heading", name=re.compile("Assistant")).first).to_be_visible()
    shot(page, f"span-{theme}")
    assert not said
    assert not foreign
    context.close()
