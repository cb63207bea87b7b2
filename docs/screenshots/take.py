"""Takes the screenshots of this folder: every page of a Tracestore of its own that has the demo's data.

    python -m docs.screenshots.take [NAME ...]

Wants the system's Chromium and takes some five minutes: detectors and on-call say first all that they have to say.
With names, only those pages.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.e2e.chromium import PATIENCE_MS, launched
from tests.e2e.every_page import addresses, log_in, send_demo
from tests.e2e.stack import Stack
from tracestore.demo.timetable import EARLIER_DAYS

HERE = Path(__file__).parent
WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 780}
#: Pages that are also taken as a phone shows them.
ON_PHONE = ("overview", "traces", "trace-waterfall", "incidents", "incident")
#: JPEG at this quality is a third of the size of PNG, and text stays sharp.
QUALITY = 62


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack, launched() as browser:
        send_demo(stack, EARLIER_DAYS)
        wait_judged(stack)
        pages: dict[str, str] = {}
        for theme in ("light", "dark"):
            page = opened(browser, stack, theme, WIDE)
            take(page, "login", "/login/", theme, names)
            log_in(page, stack)
            pages = pages or addresses(stack, page)
            for name, path in pages.items():
                take(page, name, path, theme, names)
            take_palette(page, theme, names)
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            for name in ON_PHONE:
                take(page, f"{name}-phone", pages[name], theme, names)
            page.context.close()


def wait_judged(stack: Stack) -> None:
    """Until nothing new was found for longer than the jobs of each minute take to come round, five minutes at most."""
    end, before, since = time.monotonic() + 300, [], time.monotonic()
    while time.monotonic() < min(end, since + 75):
        now = stack.admin("SELECT count(), (SELECT uniqExact(agent, state) FROM agent_health) FROM findings")
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(1)


def opened(browser: Browser, stack: Stack, theme: str, size: dict[str, int]) -> Page:
    context = browser.new_context(
        base_url=stack.web, color_scheme=theme, viewport=size, reduced_motion="reduce", timezone_id="UTC"
    )  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def take(page: Page, name: str, path: str, theme: str, names: list[str]) -> None:
    if names and name not in names:
        return
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if page.locator("#waterfall").count():
        page.wait_for_selector("#waterfall.is-live")
    page.wait_for_timeout(300)  # charts and the lines that follow them are drawn in the frames after
    save(page, name, theme)


def take_palette(page: Page, theme: str, names: list[str]) -> None:
    if names and "palette" not in names:
        return
    page.goto("/traces/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("search")
    page.wait_for_selector("#palette-option-3")
    page.wait_for_timeout(300)
    save(page, "palette", theme)


def save(page: Page, name: str, theme: str) -> None:
    page.screenshot(path=HERE / f"{name}-{theme}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main(sys.argv[1:])
