"""Settling changes when a question is cheap, never what it answers."""

from __future__ import annotations

import time

import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import count, write
from tracestore.clickhouse import client, settling
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter

TRACE = f"{1:032x}"


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def settle() -> settling.Settled:
    time.sleep(0.06)
    return settling.settle()


def traces() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = client.run("SELECT * FROM traces ORDER BY trace_id").result_rows
    return rows


def test_the_answer_is_the_same_before_and_after() -> None:
    write(
        span(1, type="agent", agent="planner", session_id="s"),
        llm(2, parent=1),
        span(3, parent=1, type="tool", tool_name="search"),
    )
    write(span(1, trace=2, status="error"), llm(2, trace=2, parent=1))
    before = traces()
    assert count("open_traces") == 2
    assert settle().traces == 2
    assert count("open_traces") == 0
    assert traces() == before


def test_calls_whose_usage_was_dropped_are_counted_before_and_after() -> None:
    """Only calls, and only where the usage itself is gone."""
    lost = {"usage_rule": "", "input_tokens": 0, "output_tokens": 0, "cost_usd": None}
    write(
        span(1, dropped_attributes=9, session_id="s"),
        llm(2, parent=1),
        llm(3, parent=1, dropped_attributes=4),
        llm(4, parent=1, dropped_attributes=4, **lost),
        llm(5, parent=1, dropped_attributes=4, usage_rule="openinference+incomplete"),
        llm(6, parent=1, **lost),
    )
    assert get_reader().trace("default", TRACE).incomplete == 2
    settle()
    assert get_reader().trace("default", TRACE).incomplete == 2
    assert client.run("SELECT incomplete FROM sessions").result_rows == [(2,)]


def test_nothing_is_settled_before_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 60_000)
    write(span(1))
    assert settling.settle().traces == 0


def test_a_trace_that_never_rests_is_settled_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 60_000)
    monkeypatch.setattr(settling, "BUSY_MS", 10)
    write(span(1))
    time.sleep(0.02)
    settling.settle()
    assert count("stored_traces") == 1
    assert [trace.span_count for trace in get_reader().list_traces("default", TraceFilter()).results] == [1]


def test_late_spans_open_the_trace_again() -> None:
    write(span(1))
    settle()
    write(llm(2, parent=1), llm(3, parent=1))
    assert get_reader().trace("default", TRACE).span_count == 3
    settle()
    assert (get_reader().trace("default", TRACE).span_count, get_reader().trace("default", TRACE).llm_calls) == (3, 2)
    assert count("traces") == 1


def test_an_earlier_span_that_comes_late_moves_the_trace() -> None:
    write(span(5), llm(6, parent=5))
    settle()
    write(span(1, start=START - 3_600 * SECOND, name="the real root"))
    settle()
    assert client.run("SELECT name, span_count, toUnixTimestamp64Nano(start_time) FROM traces").result_rows == [
        ("the real root", 3, START - 3_600 * SECOND)
    ]
    assert len(get_reader().list_traces("default", TraceFilter()).results) == 1


def test_one_model_call_sent_as_two_spans_in_two_writes_counts_once() -> None:
    write(span(1, type="agent", agent="planner"), llm(2, parent=1, response_id="resp_1"))
    write(llm(3, parent=1, start=START + 2 * SECOND, response_id="resp_1"))
    settle()
    assert client.run("SELECT countIf(type = 'llm'), sum(input_tokens), count() FROM spans").result_rows == [
        (1, 100, 3)
    ]
    assert (get_reader().trace("default", TRACE).llm_calls, get_reader().trace("default", TRACE).input_tokens) == (
        1,
        100,
    )


def test_agent_and_session_reach_spans_of_another_write() -> None:
    write(llm(2, parent=1))
    write(span(1, type="agent", agent="planner", session_id="s-1", user_id="u-1"))
    settle()
    assert client.run("SELECT agent, session_id, user_id FROM spans WHERE type = 'llm'").result_rows == [
        ("planner", "s-1", "u-1")
    ]
    assert list(client.run("SELECT session_id, traces FROM sessions").result_rows) == [("s-1", 1)]


def test_a_pass_may_be_repeated() -> None:
    write(span(1), llm(2, parent=1))
    settle()
    before = traces()
    client.command("TRUNCATE TABLE trace_activity")
    write(span(1), llm(2, parent=1))
    settle()
    assert traces() == before


def test_a_backlog_is_settled_pass_by_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "PASS_TRACES", 2)
    for number in range(1, 6):
        write(span(1, trace=number))
    passes = 0
    time.sleep(0.06)
    while settling.settle().more:
        passes += 1
    assert passes == 2
    assert (count("open_traces"), count("stored_traces")) == (0, 5)


def test_the_failed_run_whose_root_says_ok_is_an_error() -> None:
    write(span(1, status="ok"), llm(2, parent=1), llm(3, parent=1, status="error"))
    assert get_reader().trace("default", TRACE).status == "error"


def test_a_failed_call_that_was_tried_again_with_success_is_not() -> None:
    write(span(1, status="ok"), llm(2, parent=1, status="error"), llm(3, parent=1))
    trace = get_reader().trace("default", TRACE)
    assert (trace.status, trace.errors) == ("ok", 1)
