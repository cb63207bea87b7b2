"""The pages in a real browser: the way of an engineer, by mouse and by keyboard, in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.axe import look_in_both_themes
from tests.e2e.chromium import PATIENCE_MS, launched
from tests.pages import sample_runs, sample_traces
from tests.pages.fake_reader import FakeReader, copy_at, synthetic_trace
from tests.pages.sample_traces import HOSTILE, ODD, SUPPORT, id_of
from tracestore.clickhouse import reader
from tracestore.models import Membership, Project

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]

BIG = "b1" * 16


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's sync interface runs an event loop in this thread; Django would refuse the ORM here.
    with pytest.MonkeyPatch.context() as patch, launched() as browser:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    made = FakeReader()
    for spans, details in (sample_traces.support_trace(), sample_traces.hostile_trace()):
        made.add(spans, details)
    made.add(sample_traces.odd_trace())
    made.add(synthetic_trace(3000, trace_id=BIG))
    monkeypatch.setattr(reader, "get_reader", lambda: made)
    return made


class Watch:
    """What no page may do: log an error, break the policy, ask another host, run received text."""

    def __init__(self, page: Page, host: str) -> None:
        self.bad: list[str] = []
        self.host = host
        page.on("console", lambda m: self.bad.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.bad.append(str(error)))
        page.on("dialog", lambda dialog: (self.bad.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self.request(request.url))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )

    def request(self, url: str) -> None:
        if urlsplit(url).netloc != self.host and not url.startswith("data:"):
            self.bad.append(f"asked {url}")


@pytest.fixture
def inside(page: Page, store: FakeReader, live_server: LiveServer, db: None) -> Iterator[Page]:
    """A watched page, logged in."""
    user = User.objects.create_user("ada", password="engine-of-1843")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=Membership.Role.MEMBER)
    client = Client()
    client.force_login(user)
    host, cookie = urlsplit(live_server.url).netloc, settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": cookie, "value": client.cookies[cookie].value, "url": live_server.url}])
    watch = Watch(page, host)
    yield page
    assert watch.bad == []


def live(page: Page) -> None:
    page.wait_for_selector("#waterfall.is-live")


def names(page: Page) -> list[str]:
    """The names of the rows that show, from the top, once what the model says is drawn (with the next frame)."""
    return page.evaluate(
        """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
        .then(() => [...document.querySelectorAll('#wf-rows .wf-row')].filter(r => !r.hidden)
        .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))
        .map(r => r.querySelector('.wf-name a').textContent))"""
    )


def wait_for_rows(page: Page, count: int) -> None:
    """Rows are drawn with the next frame."""
    page.wait_for_function(
        "count => [...document.querySelectorAll('#wf-rows .wf-row')].filter(r => !r.hidden).length === count", arg=count
    )


def expect_chosen(page: Page, name: str) -> None:
    """The chosen row has this name; it is drawn with the next frame."""
    expect(page.locator('.wf-row[aria-selected="true"] .wf-name a')).to_have_text(name, use_inner_text=True)


def test_logging_in_by_the_form(page: Page, store: FakeReader, live_server: LiveServer) -> None:
    user = User.objects.create_user("ada", password="engine-of-1843")
    Membership.objects.create(user=user, project=Project.objects.get_or_create(slug="default")[0])
    page.goto(f"{live_server.url}/traces/?status=ok")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "engine-of-1843")
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/traces/?status=ok")


def test_list_to_trace_to_span_and_back(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/")
    inside.fill("#q", "concierge")
    inside.wait_for_url("**/traces/?q=concierge")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    assert inside.evaluate("document.activeElement.id") == "q", "filtering took the focus away"
    inside.click("tr[data-trace] .c-time")
    live(inside)
    inside.click(f'.wf-row[data-span-id="{id_of(10)}"] .wf-name a')
    expect(inside.locator("#drawer h2")).to_have_text("chat house-model")
    assert f"span={id_of(10)}" in inside.url
    inside.click('[data-tab="attributes"]')
    expect(inside.locator('[data-tab="attributes"]')).to_have_attribute("aria-current", "true")
    inside.click(f'.wf-row[data-span-id="{id_of(4)}"] .wf-name a')
    expect(inside.locator("#drawer h2")).to_have_text("execute_tool find_order")
    inside.go_back()
    expect(inside.locator("#drawer h2")).to_have_text("chat house-model")
    inside.go_back()
    expect(inside.locator("#drawer")).to_be_hidden()
    inside.go_forward()
    expect(inside.locator("#drawer h2")).to_have_text("chat house-model")
    inside.go_back()
    inside.go_back()
    inside.wait_for_url("**/traces/?q=concierge")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)


def test_every_filter_reloads_the_list_and_is_in_the_address(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/?session_id=sess-7f31")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    inside.click(".chip button")
    inside.wait_for_url("**/traces/")
    expect(inside.locator("tr[data-trace]")).to_have_count(4)
    inside.click("#facets >> text=error")
    inside.wait_for_url("**/traces/?q=status%3Aerror")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    inside.click("text=15 min")
    inside.wait_for_url("**/traces/?q=status%3Aerror&since=15m")
    expect(inside.locator("#results")).to_contain_text("No trace matches")
    inside.go_back()
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    expect(inside.locator("#q")).to_have_value("status:error")


def test_the_keyboard_alone_leads_from_the_list_to_an_error_and_back(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/")
    inside.keyboard.press("/")
    inside.keyboard.type("concierge")
    inside.wait_for_url("**/traces/?q=concierge")
    expect(inside.locator("tr[data-trace]")).to_have_count(1)
    inside.keyboard.press("ArrowDown")
    inside.keyboard.press("Enter")
    live(inside)
    inside.keyboard.press("e")
    expect_chosen(inside, "execute_tool find_order")
    inside.keyboard.press("Enter")
    expect(inside.locator(".drawer-error")).to_contain_text("TimeoutError")
    grid = inside.locator("[role=treegrid]")
    active = grid.get_attribute("aria-activedescendant")
    assert inside.locator(f"#{active}").get_attribute("data-span-id") == id_of(4)
    inside.keyboard.press("Escape")
    expect(inside.locator("#drawer")).to_be_hidden()
    inside.keyboard.press("g")
    inside.keyboard.press("t")
    inside.wait_for_url("**/traces/*")


def test_arrows_walk_and_fold_the_tree(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/")
    live(inside)
    inside.focus("#wf-scroll")
    for key, expected in (
        ("Home", "invoke_agent concierge"),
        ("ArrowRight", "plan"),
        ("ArrowRight", "chat gpt-4o-mini"),
        ("ArrowLeft", "plan"),
        ("ArrowLeft", "plan"),
        ("ArrowDown", "execute_tool find_order"),
        ("End", "answer quality"),
        ("ArrowLeft", "invoke_agent concierge"),
    ):
        inside.keyboard.press(key)
        expect_chosen(inside, expected)
    wait_for_rows(inside, 10)
    inside.keyboard.press("]")
    wait_for_rows(inside, 11)
    inside.keyboard.press("[")
    inside.keyboard.press("[")
    wait_for_rows(inside, 1)
    expect(inside.locator("#wf-scroll")).to_have_attribute("aria-rowcount", "1")


def test_filtering_counts_and_keeps_ancestors(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/")
    live(inside)
    inside.fill("#wf-q", "embed")
    expect(inside.locator("#wf-count")).to_have_text("1 of 11")
    wait_for_rows(inside, 3)
    assert names(inside) == ["invoke_agent concierge", "search shipping policy", "embed query"]
    assert inside.url.endswith("?q=embed")
    inside.reload()
    live(inside)
    expect(inside.locator("#wf-count")).to_have_text("1 of 11")


def test_zooming_is_in_the_address_and_survives_a_reload(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/{SUPPORT}/")
    live(inside)
    box = inside.locator("#wf-map").bounding_box()
    assert box is not None
    inside.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 10)
    inside.mouse.down()
    inside.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=4)
    inside.mouse.up()
    inside.wait_for_url(re.compile(r"\?t=1[56]\d{5}-3[12]\d{5}$"))
    window = inside.evaluate("document.getElementById('waterfall').waterfall.state.window")
    inside.reload()
    live(inside)
    again = inside.evaluate("document.getElementById('waterfall').waterfall.state.window")
    assert [round(time) for time in window] == again
    inside.keyboard.press("0")
    inside.wait_for_url(f"**/traces/{SUPPORT}/")


def test_a_deep_link_far_down_is_scrolled_to(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    wanted = store.rows[BIG][2400].span_id
    inside.goto(f"{live_server.url}/traces/{BIG}/?span={wanted}")
    live(inside)
    row = inside.locator(f'.wf-row[data-span-id="{wanted}"]')
    expect(row).to_be_in_viewport()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(inside.locator("#drawer")).to_be_visible()


def test_scrolling_keeps_the_pool_small_and_the_rows_right(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/{BIG}/")
    live(inside)
    for top in (10_000, 40_000, 71_000, 300):
        inside.evaluate(f"document.getElementById('wf-scroll').scrollTop = {top}")
        inside.wait_for_function(
            """top => [...document.querySelectorAll('#wf-rows .wf-row')].some(
                r => !r.hidden && +r.getAttribute('aria-rowindex') === Math.floor(top / 24) + 2)""",
            arg=top,
        )
        wrong = inside.evaluate(
            """() => { const model = document.getElementById('waterfall').waterfall.state.model;
            return [...document.querySelectorAll('#wf-rows .wf-row')].filter(r => !r.hidden
            && model.ids[model.visible[r.getAttribute('aria-rowindex') - 1]] !== r.dataset.spanId).length }"""
        )
        assert wrong == 0
    assert inside.locator("#wf-rows .wf-row").count() <= 64


def test_the_first_rows_are_there_without_script(inside: Page, browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(inside.context.cookies())
    context.set_default_timeout(PATIENCE_MS)
    plain = context.new_page()
    plain.goto(f"{live_server.url}/traces/{SUPPORT}/?span={id_of(5)}")
    assert plain.locator("[role=treegrid] [role=row]").count() == 11
    expect(plain.locator("#drawer h2")).to_have_text("execute_tool find_order")
    plain.click(f'.wf-row[data-span-id="{id_of(3)}"] .wf-name a')
    expect(plain.locator("#drawer h2")).to_have_text("chat gpt-4o-mini")
    plain.click("text=View as table")
    assert plain.locator("table.spans tbody tr").count() == 11
    context.close()


def test_server_and_script_draw_the_same_rows(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    read = """() => [...document.querySelectorAll('#wf-rows .wf-row')].filter(r => !r.hidden)
        .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))
        .map(r => [...r.querySelectorAll(
                '.wf-name a, .wf-label, .wf-error, .wf-step, .wf-cut, .wf-type, .wf-c-tokens, .wf-c-cost, .wf-c-dur')]
            .filter(e => !e.hidden && e.textContent.trim()).map(e => e.textContent.trim())
            .concat([...r.querySelectorAll('.wf-odd, .wf-found')].filter(e => !e.hidden).map(e => e.ariaLabel))
            .concat([r.className.replace('is-chosen', '').trim()])
            .concat(['aria-level', 'aria-posinset', 'aria-setsize', 'aria-expanded', 'data-span-id']
                .map(a => r.getAttribute(a))))"""
    store.add(sample_runs.loop_trace())
    store.findings[sample_runs.LOOP] = [sample_runs.finding(id_of(78))]
    store.add(sample_runs.running_trace(20), status="running")
    for trace_id in (SUPPORT, ODD, HOSTILE, sample_runs.LOOP, sample_runs.RUNNING):
        address = f"{live_server.url}/traces/{trace_id}/"
        inside.route("**/columns/", lambda route: None)
        inside.goto(address)
        by_server = inside.evaluate(read)
        inside.unroute("**/columns/")
        inside.goto(address)
        live(inside)
        assert inside.evaluate(read) == by_server


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_spans_run_nothing_in_either_theme(inside: Page, live_server: LiveServer, theme: str) -> None:
    inside.emulate_media(color_scheme=theme)
    inside.goto(f"{live_server.url}/traces/")
    for number in (1, 3, 4, 6, 8):
        inside.goto(f"{live_server.url}/traces/{HOSTILE}/?span={id_of(number)}")
        live(inside)
        for tab in inside.locator(".tabs a").evaluate_all("tabs => tabs.map(tab => tab.dataset.tab)"):
            inside.click(f'[data-tab="{tab}"]')
            expect(inside.locator(f'[data-tab="{tab}"]')).to_have_attribute("aria-current", "true")
    assert inside.evaluate("window.hacked") is None


def test_the_theme_is_chosen_and_kept(inside: Page, live_server: LiveServer) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    inside.emulate_media(color_scheme="light")
    inside.goto(f"{live_server.url}/traces/")
    light = inside.evaluate(ground)
    inside.click('[data-action="theme"]')
    inside.click('[data-action="theme"]')
    assert inside.evaluate(ground) != light
    inside.reload()
    assert inside.evaluate("document.documentElement.dataset.theme") == "dark"
    inside.click('[data-action="theme"]')
    assert inside.evaluate(ground) == light


def test_new_traces_are_offered_and_more_are_loaded(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    for number in range(1, 6):
        store.add(copy_at(synthetic_trace(5, seed=number), f"{number:032x}", number * 1_000_000_000))
    inside.goto(f"{live_server.url}/traces/?limit=4")
    expect(inside.locator("tr[data-trace]")).to_have_count(4)
    inside.click("text=Load more")
    expect(inside.locator("tr[data-trace]")).to_have_count(8)
    expect(inside.locator("#totals b")).to_have_text("8")
    first = inside.locator("tr[data-trace] a").first.get_attribute("href")
    store.add(copy_at(synthetic_trace(5, seed=9), "9" * 32, 60_000_000_000))
    inside.evaluate("htmx.ajax('GET', document.querySelector('#news').getAttribute('hx-get'), '#news')")
    expect(inside.locator("#news")).to_contain_text("1 new trace – show")
    assert inside.locator("tr[data-trace] a").first.get_attribute("href") == first, "rows moved by themselves"
    inside.click("#news a")
    expect(inside.locator("tr[data-trace] a").first).to_have_attribute("href", f"/traces/{'9' * 32}/")


def test_the_first_trace_appears_by_itself(inside: Page, store: FakeReader, live_server: LiveServer) -> None:
    kept, store.traces = store.traces, {}
    inside.goto(f"{live_server.url}/traces/")
    expect(inside.locator(".first-steps")).to_contain_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://")
    store.traces = kept
    expect(inside.locator("tr[data-trace]").first).to_be_visible()


def test_first_steps_can_be_read_on_a_phone_by_keyboard(
    inside: Page, store: FakeReader, live_server: LiveServer
) -> None:
    store.traces = {}
    inside.set_viewport_size({"width": 390, "height": 780})
    inside.goto(f"{live_server.url}/traces/")
    program = inside.get_by_role("region", name="Program")
    assert program.evaluate("one => one.scrollWidth > one.clientWidth"), "nothing to scroll, nothing tested"
    assert look_in_both_themes(inside) == []
    program.focus()
    expect(program).to_be_focused()


def test_help_opens_by_question_mark_and_closes(inside: Page, live_server: LiveServer) -> None:
    inside.goto(f"{live_server.url}/traces/")
    inside.keyboard.press("?")
    expect(inside.locator("#help")).to_be_visible()
    inside.keyboard.press("Escape")
    expect(inside.locator("#help")).to_be_hidden()
