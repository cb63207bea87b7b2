"""The list: what it shows, its filters, its empty states, its polls."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.pages.fake_reader import EPOCH, FakeReader, copy_at, synthetic_trace
from tests.pages.sample_traces import SUPPORT

pytestmark = pytest.mark.urls("dashboard.pages.urls")
HTMX = {"HX-Request": "true"}


def text(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def fill(store: FakeReader, count: int) -> None:
    for number in range(1, count + 1):
        spans = synthetic_trace(5, seed=number)
        store.add(copy_at(spans, f"{number:032x}", number * 1_000_000_000))


def test_a_visitor_is_sent_to_log_in(filled: FakeReader, client: Client, db: None) -> None:
    response = client.get("/traces/?q=x")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/traces/%3Fq%3Dx"


def test_a_poll_after_the_session_ended_leads_to_the_login(store: FakeReader, client: Client, db: None) -> None:
    response = client.get("/traces/new/?after=1", headers=HTMX)
    assert response["HX-Redirect"] == "/login/"


def test_the_list_shows_each_column(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/")
    row = page[page.index(f"/traces/{SUPPORT}/") :].split("</tr>")[0]
    for expected in (
        "invoke_agent concierge",
        "concierge",
        "shop-agents",
        "sess-7f31",
        "6.40 s",
        "3.46 k",
        "508",
        "$0.0002438+",
        "2026-09-21",
    ):
        assert expected in page
    assert ">2</td>" in row
    assert "ok" in row
    assert 'class="finding" title="2 findings"' in row


def test_totals_are_of_the_rows_shown(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/")
    assert "<b>3</b> traces shown" in page
    assert "<span>30 spans</span>" in page


def test_a_filter_is_the_address(filled: FakeReader, browser_client: Client) -> None:
    response = browser_client.get("/traces/?status=ok&q=concierge&agent=&since=", headers=HTMX)
    assert response["HX-Push-Url"] == "/traces/?q=concierge&status=ok"
    body = response.content.decode()
    assert SUPPORT in body
    assert "<html" not in body
    assert body.count("data-trace ") == 1


def test_filters_without_a_field_are_chips_that_stay(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/?session_id=sess-7f31")
    assert 'type="hidden" name="session_id" value="sess-7f31"' in page


def test_no_match_is_not_the_empty_state(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/?q=nothing-like-it")
    assert "No trace matches" in page
    assert "No trace has arrived" not in page


def test_the_empty_state_teaches_with_this_servers_address(store: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/")
    assert "No trace has arrived yet" in page
    assert "http://testserver:4318" in page
    assert "testserver:4317" in page
    assert browser_client.get("/traces/first/", headers=HTMX).status_code == 204
    fill(store, 1)
    assert browser_client.get("/traces/first/", headers=HTMX)["HX-Refresh"] == "true"


def test_a_bad_filter_says_what_is_expected(filled: FakeReader, browser_client: Client) -> None:
    response = browser_client.get("/traces/?since=yesterday-ish")
    assert response.status_code == 400
    assert "is not a time" in response.content.decode()


def test_load_more_goes_through_every_trace_once(store: FakeReader, browser_client: Client) -> None:
    fill(store, 25)
    page = text(browser_client, "/traces/?limit=10")
    seen = page.count("<tr data-trace ")
    while "Load more" in page:
        address = page.split('hx-get="/traces/?limit=10')[1].split('"')[0].replace("&amp;", "&")
        page = text(browser_client, f"/traces/?limit=10{address}", **HTMX)
        assert "<html" not in page
        seen += page.count("<tr data-trace ")
    assert seen == 25


def test_new_traces_are_counted_and_offered(store: FakeReader, browser_client: Client) -> None:
    fill(store, 4)
    newest_shown = EPOCH + 2_000_000_000
    assert "2 new traces – show" in text(browser_client, f"/traces/new/?after={newest_shown}", **HTMX)
    newest = EPOCH + 4_000_000_000
    assert text(browser_client, f"/traces/new/?after={newest}", **HTMX).strip() == ""


@pytest.mark.parametrize("path", ["/traces/", f"/traces/{SUPPORT}/"])
def test_a_store_that_does_not_answer_is_a_calm_page(filled: FakeReader, browser_client: Client, path: str) -> None:
    filled.down = True
    response = browser_client.get(path)
    assert response.status_code == 503
    assert response["Retry-After"]
    body = response.content.decode()
    assert "The store does not answer" in body
    assert "Traceback" not in body
    fragment = browser_client.get(path, headers=HTMX)
    assert fragment.status_code == 503
    assert "<html" not in fragment.content.decode()


def test_another_project_shows_nothing_of_this_one(filled: FakeReader, browser_client: Client) -> None:
    response = browser_client.get("/traces/?project=other")
    assert response.status_code == 404
    assert SUPPORT not in response.content.decode()


def test_no_list_page_is_large(store: FakeReader, browser_client: Client) -> None:
    fill(store, 100)
    assert len(text(browser_client, "/traces/")) < 150_000
