"""When a page has come to rest: what its scripts fill in is there, and nothing more is on its way.

Playwright's `networkidle` waits half a second for each page, and knows nothing of what is drawn afterwards.
"""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page

#: Counts what scripts ask for. Answers may lead to further questions, so rest is a moment without any.
COUNTING = """
let underWay = 0, since = performance.now();
const begin = () => { underWay += 1; };
const end = () => { underWay -= 1; since = performance.now(); };
const { send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.send = function (...body) {
    begin();
    this.addEventListener("loadend", end);
    return send.apply(this, body);
};
const ask = window.fetch;
window.fetch = (...question) => { begin(); return ask(...question).finally(end); };
addEventListener("load", () => { since = performance.now(); });
window.isQuiet = ms => document.readyState === "complete" && underWay === 0 && performance.now() - since > ms;
"""
#: The grids are alive, the figures are drawn, what stands beside a list has come.
AT_REST = """ms => window.isQuiet(ms)
    && [...document.querySelectorAll("#waterfall, #flame")].every(one => one.classList.contains("is-live"))
    && [...document.querySelectorAll("[data-figure]")].every(one => one.querySelector(".main-svg"))
    && [...document.querySelectorAll("[data-beside]")].every(one => one.childElementCount)"""
QUIET_MS = 100


def count_requests(context: BrowserContext) -> None:
    """Of the pages that this context opens from now on; `wait_quiet` needs it."""
    context.add_init_script(f"(() => {{ {COUNTING} }})()")


def wait_quiet(page: Page) -> None:
    """Waits until the page has come to rest, as long as the page's own time-out."""
    page.wait_for_function(AT_REST, arg=QUIET_MS)
