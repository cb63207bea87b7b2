"""Every page in Chromium, over a project whose every text is hostile: nothing runs, nothing is injected.

The pages come from the list of addresses and the rows from the list of models (tests/security/things.py), so a new
page and a new table are in it by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page
from pytest_django.live_server_helper import LiveServer

from dashboard.pages.urls import urlpatterns
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.security import things
from tests.security.conftest import by_login
from tests.security.pages import LEFT_OUT, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

HOSTILE = (
    f'{things.MARK}"\'><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
    "<svg onload=window.hacked=3>{{7*7}}[a](javascript:window.hacked=4)"
)
#: Their texts must be what they are for: an address, a pattern.
AS_THEY_ARE = {"Channel", "RedactionRule"}
VIEWS = ("waterfall", "flame", "graph", "conversation", "table")
#: What a failed request puts on the console; a page that is asked with a made-up id may be 404.
NO_RESOURCE = "Failed to load resource"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, launched() as browser:
        # Playwright keeps a loop running in this thread; Django's own work here is synchronous all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


def hostile(value: Any) -> Any:
    """A value with each mark in it made hostile."""
    if isinstance(value, str):
        return value.replace(things.MARK, HOSTILE)
    if isinstance(value, dict):
        return {name: hostile(one) for name, one in value.items()}
    return [hostile(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def hostile_world(
    browser: Browser, transactional_db: None, empty: None, monkeypatch: pytest.MonkeyPatch
) -> things.World:
    made_of = {name: one if name in AS_THEY_ARE else hostile(one) for name, one in deepcopy(things.MADE_OF).items()}
    for name, value in (("MADE_OF", made_of), ("EVERYWHERE", hostile(things.EVERYWHERE))):
        monkeypatch.setattr(things, name, value)
    monkeypatch.setattr("tests.security.pages.EVERYWHERE", things.EVERYWHERE)
    monkeypatch.setattr(things, "MARK", HOSTILE)
    return things.make_world()


def watched(page: Page, said: list[str]) -> None:
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(f"error {error.message}"))
    page.on(
        "console",
        lambda line: said.append(line.text) if line.type == "error" and NO_RESOURCE not in line.text else None,
    )


def test_no_page_runs_what_is_in_its_texts(
    hostile_world: things.World, live_server: LiveServer, browser: Browser
) -> None:
    member = by_login(hostile_world.project)
    session = member.cookies["sessionid"].value
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    watched(page, said)
    trace = f"/traces/{things.TRACE_ID}/"
    every = addresses(hostile_world) | {f"trace {view}": f"{trace}?view={view}" for view in VIEWS}
    every |= {f"trace {view} span": f"{trace}?view={view}&span={things.SPAN_ID}" for view in VIEWS}
    every["compare two"] = f"/compare/?a={things.TRACE_ID}&b={things.OTHER_TRACE_ID}"
    wrong: dict[str, list[str]] = {}
    shown = 0
    for name, address in every.items():
        looked = member.get(address)
        if looked.status_code in (204, 405) or not looked["Content-Type"].startswith("text/html"):
            continue  # nothing new, takes only POST, or is a file
        said.clear()
        try:
            answer = page.goto(address)
        except Error as error:
            wrong[f"{name} {address[:80]}"] = [error.message]
            continue
        found = page.evaluate(
            """() => [window.hacked,
            document.querySelectorAll('img[src="x"], svg[onload], a[href^="javascript:"]').length]"""
        )
        if found != [None, 0]:
            said.append(f"injected {found}")
        if said:
            wrong[f"{name} {address[:80]}"] = list(said)
        shown += answer is not None and answer.ok and things.MARK[:8] in page.content()
    context.close()
    assert not wrong, wrong
    assert len(every) > len(urlpatterns) - len(LEFT_OUT)
    # The texts are there to be seen, or this would prove nothing.
    assert shown > 25, shown
