"""The trace list: order, cursor, filters; columns in step with the row types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_settling import settle
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client, queries, settling
from tracestore.clickhouse.orders import NEWEST, cursor_after
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import SpanRow, TraceFilter, TraceSummary
from tracestore.errors import InvalidInput


def names(**wanted: object) -> list[str]:
    return [trace.name for trace in get_reader().list_traces("default", TraceFilter(**wanted)).results]  # type: ignore[arg-type]


def test_columns_are_the_fields_in_order() -> None:
    write(span(1))
    spans = client.run(queries.load("spans"), {"project": "default", "trace_id": f"{1:032x}", "limit": 1})
    assert list(spans.column_names) == list(SpanRow.__slots__)
    traces = client.run(queries.load("trace_open"), {"project": "default", "trace_id": f"{1:032x}"})
    assert list(traces.column_names) == list(TraceSummary.__slots__)
    stored = client.run(f"DESCRIBE (SELECT {queries.load('trace_columns')} FROM stored_traces)")
    assert [row[0] for row in stored.result_rows] == list(TraceSummary.__slots__)[:-1]


def test_pages_follow_each_other_while_new_traces_arrive() -> None:
    for number in range(1, 8):
        write(span(number, trace=number))
    first = get_reader().list_traces("default", TraceFilter(), limit=3)
    write(span(50, trace=50))
    second = get_reader().list_traces("default", TraceFilter(), limit=3, cursor=first.next)
    third = get_reader().list_traces("default", TraceFilter(), limit=3, cursor=second.next)
    pages = [[trace.name for trace in page.results] for page in (first, second, third)]
    assert pages == [["span 7", "span 6", "span 5"], ["span 4", "span 3", "span 2"], ["span 1"]]
    assert third.next is None


def test_a_trace_that_is_settled_while_it_is_looked_up_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)
    write(span(1))
    run, asked = client.run, []

    def settled_after_the_first_question(statement: str, *args: Any, **options: Any) -> Any:
        answer = run(statement, *args, **options)
        if not asked:
            asked.append(answer.result_rows)
            settle()
        return answer

    monkeypatch.setattr(client, "run", settled_after_the_first_question)
    assert get_reader().trace("default", f"{1:032x}").name == "span 1"
    assert asked == [[]]


def test_traces_of_one_moment_are_paged_by_id() -> None:
    for number in range(1, 6):
        write(span(1, trace=number, name=f"t{number}"))
    seen, cursor = [], None
    while True:
        page = get_reader().list_traces("default", TraceFilter(), limit=2, cursor=cursor)
        seen += [trace.name for trace in page.results]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["t5", "t4", "t3", "t2", "t1"]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "bm90IG9uZQ", cursor_after(NEWEST, (-1, "a")), "MQ"])
def test_a_foreign_cursor_is_refused_by_name(cursor: str) -> None:
    if not cursor:
        return
    with pytest.raises(InvalidInput) as caught:
        get_reader().list_traces("default", TraceFilter(), cursor=cursor)
    assert caught.value.field == "cursor"


def test_filters() -> None:
    write(span(1, trace=1, name="one", agent="planner", session_id="s1", user_id="ann"), llm(2, trace=1, parent=1))
    write(
        span(1, trace=2, name="two", agent="writer", status="error"),
        span(2, trace=2, parent=1, type="tool", tool_name="search_kb", input='{"query": "lost parcel"}'),
    )
    assert names() == ["two", "one"]
    assert names(agent="planner") == ["one"]
    assert names(status="error") == ["two"]
    assert names(session_id="s1", user_id="ann") == ["one"]
    assert names(model="gpt-4o-mini") == ["one"]
    assert names(tool="search_kb") == ["two"]
    assert names(service="shop") == ["two", "one"]
    assert names(text="PARCEL") == ["two"]
    assert names(text="search_k") == ["two"]
    assert names(text=f"{1:032x}") == ["one"]
    assert names(text="nowhere") == []


def test_time_range_includes_its_start_and_not_its_end() -> None:
    write(span(1, trace=1, start=START - START % SECOND))
    at = datetime.fromtimestamp(START // SECOND, UTC)
    assert names(since=at) == ["span 1"]
    assert names(until=at) == []


@pytest.mark.parametrize("text", ["' OR 1=1 --", "\\", "{x:String}", "%", "\x00", "🙂", "a'b\"c`d"])
def test_text_is_bound_never_put_into_the_statement(text: str) -> None:
    write(span(1, name=f"has {text} in it"))
    write(span(1, trace=2, name="has not"))
    assert names(text=text) == [f"has {text} in it"]


def test_paths_of_finished_runs_are_in_order_and_open_ones_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)

    def run(trace: int) -> None:
        write(
            span(1, trace=trace, type="agent", agent="planner"),
            span(2, trace=trace, parent=1, type="workflow"),
            llm(3, trace=trace, parent=1, agent="planner"),
            span(4, trace=trace, parent=1, type="tool", tool_name="search"),
            span(5, trace=trace, parent=1, type="retrieval", name="look up"),
        )

    run(1)
    settle()
    run(2)
    traces = get_reader().list_traces("default", TraceFilter()).results
    assert len(traces) == 2
    paths = get_reader().run_paths("default", traces, ("agent", "llm", "tool", "retrieval"))
    assert paths == {f"{1:032x}": ["agent:planner", "llm:planner", "tool:search", "retrieval:look up"]}
    assert get_reader().run_paths("default", [], ("llm",)) == {}
    assert get_reader().run_paths("other", traces, ("llm",)) == {}


def test_digests_are_equal_for_equal_payloads_only() -> None:
    write(
        span(1, input="x" * 9000 + "1", output="same"),
        span(2, input="x" * 9000 + "2", output="same"),
    )
    found = get_reader().payload_digests("default", f"{1:032x}", [f"{1:016x}", f"{2:016x}", f"{3:016x}"])
    assert set(found) == {f"{1:016x}", f"{2:016x}"}
    (first_in, first_out), (second_in, second_out) = found.values()
    assert (first_in == second_in, first_out == second_out) == (False, True)
    assert get_reader().payload_digests("other", f"{1:032x}", [f"{1:016x}"]) == {}
