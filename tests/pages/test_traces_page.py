"""The list: what it shows, its filters, its empty states, its polls."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.pages.traces import pointer
from dashboard.volume_chart import chart
from tests.pages.fake_reader import EPOCH, FakeReader, copy_at, synthetic_trace
from tests.pages.sample_traces import SUPPORT
from tracestore.clickhouse.trace_counts import Volume, bucket_width
from tracestore.errors import InvalidInput
from tracestore.models import Membership, Project, SavedView
from tracestore.saved_views import COLUMNS

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
    page = text(browser_client, f"/traces/?columns={','.join(COLUMNS)}")
    row = page[page.index(f"/traces/{SUPPORT}/") :].split("</tr>")[0]
    for expected in (
        "invoke_agent concierge",
        "concierge",
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
    assert 'class="s-finding" title="findings"' in row


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
    page = text(browser_client, "/traces/?session_id=sess-7f31&status=ok")
    assert 'type="hidden" name="status" value="ok"' in page
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


def test_what_is_sent_without_a_key_reaches_the_default_project_only(
    store: FakeReader, browser_client: Client, member: User
) -> None:
    assert "none needed from this machine" in text(browser_client, "/traces/")
    checkout = Project.objects.create(slug="checkout", name="Checkout")
    Membership.objects.create(user=member, project=checkout)
    page = text(browser_client, "/traces/?project=checkout")
    assert "none needed" not in page
    assert page.count("Bearer KEY") == 3


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
    for trace in store.traces.values():
        trace.input_preview = "Where is my order ORD-1044, and why did it not come on the day that you promised? " * 2
        trace.session_id, trace.findings = "conversation-1234567890", 2
    assert len(text(browser_client, "/traces/").encode()) < 100 * 1024
    assert len(text(browser_client, f"/traces/?columns={','.join(COLUMNS)}").encode()) < 130 * 1024


def test_a_search_that_makes_no_sense_is_pointed_at(filled: FakeReader, browser_client: Client) -> None:
    response = browser_client.get("/traces/?q=status:ok agnt:<b>")
    assert response.status_code == 400
    body = response.content.decode()
    assert "Did you mean agent?" in body
    assert "status:ok agnt:&lt;b&gt;\n          ^</pre>" in body
    fragment = browser_client.get("/traces/?q=status:ok agnt:x", headers=HTMX)
    assert (fragment.status_code, fragment["HX-Retarget"], fragment["HX-Push-Url"]) == (200, "#query-error", "false")
    assert "data-trace" not in fragment.content.decode()


def test_the_caret_stands_under_its_character_in_a_long_search() -> None:
    question = "x" * 300 + "\u202e\n\t(" + "y" * 300
    error = InvalidInput("Expected ).", field="q", offset=303)
    lines = pointer(question, error).split("\n")
    assert len(lines) == 2
    assert lines[0][lines[1].index("^")] == "("


def test_columns_are_chosen_in_the_address(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/?columns=user,service")
    heads = page.split("<thead>")[1].split("</thead>")[0]
    assert [name for name in ("Name", "Service", "User", "Cost", "Time") if f">{name}<" in heads] == [
        "Name",
        "Service",
        "User",
    ]
    assert "shop-agents" in page
    assert browser_client.get("/traces/?columns=beauty").status_code == 400


def test_orders_turn_round_and_page(store: FakeReader, browser_client: Client) -> None:
    fill(store, 6)
    page = text(browser_client, "/traces/?sort=cost&limit=4")
    costs = [
        row.split('class="c-cost')[1].split('title="')[1].split('"')[0] for row in page.split("<tr data-trace ")[1:]
    ]
    known = [float(cost.split()[0].strip("$")) for cost in costs if cost.startswith("$")]
    assert known == sorted(known, reverse=True)
    assert 'aria-sort="descending"' in page
    assert "sort=cost-up" in page
    assert "sort=cost&amp;limit=4&amp;cursor=4" in page
    assert 'id="news"' not in page


def test_the_live_tail_gets_rows_alone(store: FakeReader, browser_client: Client) -> None:
    fill(store, 4)
    rows = text(browser_client, f"/traces/tail/?after={EPOCH + 2_000_000_000}&columns=time")
    assert rows.count("<tr data-trace ") == 2
    assert "<table" not in rows
    assert "c-cost" not in rows


def test_volume_is_bars_and_words(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/volume/?q=status:ok")
    assert "<rect" in page
    assert "2 traces, 0 failed" in page
    assert browser_client.get("/traces/volume/?q=(").status_code == 204
    assert text(browser_client, "/traces/volume/?q=nothing-like-it").strip() == ""


def test_bars_are_in_proportion() -> None:
    made = chart(Volume(0, 1, [0, 1, 1000, 4], [0, 1, 0, 2]))
    assert [(bar.x, bar.height, bar.failed) for bar in made.bars] == [(10, 1, 1), (20, 40, 0), (30, 1, 1)]
    assert (made.width, made.most, made.total, made.failed) == (40, 1000, 1005, 3)
    assert chart(Volume(0, 1, [], [])).bars == []


@pytest.mark.parametrize(("length", "width"), [(60, 1), (61, 2), (3600, 60), (86_400, 1800), (86_400 * 90, 2 * 86_400)])
def test_buckets_have_readable_widths(length: int, width: int) -> None:
    assert bucket_width(length * 10**9, 60) == width * 10**9


def test_a_facet_edits_the_search(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, "/traces/facets/?q=refund OR order&since=")
    assert (
        'data-question="(refund OR order) status:error"' in page
        or 'data-question="(refund OR order) status:ok"' in page
    )
    chosen = text(browser_client, "/traces/facets/?q=status:ok concierge")
    assert 'data-question="concierge" aria-current="true"' in chosen
    assert 'data-question="status:ok concierge -agent:concierge"' in chosen


def test_completion_answers_for_the_caret(filled: FakeReader, browser_client: Client) -> None:
    def complete(question: str, at: int) -> dict[str, Any]:
        answer: dict[str, Any] = browser_client.get("/traces/complete/", {"q": question, "at": at}).json()
        return answer

    field = complete("x sta", 5)
    assert (field["start"], field["end"], field["options"][0]["insert"]) == (2, 5, "status:")
    value = complete("agent:con", 9)["options"]
    assert value[0] == {"insert": "concierge", "label": "concierge", "about": "", "count": 1}
    assert complete("attr.ret", 8)["options"][0]["insert"] == "attr.retry:"
    assert complete('"agent:', 7)["options"] == []
    assert browser_client.get("/traces/complete/?q=x&at=7").status_code == 400


def test_a_view_is_saved_renamed_shared_deleted_and_brought_back(filled: FakeReader, browser_client: Client) -> None:
    sent = {"name": "Failed", "q": "status:error", "since": "", "sort": "cost", "columns": "cost,time"}
    saved = browser_client.post("/traces/views/", sent)
    assert saved["Location"] == "/traces/?q=status%3Aerror&sort=cost&columns=time%2Ccost"
    page = text(browser_client, saved["Location"])
    assert ">Failed</a>" in page
    assert 'aria-current="true" title="status:error"' in page
    number = SavedView.objects.get().pk
    one = f"/traces/views/{number}/"
    browser_client.post(one, {"do": "rename", "name": "Failed ones"})
    browser_client.post(one, {"do": "share"})
    view = SavedView.objects.get()
    assert (view.name, view.shared) == ("Failed ones", True)
    gone = browser_client.post(one, {"do": "delete"})
    page = text(browser_client, gone["Location"])
    assert "Deleted Failed ones." in page
    assert ">Failed ones</a>" not in page
    assert "Deleted Failed ones." not in text(browser_client, "/traces/"), "told once"
    browser_client.post(one, {"do": "restore"})
    assert ">Failed ones</a>" in text(browser_client, "/traces/")
    refused = browser_client.post("/traces/views/", {**sent, "name": ""})
    assert "expected 1 to 80 characters" in text(browser_client, refused["Location"])
