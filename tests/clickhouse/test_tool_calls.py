"""The audit trail: every execution once, whole, and longer than the spans it was made from."""

from __future__ import annotations

import time

import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import count, write
from tracestore.clickhouse import client, migrations, settling
from tracestore.spans.model import Span

LONG = "é" * 3_000
AGENT = {"agent": "planner", "agent_version": "1.4", "user_id": "u-1", "session_id": "s-1"}


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def settle() -> None:
    time.sleep(0.06)
    settling.settle()


def tool(number: int, **fields: object) -> Span:
    given = {"tool_name": "search", "tool_call_id": f"call_{number}", "input": '{"q": 1}', "output": "found", **AGENT}
    return span(number, **{"type": "tool", "parent": 1, **given, **fields})


def trail(columns: str = "*") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = client.run(
        f"SELECT {columns} FROM tool_calls ORDER BY trace_id, span_id"
    ).result_rows
    return rows


def numbers() -> list[int]:
    return [int(str(row[0]), 16) for row in trail("span_id")]


def test_settling_changes_nothing_of_executions_that_came_whole() -> None:
    write(
        span(1, type="agent", agent="planner"),
        tool(2, input=LONG, output="x" * 5_000),
        tool(3, output=LONG),
        tool(4, status="error", error_type="Timeout", status_message="too slow"),
        llm(5, parent=1, input="not a tool" * 500),
    )
    write(tool(2, trace=2, output="the other project's"), project="other")
    before = trail()
    assert len(before) == 4
    settle()
    assert count("open_traces") == 0
    assert trail() == before


@pytest.mark.parametrize("settled", [False, True])
def test_a_row_says_who_did_what_when_and_how_it_ended(settled: bool) -> None:
    write(tool(2, input=LONG, output="x" * 5_000, status="error", error_type="Timeout", status_message="too slow"))
    if settled:
        settle()
    columns = (
        "project, trace_id, agent, agent_version, user_id, session_id, tool_name, tool_call_id, status, error_type,"
        " status_message, duration_ns, toUnixTimestamp64Nano(start_time), toUnixTimestamp64Nano(end_time)"
    )
    begun = START + 2 * SECOND
    assert trail(columns) == [
        ("default", f"{1:032x}", "planner", "1.4", "u-1", "s-1", "search", "call_2", "error", "Timeout",
         "too slow", SECOND, begun, begun + SECOND)
    ]  # fmt: skip
    assert trail("arguments, result") == [(LONG, "x" * 5_000)]
    assert trail("input_bytes = length(arguments), output_bytes = length(result)") == [(True, True)]


def test_a_row_made_again_by_settling_is_the_row_of_the_write() -> None:
    """The statement that puts the trail right makes its rows from tables, the writer from the span."""
    write(tool(2, input=LONG, output="x" * 5_000, status="error", error_type="Timeout"))
    before = trail()
    write(span(1, type="agent", **AGENT))
    settle()
    assert trail() == before
    assert client.run("SELECT uniqExact(version) FROM stored_tool_calls").result_rows == [(2,)]


def test_what_was_cut_is_told_by_its_true_size() -> None:
    """Where the payload is gone (its retention is shorter) when a trace opens again, the beginning stays."""
    write(tool(2, output="x" * 5_000))
    settle()
    client.command("TRUNCATE TABLE stored_payloads")
    write(span(1, type="agent", **AGENT))
    settle()
    assert trail("length(result), output_bytes") == [(1024, 5_000)]


def test_a_payload_that_expires_later_takes_nothing_from_the_trail() -> None:
    write(tool(2, output="x" * 5_000))
    settle()
    client.command("TRUNCATE TABLE stored_payloads")
    assert trail("length(result)") == [(5_000,)]


def test_the_same_export_again_changes_nothing() -> None:
    sent = [span(1, type="agent"), tool(2), tool(3, output=LONG)]
    write(*sent)
    settle()
    before = trail()
    for _ in range(2):
        write(*sent)
        assert trail() == before
        settle()
        assert trail() == before
    assert count("tool_calls") == 2


def test_a_span_that_stops_being_an_execution_leaves_the_trail() -> None:
    write(tool(2), tool(3))
    settle()
    assert numbers() == [2, 3]
    write(tool(3, type="other", tool_name=""))
    settle()
    assert numbers() == [2]
    assert count("open_traces") == 0
    write(tool(3))
    settle()
    assert numbers() == [2, 3]


def test_two_spans_of_one_execution_in_two_writes_are_one_row_once_settled() -> None:
    write(span(1, type="agent", agent="planner"), tool(2, tool_call_id="call_1", start=START))
    settle()
    assert numbers() == [2]
    inner = tool(3, parent=2, tool_call_id="call_1", start=START + SECOND // 4, end_ns=START + SECOND // 2)
    inner.record.scope.name = "another instrumentation"
    write(inner)
    settle()
    assert client.run("SELECT count() FROM spans WHERE type = 'tool'").result_rows == [(1,)]
    assert count("tool_calls") == 1


def test_the_trail_outlives_the_spans_also_when_the_trace_opens_again() -> None:
    write(tool(2), tool(3, output=LONG))
    settle()
    before = trail()
    for table in ("stored_spans", "stored_payloads", "stored_traces"):
        client.command(f"TRUNCATE TABLE {table}")
    assert trail() == before
    late = tool(9, start=START + 600 * SECOND)
    write(late)
    assert numbers() == [2, 3, 9]
    settle()
    assert numbers() == [2, 3, 9]
    assert trail()[:2] == before


def test_a_pass_may_touch_more_days_than_one_insert_usually_may() -> None:
    write(*(tool(number, trace=number, start=START - number * 86_400 * SECOND) for number in range(1, 121)))
    settle()
    assert count("stored_tool_calls") == 120
    assert numbers() == list(range(1, 121))


def test_an_upgrade_fills_the_trail_with_what_was_settled_before_there_was_one() -> None:
    write(tool(2, input=LONG), tool(3), llm(4, parent=1))
    settle()
    before = trail()
    client.command("TRUNCATE TABLE stored_tool_calls")
    assert trail() == []
    (migration,) = (one for one in migrations.known() if one.name == "0010_stored_tool_calls.sql")
    for _ in range(2):
        for statement in migration.statements:
            client.command(statement)
        assert trail() == before
