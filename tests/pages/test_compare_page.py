"""`/compare/` and its API: two traces, a trace with the typical run, what cannot be compared, hostile text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client

from dashboard import comparison_view
from dashboard.api import compare_shapes
from tests.pages.fake_reader import MS, FakeReader, copy_at, span_row, synthetic_trace
from tests.pages.sample_traces import HOSTILE, ODD, SUPPORT, hostile_trace, id_of, support_trace
from tests.pages.test_trace_page import HTMX, Rows, text
from tracestore.clickhouse.rows import SpanRow

pytestmark = pytest.mark.django_db

OTHER = "0e" * 16
BIG, BIGGER = "b1" * 16, "b2" * 16


def other_support(store: FakeReader, trace_id: str = OTHER, shift_s: int = 60) -> list[SpanRow]:
    """The support run again: another order is asked for, nothing fails, one more tool is called."""
    spans, details = support_trace(shift_s * 1000 * MS, trace_id)
    tool = spans[3]
    tool.status, tool.error_type, tool.status_message = "ok", "", ""
    tool.input_preview = '{"order": "ORD-2"}'
    extra = span_row(
        trace_id, id_of(12), id_of(1), "execute_tool send_mail", type="tool", tool_name="send_mail", agent="concierge",
        start_ns=spans[9].end_ns, end_ns=spans[9].end_ns + 5 * MS,
    )  # fmt: skip
    spans.insert(10, extra)
    store.add(spans, details)
    return spans


def test_two_runs_stand_beside_each_other(filled: FakeReader, browser_client: Client) -> None:
    other_support(filled)
    page = text(browser_client, f"/compare/?a={SUPPORT}&b={OTHER}")
    assert "At step 3 both called the tool find_order, with other arguments." in page
    assert "The first 2 steps go the same way." in page
    assert "only in B" in page
    assert "another outcome" in page
    assert page.count('id="first"') == 1
    assert f'href="/traces/{SUPPORT}/?span={id_of(4)}"' in page
    assert f'href="/traces/{OTHER}/?span={id_of(12)}"' in page
    figures = dict(re.findall(r'<tr><th scope="row">([^<]+)</th>.*?<td class="n[^"]*">([^<]*)</td></tr>', page))
    assert figures["Tool calls"] == "+1 (+50%)"
    assert figures["Tool send_mail"] == "+1"
    assert figures["Errors"] == "−1 (−100%)"


def test_a_step_is_shown_word_by_word(filled: FakeReader, browser_client: Client) -> None:
    other_support(filled)
    filled.details[OTHER, id_of(4)].input = '{"order":"ORD-2"}'
    address = f"/compare/step/?a={SUPPORT}&b={OTHER}&step_a={id_of(4)}&step_b={id_of(4)}"
    page = text(browser_client, address, **HTMX)
    assert "<del>10442</del>" in page
    assert "<ins>2</ins>" in page
    assert "order service did not answer" in page
    model = text(browser_client, address.replace(id_of(4), id_of(10)), **HTMX)
    assert "Nothing differs: the same messages and the same tools." in model
    assert "The same in both." in model
    assert browser_client.get(address).headers["Location"] == f"/compare/?a={SUPPORT}&b={OTHER}"


def test_the_same_run_again_has_no_difference(filled: FakeReader, browser_client: Client) -> None:
    spans, details = support_trace(5000 * MS, OTHER)
    filled.add(spans, details)
    page = text(browser_client, f"/compare/?a={SUPPORT}&b={OTHER}")
    assert "Both runs took the same way" in page
    assert "Arguments and answers are the same too" in page
    assert "differs" not in re.findall(r"<tbody.*</table>", page, re.S)[0]


def test_a_trace_with_the_typical_run_of_its_agent(filled: FakeReader, browser_client: Client) -> None:
    for number, length in enumerate((2, 1, 3), 1):
        spans, details = support_trace(number * 60_000 * MS, f"{number:032x}")
        spans[0].end_ns += length * 1000 * MS
        filled.add(spans, details)
    page = text(browser_client, f"/compare/?a={SUPPORT}&b=typical")
    assert "3 of its latest 3 finished runs went this way" in page
    assert f'href="?a={SUPPORT}&amp;b={1:032x}"' in page


def test_without_another_run_the_page_says_so(filled: FakeReader, browser_client: Client) -> None:
    response = browser_client.get(f"/compare/?a={SUPPORT}&b=typical")
    assert response.status_code == 200
    assert "no other finished run of concierge" in response.content.decode()
    response = browser_client.get(f"/compare/?a={ODD}&b=typical")
    assert "names no agent" in response.content.decode()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (2, 3, " (+50%)"),
        (1, 0, " (−100%)"),
        (10_000, 1, " (−99%)"),
        (1000, 1001, " (< 1%)"),
        (5, 16, " (×3.2)"),
        (0, 3, ""),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(before: int, after: int, words: str) -> None:
    assert comparison_view.share(before, after) == words


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 200, "Two runs side by side"),
        (f"a={SUPPORT}", 200, "Two runs side by side"),
        (f"a={SUPPORT}&b={SUPPORT}", 200, "A and B are the same trace"),
        (f"a={SUPPORT}&b={'f' * 32}", 404, "there is no trace"),
        (f"a=nonsense&b={SUPPORT}", 404, "A names no trace"),
        (f"a={SUPPORT}&b=%3Cscript%3E", 404, "B names no trace"),
        (f"a={SUPPORT}&b={ODD}", 200, "runs of different agents"),
        (f"a=http://host/traces/{SUPPORT}/?span=1&b={ODD}", 200, "runs of different agents"),
        (f"a={ODD}&b={'0dd1' * 8}", 200, "no steps to compare"),
    ],
)
def test_empty_and_wrong_addresses_are_told(
    filled: FakeReader, browser_client: Client, query: str, status: int, words: str
) -> None:
    filled.add(copy_at(filled.rows[ODD], "0dd1" * 8, 1000))
    response = browser_client.get(f"/compare/?{query}")
    assert response.status_code == status
    assert words in response.content.decode()


def test_a_store_that_is_down_is_told(filled: FakeReader, browser_client: Client) -> None:
    filled.down = True
    assert browser_client.get(f"/compare/?a={SUPPORT}&b={ODD}").status_code == 503


def test_hostile_traces_stay_text(filled: FakeReader, browser_client: Client) -> None:
    spans, details = hostile_trace()
    spans = [replace(row, trace_id=OTHER, tool_name=row.tool_name + "!", input_preview=row.name * 2) for row in spans]
    filled.add(spans, [replace(one, row=replace(one.row, trace_id=OTHER)) for one in details])
    pages = [text(browser_client, f"/compare/?a={HOSTILE}&b={OTHER}")]
    for number in range(1, 11):
        query = f"a={HOSTILE}&b={OTHER}&step_a={id_of(number)}&step_b={id_of(number)}"
        pages.append(text(browser_client, f"/compare/step/?{query}", **HTMX))
    for page in pages:
        assert Rows(page).dangers == []
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


def test_thousands_of_steps_are_bounded_and_counted(store: FakeReader, browser_client: Client) -> None:
    store.add(synthetic_trace(6_000, seed=1, trace_id=BIG))
    store.add(synthetic_trace(6_000, seed=2, trace_id=BIGGER))
    page = text(browser_client, f"/compare/?a={BIG}&b={BIGGER}")
    assert page.count("<tr") < 3_200
    assert "more rows are not shown" in page


def test_the_trace_page_leads_here(filled: FakeReader, browser_client: Client) -> None:
    for view in ("waterfall", "graph"):
        assert f'href="/compare/?a={SUPPORT}&amp;b=typical"' in text(browser_client, f"/traces/{SUPPORT}/?view={view}")


def test_the_api_says_the_same(filled: FakeReader, browser_client: Client) -> None:
    other_support(filled)
    answer = browser_client.get(f"/api/v1/compare/?a={SUPPORT}&b={OTHER}").json()
    assert set(answer) == set(compare_shapes.TraceComparison().fields)
    assert answer["words"].endswith("At step 3 both called the tool find_order, with other arguments.")
    first = answer["steps"][answer["first_difference"]]
    assert set(first) == set(compare_shapes.StepPair().fields)
    assert set(first["a"]) == set(compare_shapes.ComparedStep().fields)
    assert (first["a"]["name"], first["differences"]) == ("find_order", ["arguments", "status"])
    assert [one["b"]["name"] for one in answer["steps"] if one["a"] is None] == ["send_mail"]
    typical = browser_client.get(f"/api/v1/compare/?a={SUPPORT}&b=typical").json()
    assert typical["typical"] == {"alike": 1, "runs": 1}


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "a"),
        (f"a={SUPPORT}", 400, "b"),
        (f"a={SUPPORT}&b={SUPPORT}", 400, "b"),
        (f"a={SUPPORT}&b=x", 404, None),
        (f"a={'f' * 32}&b={SUPPORT}", 404, None),
    ],
)
def test_the_api_names_what_is_wrong(
    filled: FakeReader, browser_client: Client, query: str, status: int, field: str | None
) -> None:
    response = browser_client.get(f"/api/v1/compare/?{query}")
    assert (response.status_code, response.json()["error"].get("field")) == (status, field)


def test_another_projects_traces_are_not_found(filled: FakeReader, browser_client: Client) -> None:
    filled.project = "other"
    assert browser_client.get(f"/compare/?a={SUPPORT}&b={ODD}").status_code == 404
    assert browser_client.get(f"/api/v1/compare/?a={SUPPORT}&b={ODD}").status_code == 404
