"""The other views of a trace as the server draws them: one address each, one selection, hostile text stays text."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from tests.pages.fake_reader import EPOCH, MS, FakeReader, detail, span_row, synthetic_trace
from tests.pages.sample_traces import ATTACKS, HOSTILE, ODD, SUPPORT, id_of
from tests.pages.test_trace_page import HTMX, Rows, text
from tracestore.clickhouse.rows import SpanDetail, SpanRow

pytestmark = pytest.mark.urls("dashboard.pages.urls")

VIEWS = ("waterfall", "flame", "graph", "conversation", "table")
CHAT = "c4a7" * 8


def message(role: str, words: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def chat_trace(inputs: list[list[dict[str, object]]], outputs: list[list[dict[str, object]]]) -> list[SpanDetail]:
    """One agent, a model call for each input."""
    root = span_row(CHAT, id_of(1), name="run", type="agent", agent="scribe", end_ns=EPOCH + 10_000 * MS)
    made = [detail(root)]
    for number, (asked, answered) in enumerate(zip(inputs, outputs, strict=True), 2):
        begin = EPOCH + number * MS
        row = span_row(
            CHAT, id_of(number), id_of(1), "chat", type="llm", agent="scribe", model="m", start_ns=begin,
            end_ns=begin + MS // 2, input_bytes=len(json.dumps(asked)),
        )  # fmt: skip
        told = {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(answered)}
        made.append(detail(row, attributes={"gen_ai.operation.name": "chat"} | told))
    return made


def add(store: FakeReader, details: list[SpanDetail], more: list[SpanRow] | None = None) -> None:
    store.add([one.row for one in details] + (more or []), details)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_its_address_and_links_to_the_others(
    filled: FakeReader, browser_client: Client, view: str
) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/?view={view}&span={id_of(5)}&q=order&t=10-5000")
    links = re.findall(r'<a href="([^"]+)" data-view="(\w+)" title="Key (\d)"( aria-current="page")?', page)
    assert [(key, number) for _, key, number, _ in links] == [(key, str(n)) for n, key in enumerate(VIEWS, 1)]
    assert [key for _, key, _, current in links if current] == [view]
    for href, _, _, _ in links:
        assert f"span={id_of(5)}" in href
        assert "q=order" in href
        assert "t=10-5000" in href
    assert f'data-drawer-span="{id_of(5)}"' in page, "the drawer is open in every view"
    assert f'href="/api/v1/traces/{SUPPORT}/export/replay/"' in page


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("trace_id", [HOSTILE, ODD])
def test_hostile_and_odd_traces_stay_text(filled: FakeReader, browser_client: Client, view: str, trace_id: str) -> None:
    page = text(browser_client, f"/traces/{trace_id}/?view={view}&span={id_of(1)}")
    assert Rows(page).dangers == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_parameters_stay_text(filled: FakeReader, browser_client: Client, attack: str) -> None:
    for view in VIEWS:
        for name in ("q", "span", "t", "page", "from", "tab"):
            response = browser_client.get(f"/traces/{SUPPORT}/", {"view": view, name: attack})
            assert response.status_code in (200, 400)
            assert Rows(response.content.decode()).dangers == []


def test_an_unknown_view_is_the_waterfall_and_an_unknown_span_is_said(
    filled: FakeReader, browser_client: Client
) -> None:
    assert 'id="waterfall"' in text(browser_client, f"/traces/{SUPPORT}/?view=nonsense")
    for view in VIEWS:
        assert "is not in this trace" in text(browser_client, f"/traces/{SUPPORT}/?view={view}&span={id_of(99)}")


def test_the_graph_says_in_its_table_what_it_draws(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/?view=graph&span={id_of(5)}")
    assert (
        page.count('class="edge') - page.count('class="edge-label') - 2 == page.count("<td") // 7
    )  # two in the legend
    assert "concierge calls find_order: 2 times, 1.06 s, 1 error" in page
    assert "find_order then find_order: 1 time" in page
    assert re.search(r'class="node t-tool is-chosen is-error"', page)
    assert 'href="?q=type%3Atool+find_order"' in page


def test_the_graph_of_a_giant_is_readable(store: FakeReader, browser_client: Client) -> None:
    root = span_row("e" * 32, id_of(1), name="run", type="agent", agent="a", end_ns=EPOCH + 10**12)
    tools = [
        span_row("e" * 32, id_of(k), id_of(1), f"t{k}", type="tool", start_ns=EPOCH + k * MS, end_ns=EPOCH + k * MS + 9)
        for k in range(2, 700)
    ]
    store.add([root, *tools])
    page = text(browser_client, f"/traces/{'e' * 32}/?view=graph")
    assert page.count('class="node t-') <= 30
    assert re.search(r"\d+ of 699 nodes are put together", page)
    assert re.search(r"\d+ other tools", page)


def test_what_nobody_called_is_taught(store: FakeReader, browser_client: Client) -> None:
    store.add([span_row("f" * 32, id_of(1), name="cron", type="workflow")])
    assert "No agent, model or tool was called" in text(browser_client, f"/traces/{'f' * 32}/?view=graph")
    assert "No model was called" in text(browser_client, f"/traces/{'f' * 32}/?view=conversation")


def test_messages_sent_again_are_folded_and_loaded_when_asked(store: FakeReader, browser_client: Client) -> None:
    first = [message("system", "Be brief."), message("user", "One?")]
    second = [*first, message("assistant", "1"), message("user", "Two?")]
    add(store, chat_trace([first, second], [[message("assistant", "1")], [message("assistant", "**2**")]]))
    page = text(browser_client, f"/traces/{CHAT}/?view=conversation")
    assert "3 messages unchanged since step 1" in page
    assert page.count("One?") == 1
    assert "<strong>2</strong>" in page
    folded = text(browser_client, f"/traces/{CHAT}/conversation/{id_of(3)}/messages/?from=0&to=3", **HTMX)
    assert "One?" in folded
    assert "Two?" not in folded
    assert "<html" not in folded
    response = browser_client.get(f"/traces/{CHAT}/conversation/{id_of(3)}/messages/?from=0&to=3")
    assert response["Location"] == f"/traces/{CHAT}/?view=conversation&span={id_of(3)}"


def test_a_cut_context_is_said(store: FakeReader, browser_client: Client) -> None:
    long = [message("system", "s"), *(message("user", f"m{k}") for k in range(10))]
    add(store, chat_trace([long, [long[0], *long[8:]]], [[], []]))
    page = text(browser_client, f"/traces/{CHAT}/?view=conversation")
    assert "The context was cut here: 7 messages of step 1 are no longer sent." in page


def test_tool_calls_stand_with_result_duration_and_error(filled: FakeReader, browser_client: Client) -> None:
    page = text(browser_client, f"/traces/{SUPPORT}/?view=conversation")
    assert page.count('class="call t-tool"') >= 2
    assert "order service did not answer within 800 ms" in page
    assert f'data-span="{id_of(5)}"' in page
    assert "12345678901234567890" in page


def test_two_thousand_messages_and_many_calls_come_in_pieces(store: FakeReader, browser_client: Client) -> None:
    long = [message("user" if k % 2 else "assistant", f"message {k}") for k in range(2_000)]
    add(store, chat_trace([long] * 30, [[message("assistant", "x" * 5_000_000)]] + [[]] * 29))
    page = text(browser_client, f"/traces/{CHAT}/?view=conversation")
    assert len(page) < 400_000
    assert "1,970 more messages that this call was the first to send" in page
    assert "5,000,000 characters, cut here" in page
    assert page.count('class="turn') - page.count('class="turn-') == 12
    assert f'hx-get="/traces/{CHAT}/conversation/?from=12"' in page
    later = text(browser_client, f"/traces/{CHAT}/conversation/?from=12", **HTMX)
    assert "2,000 messages unchanged since step 12" in later
    assert "Earlier calls" not in later
    part = text(browser_client, f"/traces/{CHAT}/conversation/{id_of(2)}/messages/?from=2&to=1972", **HTMX)
    assert part.count("<article") == 50
    assert "from=52&amp;to=1972" in part


def test_a_deep_link_to_a_late_call_begins_before_it(store: FakeReader, browser_client: Client) -> None:
    asked = [[message("user", f"question {k}")] for k in range(40)]
    add(store, chat_trace(asked, [[]] * 40))
    page = text(browser_client, f"/traces/{CHAT}/?view=conversation&span={id_of(32)}")
    assert "question 30" in page
    assert "Earlier calls (28)" in page
    earlier = text(browser_client, f"/traces/{CHAT}/conversation/?from=16&to=28", **HTMX)
    assert "question 16" in earlier
    assert "question 27" in earlier
    assert "question 28" not in earlier
    assert "Earlier calls (16)" in earlier


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_bad_number_is_told(filled: FakeReader, browser_client: Client, name: str) -> None:
    for path in (f"/traces/{SUPPORT}/conversation/", f"/traces/{SUPPORT}/conversation/{id_of(3)}/messages/"):
        assert browser_client.get(path, {name: "-1"}, headers=HTMX).status_code == 400


def test_the_table_opens_the_drawer_and_keeps_its_page(store: FakeReader, browser_client: Client) -> None:
    trace_id = store.add(synthetic_trace(1200))
    page = text(browser_client, f"/traces/{trace_id}/?view=table&page=2&q=e")
    assert re.search(r'href="\?view=table&amp;span=[0-9a-f]{16}&amp;q=e&amp;page=2" data-span=', page)
