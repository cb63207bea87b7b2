"""`running`: no root was received and the last span came less than 15 minutes ago; settled or not."""

from __future__ import annotations

import time

import pytest

from tests.clickhouse.spans import llm, span
from tests.clickhouse.test_settling import settle, short_quiet
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.writer import SpanWriter

__all__ = ["short_quiet"]

TRACE = f"{1:032x}"


def statuses() -> set[str]:
    """As the page of the trace, the list, its filter and SQL say it."""
    reader = get_reader()
    listed = reader.list_traces("default", TraceFilter()).results[0].status
    assert [found.status for found in reader.list_traces("default", TraceFilter(status=listed)).results] == [listed]
    by_sql = client.run("SELECT status FROM traces").result_rows[0][0]
    return {reader.trace("default", TRACE).status, listed, by_sql}


def test_a_trace_runs_until_its_root_comes() -> None:
    write(llm(3, parent=2))
    assert statuses() == {"running"}
    settle()
    assert statuses() == {"running"}
    write(span(2, parent=1), llm(4, parent=2, status="error"))
    assert statuses() == {"running"}
    settle()
    write(span(1, status="error"))
    assert statuses() == {"error"}
    settle()
    assert statuses() == {"error"}


@pytest.mark.parametrize(("minutes", "expected"), [(14, "running"), (16, "ok")])
def test_a_trace_whose_root_never_comes_ends_by_itself(
    minutes: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = time.time_ns() - minutes * 60 * 10**9
    with monkeypatch.context() as patch:
        patch.setattr("tracestore.clickhouse.writer.time.time_ns", lambda: then)
        SpanWriter().write([("default", llm(3, parent=2))])
    assert statuses() == {expected}
    settle()
    assert statuses() == {expected}


def test_the_version_changes_with_each_write() -> None:
    seen = set()
    for number in (1, 2):
        write(span(number, parent=9))
        seen.add(get_reader().version("default", TRACE))
        seen.add(get_reader().version("default", TRACE))
    assert len(seen) == 2


def test_the_timeline_is_the_spans_in_short() -> None:
    write(
        span(1, type="agent", agent="planner"),
        llm(2, parent=1, dropped_attributes=3, usage_rule="", price_source="prices 1"),
        span(3, parent=1, type="tool", tool_name="find", input='{"a": 1}', status="error"),
        span(4, parent=1, type="tool", tool_name="find", input='{"a": 1}'),
        span(5, parent=1, type="tool", tool_name="find", input='{"a": 2}'),
    )
    reader = get_reader()
    short, whole = reader.timeline("default", TRACE, limit=10), reader.spans("default", TRACE)
    for name in ("span_id", "parent_span_id", "name", "type", "agent", "start_ns", "end_ns", "status", "model",
                 "tool_name", "input_tokens", "output_tokens", "cost_usd", "usage_rule", "price_source",
                 "incomplete"):  # fmt: skip
        assert [getattr(one, name) for one in short] == [getattr(one, name) for one in whole]
    assert (short[1].incomplete, short[1].price_source) == (True, "prices 1")
    same, other = short[2].arguments == short[3].arguments, short[3].arguments == short[4].arguments
    assert (same, other) == (True, False)


def test_the_findings_of_a_trace_come_most_severe_first() -> None:
    for number, severity in enumerate(("info", "critical", "warning")):
        client.run(
            "INSERT INTO stored_findings"
            " (project, id, detector, severity, title, explanation, trace_id, span_ids, version)"
            " SELECT 'default', {id:String}, 'loop', {severity:String}, 'Same call', 'It was repeated.',"
            " {trace:String}, ['01', '02'], 1",
            {"id": str(number), "severity": severity, "trace": TRACE},
        )
    found = get_reader().trace_findings("default", TRACE)
    assert [one.severity for one in found] == ["critical", "warning", "info"]
    assert found[0].span_ids == ["01", "02"]
    assert get_reader().trace_findings("other", TRACE) == []
