"""Histories are what was stored, by hour and day; detectors of windows judge them when it is their turn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.detectors.small import ManyErrors
from tracestore import detector_runs, retention, window_detection
from tracestore.clickhouse import expiry, settling
from tracestore.clickhouse.detecting import findings, histories, norms
from tracestore.clickhouse.detecting.findings import FindingFilter
from tracestore.detector_settings import Choice, ProjectSettings
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import (
    DAY_NS,
    HOUR_NS,
    CostHour,
    CostHours,
    EventHours,
    LatencyHours,
    RunTexts,
    ToolHour,
    ToolHours,
)
from tracestore.detectors.running import Tallies
from tracestore.models import DetectorRun
from tracestore.spans.model import Span

pytestmark = pytest.mark.django_db

#: The hour before the one that runs, and the moment that is now.
NOW = time.time_ns()
HOUR = NOW // HOUR_NS * HOUR_NS - HOUR_NS
AGENT = {"agent": "planner", "agent_version": "2", "session_id": "s", "user_id": "ada"}


def tool(number: int, start: int = HOUR, trace: int = 1, **fields: Any) -> Span:
    given = {"tool_name": "search", "input": "{}", "output": "found it", **AGENT, **fields}
    begun = start + number * SECOND
    return span(number, type="tool", trace=trace, parent=1, start=begun, end_ns=begun + 2 * SECOND, **given)


def rows(reads: type, now: int = NOW) -> list[Any]:
    while histories.refresh(reads, now):
        pass
    return [row for one in histories.history(reads, "default", now) for row in one.rows]


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 10)
    time.sleep(0.05)
    settling.settle()


def test_tools_by_hour_with_errors_that_hide_in_results() -> None:
    write(
        tool(2), tool(3, status="error", status_message="timeout after 4711 ms", error_type="Timeout"),
        tool(4, output="Error: no such table"), tool(5, output="the error was fixed, all is well"),
        tool(6, output=json.dumps({"success": False, "error": "quota"})), tool(7, HOUR + HOUR_NS, trace=2),
        tool(8, agent="other"),
    )  # fmt: skip
    write(tool(2))  # again: changes nothing
    found = rows(ToolHours)
    mine = [row for row in found if row.agent == "planner" and row.hour_ns == HOUR]
    assert len(mine) == 1
    assert (mine[0].agent_version, mine[0].tool, mine[0].calls, mine[0].failed) == ("2", "search", 5, 3)
    assert mine[0].template == "timeout after # ms"
    assert (mine[0].example_trace, mine[0].example_span) == (f"{1:032x}", f"{3:016x}")
    assert ToolHour(HOUR, "other", "2", "search", 1, 0) in found
    assert {row.hour_ns for row in found} == {HOUR, HOUR + HOUR_NS}


def test_late_spans_count_and_what_is_gone_is_gone() -> None:
    write(tool(2), tool(3, agent="mistaken"))
    assert len(rows(ToolHours)) == 2
    write(tool(3), tool(4))
    (row,) = rows(ToolHours)
    assert (row.agent, row.calls) == ("planner", 3)


def test_a_past_that_is_imported_is_counted_and_judged_when_it_is_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.fromtimestamp(NOW / 1e9, UTC)
    write(tool(2))
    settle(monkeypatch)
    assert len(rows(ToolHours)) == 1
    assert window_detection.judge_due(now, [ManyErrors()]) == 0
    # A run of each hour of six days before, some of which were counted as empty.
    write(*(tool(3, HOUR - hour * HOUR_NS, trace=100 + hour, status="error") for hour in range(1, 6 * 24)))
    settle(monkeypatch)
    assert not histories.past_came(ToolHours, time.time_ns())  # more may be coming
    later = time.time_ns() + 20 * SECOND
    assert histories.past_came(ToolHours, later)
    assert len(rows(ToolHours, later)) == 6 * 24
    assert not histories.past_came(ToolHours, later + 20 * SECOND)


def test_costs_by_agent_user_session_and_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for trace, cost in ((1, 0.25), (2, 0.5)):
        write(llm(1, trace=trace, start=HOUR, cost_usd=cost, **AGENT), llm(2, trace=trace, start=HOUR, **AGENT))
    settle(monkeypatch)
    found = {(row.kind, row.name): row for row in rows(CostHours)}
    assert set(found) == {("agent", "planner"), ("user", "ada"), ("session", "s"), ("model", "gpt-4o-mini")}
    for row in found.values():
        assert row == CostHour(
            HOUR, row.kind, row.name, pytest.approx(0.752), 440, 2, f"{2:032x}", pytest.approx(0.501)
        )


def test_latencies_of_answers_and_tools() -> None:
    write(
        tool(2), tool(3, status="error"),
        *(llm(number, start=HOUR, end_ns=HOUR + number * SECOND, output_tokens=10, **AGENT) for number in (4, 5)),
        llm(6, start=HOUR, end_ns=HOUR + SECOND, output_tokens=0, **AGENT),
    )  # fmt: skip
    found = {row.kind: row for row in rows(LatencyHours)}
    assert (found["tool"].name, found["tool"].seconds, found["tool"].per_token) == ("search", (2.0,), ())
    model = found["model"]
    assert (model.calls, sorted(model.seconds), sorted(model.per_token)) == (2, [4.0, 5.0], [0.4, 0.5])
    assert model.slow_span == f"{5:016x}"


def test_events_retrievals_without_hits_answers_cut_and_retries() -> None:
    retrieval = {"type": "retrieval", "name": "docs", **AGENT}
    write(
        *(span(number, start=HOUR + number, attributes={"tracestore.retrieval.hits": hits}, **retrieval)
          for number, hits in ((2, 0), (3, 4))),
        span(4, start=HOUR, **retrieval),
        llm(5, start=HOUR, finish_reason="length", **AGENT), llm(6, start=HOUR + 1, finish_reason="stop", **AGENT),
        tool(7, status="error"), tool(8), tool(9),
    )  # fmt: skip
    found = {(row.event, row.name): (row.total, row.hit, row.example_span) for row in rows(EventHours)}
    assert found == {
        ("empty_retrieval", "docs"): (2, 1, f"{2:016x}"),
        ("truncated_output", "gpt-4o-mini"): (2, 1, f"{5:016x}"),
        ("retry", "gpt-4o-mini"): (2, 0, ""),
        ("retry", "search"): (3, 1, f"{8:016x}"),
    }


def test_texts_of_the_days_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    day = NOW // DAY_NS * DAY_NS
    yesterday = day - DAY_NS + 3600 * SECOND
    for trace, start in ((1, yesterday), (2, day)):
        write(
            llm(1, trace=trace, start=start, output="let me see " + "x" * 400, **AGENT),
            tool(2, start, trace), llm(3, trace=trace, start=start + 9 * SECOND, output="it rains", **AGENT),
        )  # fmt: skip
    settle(monkeypatch)
    first, second = rows(RunTexts)
    assert (first.trace_id, first.agent, first.agent_version, first.start_ns) == (
        f"{1:032x}",
        "planner",
        "2",
        yesterday,
    )
    assert first.said == "let me see " + "x" * 400 + "\nit rains"
    assert (first.final, first.tools, first.messages, first.failed) == ("it rains", ("search",), 2, False)
    assert second.trace_id == f"{2:032x}"


def moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def test_a_detector_judges_when_its_turn_has_come_and_makes_up_for_missed_hours() -> None:
    write(tool(2, status="error"), tool(3, status="error"), tool(4))
    detector = ManyErrors()
    now = moment(NOW)
    assert window_detection.judge_due(now, [detector]) == 1
    assert window_detection.judge_due(now + timedelta(seconds=30), [detector]) == 0
    assert window_detection.judge_due(now + timedelta(minutes=1), [detector]) == 1
    found = findings.listed("default", FindingFilter()).results
    assert [(one.trace_id, one.evidence["failed"], one.dismissed) for one in found] == [("", 2, False)]
    detector_runs.flush()  # what was done without a failure may wait for some seconds
    row = DetectorRun.objects.get(detector="tool_error_rate")
    assert row.failures == 0


def test_two_detectors_of_one_id_take_their_turns_apart() -> None:
    class Retries(ManyErrors):
        reads = EventHours

        def detect(self, history: Any, settings: Any) -> Iterator[Finding]:
            yield Finding(self.id, "1", "info", "", "", "planner", "retries", NOW, NOW)

    write(tool(2, status="error"), tool(3))
    assert window_detection.judge_due(moment(NOW), [Retries(), ManyErrors()]) == 1
    write(tool(4, status="error"))
    now = moment(NOW) + timedelta(minutes=1)
    assert window_detection.judge_due(now, [Retries(), ManyErrors()]) == 2


def test_ticks_after_an_absence_are_bounded() -> None:
    now = datetime(2026, 5, 10, 12, 30, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert list(window_detection.ticks(None, now, minute)) == [now]
    assert list(window_detection.ticks(now - minute, now, minute)) == [now]
    missed = list(window_detection.ticks(now - timedelta(hours=3), now, minute))
    assert [one.hour for one in missed] == [11, 12, 12]
    assert len(list(window_detection.ticks(now - timedelta(days=9), now, minute))) == 25
    assert len(list(window_detection.ticks(now - timedelta(days=9), now, timedelta(days=1)))) == 2


def test_agents_with_settings_of_their_own_are_judged_apart() -> None:
    write(tool(2, status="error"), tool(3, agent="quiet", status="error"), tool(4, agent="third", status="error"))
    rows(ToolHours)
    settings = ProjectSettings({("tool_error_rate", "quiet"): Choice(enabled=False)})
    said = window_detection.said_at("default", ManyErrors(), settings, NOW, Tallies())
    assert sorted(one.agent for one in said) == ["planner", "third"]


def test_what_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    for trace in range(1, 41):
        begun = NOW - 3600 * SECOND + trace * SECOND
        write(
            span(1, trace=trace, type="agent", start=begun, end_ns=begun + 10 * SECOND, **AGENT),
            llm(2, trace=trace, parent=1, start=begun, end_ns=begun + SECOND, cost_usd=trace / 100, **AGENT),
            tool(3, begun, trace),
        )
    settle(monkeypatch)
    found = norms.norms("default")
    usual = found.agent("planner")
    assert (usual.runs, usual.steps_p95, usual.seconds_p75) == (40, 1.0, 10.0)
    assert usual.cost_p75 == pytest.approx(0.3, abs=0.02)
    assert (usual.input_tokens_p99, found.fleet.runs) == (100.0, 40)
    assert (found.tool("search").runs, found.tool("search").gap_p99) == (40, 2.0)
    assert found.agent("nobody").runs == 0


def test_histories_go_with_the_payloads_they_were_made_from() -> None:
    assert "stored_histories" in retention.TABLES["payload_days"]
    write(tool(2))
    assert len(rows(ToolHours)) == 1
    expiry.expire("stored_histories", {(moment(NOW) + timedelta(days=1)).date(): ["default"]})
    assert histories.history(ToolHours, "default", NOW) == []
