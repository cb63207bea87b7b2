"""The trace page without script: rows, deep links, table, drawer, downloads, hostile text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from dashboard import outline
from dashboard.pages import trace as trace_page
from tests.pages.fake_reader import FakeReader, detail, span_row, synthetic_trace
from tests.pages.sample_incidents import Sample
from tests.pages.sample_runs import finding
from tests.pages.sample_traces import ATTACKS, HOSTILE, ODD, SUPPORT, id_of, support_trace
from tracestore.alerts.facts import Facts
from tracestore.clickhouse.rows import EventRow
from tracestore.spans.semconv.log_events import Evaluation

pytestmark = pytest.mark.urls("dashboard.pages.urls")
HTMX = {"HX-Request": "true"}


def text(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


class Rows(HTMLParser):
    """The attributes of all rows, and every tag that could run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str | None]] = []
        self.dangers: list[str] = []
        self.grid: dict[str, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("role") == "row":
            self.rows.append(found)
        if found.get("role") == "treegrid":
            self.grid = found
        if tag in ("img", "iframe", "object", "embed") or (tag == "script" and not found.get("src")):
            self.dangers.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (
                name in ("href", "src") and re.match(r"\s*(javascript|data|vbscript):", value or "", re.I)
            ):
                self.dangers.append(f"{tag} {name}={value}")


def test_rows_are_a_tree_grid(filled: FakeReader, browser_client: Client) -> None:
    page = Rows(text(browser_client, f"/traces/{SUPPORT}/"))
    assert page.grid["aria-rowcount"] == "11"
    assert page.grid["tabindex"] == "0"
    assert [row["aria-level"] for row in page.rows] == ["1", "2", "3", "2", "2", "2", "3", "3", "2", "2", "2"]
    retrieval = page.rows[5]
    assert retrieval["data-span-id"] == id_of(6)
    assert retrieval["aria-expanded"] == "true"
    assert (retrieval["aria-posinset"], retrieval["aria-setsize"], retrieval["aria-rowindex"]) == ("4", "7", "6")
    assert "aria-expanded" not in page.rows[2]


def test_the_header_states_what_is_unknown(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/")
    assert "$0.0002438" in page
    assert "+ 1 unpriced" in page
    assert "incomplete" not in page


def test_figures_that_the_sender_dropped_are_marked(store: FakeReader, browser_client: Client) -> None:
    """In the header, on the row, in the drawer and in the list of traces: with the reason, never as a fact."""
    spans, details = support_trace()
    lost = next(row for row in spans if row.type == "llm")
    lost.dropped_attributes, lost.usage_rule, lost.input_tokens, lost.output_tokens, lost.cost_usd = 9, "", 0, 0, None
    store.add(spans, details)
    page = text(browser_client, f"/traces/{SUPPORT}/")
    assert "the sender dropped attributes of 1 model call, and what it used was among them" in page
    assert "tokens incomplete: the sender dropped attributes" in page
    drawer = text(browser_client, f"/traces/{SUPPORT}/?span={lost.span_id}")
    assert "Tokens and cost are unknown: the sender dropped 9 attributes of this call" in drawer
    lost.usage_rule, lost.input_tokens = "genai+incomplete", 7
    drawer = text(browser_client, f"/traces/{SUPPORT}/?span={lost.span_id}")
    assert "Tokens and cost are incomplete: the sender dropped 9 attributes of this call" in drawer
    listed = text(browser_client, "/traces/")
    assert "incomplete: the sender dropped the usage of 1 model call" in listed
    assert "1 calls of unknown usage" in listed
    assert f'href="/api/v1/traces/{SUPPORT}/"' in page


def test_a_deep_link_opens_row_and_drawer_on_the_server(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/?span={id_of(5)}")
    chosen = [row for row in Rows(page).rows if row["aria-selected"] == "true"]
    assert [row["data-span-id"] for row in chosen] == [id_of(5)]
    assert "Arguments &amp; result" in page
    assert "12345678901234567890" in page


def test_a_deep_link_far_down_shows_its_ancestors_and_neighbours(store: FakeReader, browser_client: Client) -> None:
    spans = synthetic_trace(3000)
    trace_id = store.add(spans)
    wanted = spans[2500].span_id
    rows = Rows(text(browser_client, f"/traces/{trace_id}/?span={wanted}")).rows
    shown = {row["data-span-id"] for row in rows}
    parents = {span.span_id: span.parent_span_id for span in spans}
    at = wanted
    while at:
        assert at in shown
        at = parents[at]
    assert len(rows) <= 100


def test_a_deep_link_into_a_giant_shows_what_the_skeleton_would_hide(
    store: FakeReader, browser_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_page, "WHOLE", 100)
    monkeypatch.setattr(outline, "WHOLE", 100)
    spans = synthetic_trace(3000)
    trace_id = store.add(spans)
    page = text(browser_client, f"/traces/{trace_id}/?span={spans[2900].span_id}")
    assert [row["data-span-id"] for row in Rows(page).rows if row["aria-selected"] == "true"] == [spans[2900].span_id]
    assert f'href="/traces/{trace_id}/columns/?span={spans[2900].span_id}"' in page
    made = json.loads(text(browser_client, f"/traces/{trace_id}/columns/?span={spans[2900].span_id}"))
    assert spans[2900].span_id in made["id"]
    assert made["total"] == 3000


def test_a_span_that_is_not_there_is_said(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/?span={id_of(999)}")
    assert "not in this trace" in page


@pytest.mark.parametrize("path", ["/traces/" + "ab" * 16 + "/", "/traces/nonsense/", "/traces/nonsense/columns/"])
def test_an_unknown_trace_is_a_page(filled: FakeReader, browser_client: Client, path: str) -> None:
    assert browser_client.get(path).status_code == 404


def test_columns_are_all_spans_whether_or_not_the_page_came_first(filled: FakeReader, browser_client: Client) -> None:
    path = f"/traces/{SUPPORT}/columns/"
    before = json.loads(text(browser_client, path))
    text(browser_client, f"/traces/{SUPPORT}/")
    assert json.loads(text(browser_client, path)) == before
    assert before["n"] == 11


def test_the_cut_of_a_huge_trace_is_told(store: FakeReader, browser_client: Client) -> None:
    trace_id = store.add(synthetic_trace(60), span_count=250_000)
    page = text(browser_client, f"/traces/{trace_id}/")
    assert "This trace has 250,000 spans. Its page reads the first 100,000" in page
    assert "150,000 are not read" in page


def test_the_table_has_all_spans_page_by_page(store: FakeReader, browser_client: Client) -> None:
    trace_id = store.add(synthetic_trace(1200))
    sizes = [
        text(browser_client, f"/traces/{trace_id}/?view=table&page={n}").count('<td class="name lv-') for n in (1, 2, 3)
    ]
    assert sizes == [500, 500, 200]
    assert "0</b> of 1,200" in text(browser_client, f"/traces/{trace_id}/?view=table&q=not-there")


def test_the_drawer_is_a_fragment_for_htmx_and_a_page_for_others(filled: FakeReader, browser_client: Client) -> None:
    path = f"/traces/{SUPPORT}/spans/{id_of(3)}/"
    assert "<html" not in text(browser_client, path, **HTMX)
    response = browser_client.get(path)
    assert response["Location"] == f"/traces/{SUPPORT}/?span={id_of(3)}"


def test_messages_pair_results_with_their_calls_and_fold_the_middle(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/spans/{id_of(10)}/", **HTMX)
    assert page.count('class="call') == 1
    assert page.count('class="result"') == 1
    assert "messages sent before" in page
    assert "<strong>ORD-10442</strong>" in page
    assert "<td>packed</td>" in page
    assert "Reasoning" in page
    assert "1 tools on offer" in page
    assert "unknown" in page
    assert "no price for this model" in page


def test_an_exception_is_readable(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/spans/{id_of(4)}/?tab=events", **HTMX)
    assert "TimeoutError" in page
    assert "Traceback (most recent call last)" in page
    assert "did not answer within 800 ms" in page


def test_what_log_records_say_stands_beside_the_spans_own_events(filled: FakeReader, browser_client: Client) -> None:
    row = span_row("d" * 32, id_of(1), type="llm")
    attack = "<img src=x onerror=alert(1)>"
    own = EventRow(row.start_ns, "first token", {"n": 1})
    told = EventRow(row.start_ns + 5, "gen_ai.user.message", {"content": attack}, "log")
    made = detail(row, events=[own, told], evaluations=[Evaluation(attack, 0.75, "good", attack, row.start_ns)])
    filled.add([row], [made])
    page = text(browser_client, f"/traces/{'d' * 32}/spans/{id_of(1)}/?tab=events", **HTMX)
    assert page.count("from a log record") == 1
    assert page.index("first token") < page.index("gen_ai.user.message") < page.index("from a log record")
    assert re.search(r"Evaluation <b>&lt;img.*?</b> 0\.75 <code>good</code>: &lt;img", page)
    assert Rows(page).dangers == []


def test_the_figures_say_how_they_were_made(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/spans/{id_of(3)}/", **HTMX)
    assert "gen_ai.usage.input_tokens" in page
    assert "genai-prices 0.2.3" in page


@pytest.mark.parametrize("tab", ["messages", "changes", "payload", "attributes", "events", "raw", "nonsense"])
@pytest.mark.parametrize("number", [1, 4, 5, 7, 10])
def test_hostile_spans_stay_text_in_every_tab(
    filled: FakeReader, browser_client: Client, tab: str, number: int
) -> None:
    page = text(browser_client, f"/traces/{HOSTILE}/spans/{id_of(number)}/?tab={tab}", **HTMX)
    assert Rows(page).dangers == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


@pytest.mark.parametrize(
    "path", ["/traces/", f"/traces/{HOSTILE}/", f"/traces/{HOSTILE}/?view=table", f"/traces/{HOSTILE}/?span={id_of(1)}"]
)
def test_hostile_names_stay_text_on_every_page(filled: FakeReader, browser_client: Client, path: str) -> None:
    page = text(browser_client, path)
    assert Rows(page).dangers == []
    assert "{{ 7*7 }}" in page or HOSTILE in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_parameters_stay_text(filled: FakeReader, browser_client: Client, attack: str) -> None:
    for path, names in (("/traces/", ("q", "agent", "session_id")), (f"/traces/{SUPPORT}/", ("q", "span", "tab", "t"))):
        for name in names:
            page = browser_client.get(path, {name: attack}).content.decode()
            assert Rows(page).dangers == []


def test_a_huge_payload_is_cut_counted_and_downloadable(store: FakeReader, browser_client: Client) -> None:
    row = span_row("c" * 32, id_of(1), name="big", type="tool")
    store.add([row], [detail(row, input="x" * 5_000_000, output="[" * 100_000)])
    page = text(browser_client, f"/traces/{'c' * 32}/spans/{id_of(1)}/", **HTMX)
    assert len(page) < 100_000
    assert "5,000,000 characters" in page
    response = browser_client.get(f"/traces/{'c' * 32}/spans/{id_of(1)}/input.txt")
    assert len(response.content) == 5_000_000
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_odd_shapes_are_marked_in_words(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{ODD}/")
    for words in ("parent not received", "parents form a ring", "clocks differ", "ends after its parent"):
        assert words in page
    assert len(Rows(page).rows) == 9


def test_every_page_has_the_strict_policy(filled: FakeReader, browser_client: Client) -> None:
    policy = browser_client.get(f"/traces/{SUPPORT}/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "unsafe-" not in policy


def test_the_incident_of_what_was_found_is_one_click_away(filled: FakeReader, browser_client: Client) -> None:
    filled.findings[SUPPORT] = [finding(id_of(2))]
    assert "Incident" not in text(browser_client, f"/traces/{SUPPORT}/header/")
    sample = Sample()
    opened = sample.open(sample.rule("Loops"), Facts("A loop", ""), 5, agent="support", problem="repeated")
    for address in (f"/traces/{SUPPORT}/", f"/traces/{SUPPORT}/header/"):
        assert f'href="/incidents/{opened.pk}/"' in text(browser_client, address)
    filled.findings[SUPPORT] = []
    assert f'href="/incidents/{opened.pk}/"' not in text(browser_client, f"/traces/{SUPPORT}/header/")
