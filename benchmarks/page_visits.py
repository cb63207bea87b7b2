"""Visits of a trace's page in Chromium: when its first byte came, its first rows were painted, all of it was drawn.

Each visit comes from the list, once all that the list asks for by itself has been answered.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
VISITS = 7
#: After the list has come to rest; its badges may still be asking a store that is not there.
QUIET_MS = 1_500

#: When the answer began, when the server's rows were painted, when the columns were there, and when our rows were drawn.
STARTED = """() => {
  const waterfall = document.getElementById('waterfall').waterfall;
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const page = performance.getEntriesByType('navigation')[0];
  return { first: page.responseStart, parsed: page.domInteractive, paint: paint?.startTime ?? NaN,
           received: waterfall.receivedAt, drawn: waterfall.drawnAt };
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = os.environ.get("TRACESTORE_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


def visits(browser: Browser, base: str, cookie: str, path: str) -> tuple[dict[str, float], dict[str, float], Page]:
    """Medians in ms of VISITS browsers that have seen no trace before, and of their second visits; the last page."""
    cold: list[dict[str, float]] = []
    warm: list[dict[str, float]] = []
    page: Page | None = None
    for _ in range(VISITS):
        if page is not None:
            page.context.close()
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
        page = context.new_page()
        for taken in (cold, warm):
            page.goto(f"{base}/traces/")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(QUIET_MS)
            page.goto(base + path)
            page.wait_for_selector("#waterfall.is-live")
            taken.append(page.evaluate(STARTED))
    assert page is not None
    return medians(cold), medians(warm), page


def medians(taken: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure; `after` is from the arrival of the columns until they are drawn."""
    for visit in taken:
        visit["after"] = visit["drawn"] - visit["received"]
    return {name: statistics.median(visit[name] for visit in taken) for name in taken[0]}
