"""Which rows the waterfall has, and what only agents have on them."""

from __future__ import annotations

import json

import pytest
from django.conf import LazySettings
from django.test import Client

from dashboard import outline as outlines
from dashboard import waterfall, waterfall_rows
from dashboard.outline import outline
from dashboard.timeline import Timeline
from tests.pages.fake_reader import EPOCH, MS, FakeReader, span_row, synthetic_trace
from tests.pages.sample_runs import LOOP, RUNNING, finding, loop_trace, running_trace
from tests.pages.sample_traces import id_of
from tracestore.clickhouse.rows import TraceFinding

pytestmark = pytest.mark.urls("dashboard.pages.urls")


def names(timeline: Timeline, *opened: str, whole: int = 20_000) -> list[str]:
    return [span.name for span in outline(timeline, opened, whole=whole).spans]


def test_a_loop_is_one_row_with_its_members_below() -> None:
    rows = outline(Timeline(loop_trace()))
    (group,) = rows.groups
    assert (group, rows.spans[group].name) == (1, "× 38 chat gpt-4o → search_kb")
    assert waterfall.row_labels(rows)[group] == "2 failed, 3 distinct arguments"
    assert rows.spans[group].status == "error"
    assert rows.spans[group].cost_usd == pytest.approx(0.38)
    assert [rows.parent[row] for row in (1, 2, 77, 78)] == [0, 1, 1, 0]
    first = waterfall_rows.first_rows(Timeline(loop_trace()))
    assert [(row.span.name, row.is_folded) for row in first] == [
        ("invoke_agent researcher", False), ("× 38 chat gpt-4o → search_kb", True), ("chat gpt-4o", False),
    ]  # fmt: skip
    assert [row.rowindex for row in first] == [1, 2, 3]


def test_a_chosen_span_opens_the_group_around_it() -> None:
    timeline = Timeline(loop_trace())
    first = waterfall_rows.first_rows(timeline, timeline.node_of[id_of(40)])
    assert [row.span.span_id for row in first if row.selected] == [id_of(40)]
    assert {row.is_folded for row in first} == {False}


def test_steps_cuts_sums_and_gaps_are_in_the_columns() -> None:
    made = waterfall.columns(Timeline(loop_trace()))
    assert made["runs"] == ["researcher"]
    assert made["step"][:6] == [0, 0, 1, 1, 2, 2]
    assert (made["cuts"][1], made["cuts"][2]) == ([16_300], [4_000])
    assert made["id"][made["cuts"][0][0]] == id_of(2 + 2 * 20)
    assert [(end - start) // 1_000_000 for start, end in made["gaps"]] == [60]
    rows, costs, used_in, used_out = made["so_far"]
    assert (costs[1], used_in[1], used_out[1], len(rows)) == (0.02, 6_700, 80, 39)
    assert made["line"][1][-1] == pytest.approx(0.38)


def test_the_skeleton_counts_what_it_hides() -> None:
    spans = synthetic_trace(2_000)
    findings = [TraceFinding("1", "loop", "warning", "Deep", "Far down.", [spans[1_900].span_id, "gone"], 0.0)]
    timeline = Timeline(spans, findings=findings)
    rows = outline(timeline, whole=200)
    shown = [node for node in rows.node if node >= 0]
    assert sum(count for _, count in rows.hidden.values()) == 2_000 - len(shown)
    errors = {span.span_id for span in spans if span.status == "error"}
    assert errors | {spans[1_900].span_id} <= {span.span_id for span in rows.spans}
    made = waterfall.columns(timeline, rows)
    assert made["total"] == 2_000
    assert len([row for row in made["status"] if made["statuses"][row] == "error"]) == len(errors)
    assert made["id"][made["findings"][0]["rows"][0]] == spans[1_900].span_id
    # Running sums are of all calls, shown or not.
    whole = waterfall.columns(timeline)
    assert made["line"] == whole["line"]


def test_a_press_opens_more_until_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "MORE", 100)
    timeline = Timeline(synthetic_trace(1_000))
    opened: list[str] = []
    counts = []
    while hidden := outline(timeline, opened, whole=200).hidden:
        counts.append(sum(count for _, count in hidden.values()))
        opened.append(next(iter(hidden.values()))[0])
        assert len(opened) < 1_000
    assert counts == sorted(set(counts), reverse=True)
    assert sorted(
        span.span_id for span in outline(timeline, opened, whole=200).spans if span.span_id[0] == "0"
    ) == sorted(span.span_id for span in timeline.spans)


def test_many_roots_are_hidden_below_all() -> None:
    # All at once, or they would be on the critical path one after the other.
    spans = [span_row("a" * 32, id_of(n), "", f"root {n}", end_ns=EPOCH + n * MS) for n in range(1, 202)]
    timeline = Timeline(spans)
    rows = outline(timeline, whole=50)
    assert list(rows.hidden.values()) == [("", len(spans) - 50)]
    assert len([node for node in outline(timeline, [""], whole=50).node if node >= 0]) == len(spans)


def test_parents_that_have_not_come_are_shown_as_running() -> None:
    timeline = Timeline(running_trace(21), is_running=True)
    assert timeline.total == 21
    first = waterfall_rows.first_rows(timeline)
    assert (first[0].span.name, first[0].span.status, first[0].label) == ("(running)", "running", "not received yet")
    assert first[0].level + 1 == first[1].level
    assert waterfall.FLAGS["orphan"] not in waterfall.row_flags(timeline, outline(timeline))
    settled = Timeline(running_trace(21))
    assert waterfall.FLAGS["orphan"] in waterfall.row_flags(settled, outline(settled))


def test_columns_that_the_page_has_are_not_sent_again(store: FakeReader, browser_client: Client) -> None:
    store.add(running_trace(5), status="running")
    path = f"/traces/{RUNNING}/columns/"
    made = json.loads(browser_client.get(path).content)
    assert made["running"]
    assert browser_client.get(path, {"known": made["version"]}).status_code == 204
    for change in ("span", "finding", "end"):
        if change == "span":
            store.add(running_trace(6), status="running")
        elif change == "finding":
            store.findings[RUNNING] = [finding(id_of(2))]
        else:
            store.traces[RUNNING].status = "ok"
        answer = browser_client.get(path, {"known": made["version"]})
        assert answer.status_code == 200, change
        made = json.loads(answer.content)
    assert (made["running"], made["total"], len(made["findings"])) == (False, 6, 1)


def test_the_page_says_what_runs_what_was_found_and_where(store: FakeReader, browser_client: Client) -> None:
    store.add(running_trace(9), status="running")
    store.findings[RUNNING] = [finding(id_of(4))]
    page = browser_client.get(f"/traces/{RUNNING}/").content.decode()
    assert "running</span>" in page
    assert f'href="?span={id_of(4)}" data-finding="0">The same tool again and again</a>' in page
    assert "$0.31 wasted" in page
    assert 'class="wf-found"' in page
    header = browser_client.get(f"/traces/{RUNNING}/header/").content.decode()
    assert header.lstrip().startswith("<header")
    assert "The same tool again and again" in header


def test_too_many_opened_rows_are_refused_by_name(store: FakeReader, browser_client: Client) -> None:
    store.add(loop_trace())
    answer = browser_client.get(f"/traces/{LOOP}/columns/", {"under": ["a"] * 201})
    assert answer.status_code == 400


def test_what_is_not_read_is_told_by_the_setting(
    store: FakeReader, browser_client: Client, settings: LazySettings
) -> None:
    settings.TRACE_VIEW_MAX_SPANS = 50
    trace_id = store.add(loop_trace())
    assert (
        "reads the first 50 by start time; 28 are not read"
        in browser_client.get(f"/traces/{trace_id}/").content.decode()
    )
    assert json.loads(browser_client.get(f"/traces/{trace_id}/columns/").content)["total"] == 50
