"""Health from stored findings, and verdicts on running traces."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tracestore import verdicts
from tracestore.clickhouse.detecting import findings, health, looking
from tracestore.clickhouse.detecting import verdicts as reading
from tracestore.detectors.finding import Finding
from tracestore.errors import Unavailable
from tracestore.models import DetectorSettings, Project

pytestmark = pytest.mark.django_db
AGO = 0


@pytest.fixture(autouse=True)
def ten_minutes_ago() -> None:
    """Runs of late, whenever the test is run: a suite may take longer than "of late" lasts."""
    global AGO
    AGO = time.time_ns() - 600 * SECOND


def runs(number: int, *, agent: str = "planner", version: str = "1", first: int = 1) -> None:
    for trace in range(first, first + number):
        write(
            span(1, trace=trace, type="agent", agent=agent, agent_version=version, start=AGO),
            llm(2, trace=trace, parent=1, agent=agent, agent_version=version, start=AGO, session_id=f"s{trace}"),
        )


def find(trace: int = 0, *, detector: str = "loop", severity: str = "critical", agent: str = "planner") -> Finding:
    made = Finding(
        detector, "1", severity, f"{detector} of {trace}", "", agent, str(trace), AGO, AGO + SECOND,  # type: ignore[arg-type]
        trace_id=f"{trace:032x}" if trace else "",
    )  # fmt: skip
    findings.store([("default", made)])
    return made


def states() -> dict[tuple[str, str], health.AgentHealth]:
    since = datetime.now(UTC) - timedelta(hours=1)
    return {(one.agent, one.agent_version): one for one in health.latest("default", since)}


def work_out(minutes: int = 0) -> None:
    health.work_out(looking.now() + minutes * 60_000_000)


def test_each_agent_and_version_has_its_state() -> None:
    runs(10)
    runs(10, version="2", first=11)
    runs(6, agent="calm", first=30)
    find(12)
    work_out()
    found = states()
    assert {who: one.state for who, one in found.items()} == {
        ("calm", ""): "healthy", ("calm", "1"): "healthy",
        ("planner", ""): "degraded", ("planner", "1"): "healthy", ("planner", "2"): "critical",
    }  # fmt: skip
    assert found["planner", "2"].reasons == ["loop: 1 of 10 runs of the last hour (10%)"]
    assert found["planner", ""].measures["runs_hour"] == 20
    assert found["planner", ""].measures["findings.loop"] == 1


def test_who_is_new_is_judged_before_the_day_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DAY_RESTS", 1e9)
    days = health.DayFigures()
    runs(10)
    health.work_out(looking.now(), days=days)
    runs(6, agent="new", first=11)
    runs(5, first=20)
    health.work_out(looking.now(), days=days)
    found = states()
    assert (found["new", ""].state, found["new", ""].measures["runs_day"]) == ("healthy", 6)
    assert found["planner", ""].measures["runs_day"] == found["planner", ""].measures["runs_hour"] == 15
    assert found["planner", ""].measures["cost_day"] == pytest.approx(found["planner", ""].measures["cost_hour"])


def test_it_recovers_after_two_clean_windows() -> None:
    runs(10)
    one = find(1)
    work_out()
    assert states()["planner", ""].state == "critical"
    findings.dismiss("default", one.fingerprint)
    work_out(minutes=4)
    held = states()["planner", ""]
    assert (held.state, held.reasons) == ("critical", ["loop: 1 of 10 runs of the last hour (10%)"])
    work_out(minutes=11)
    assert states()["planner", ""].state == "healthy"
    since, until = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    assert [state for _, state, _ in health.over_time("default", "planner", since, until)] == [
        "critical", "critical", "healthy",
    ]  # fmt: skip


def test_findings_about_windows_count_for_a_day() -> None:
    runs(10)
    find(detector="tool_error_rate", severity="warning")
    work_out()
    assert states()["planner", ""].state == "degraded"
    assert states()["planner", ""].reasons == ["tool_error_rate: tool_error_rate of 0"]


def test_too_few_runs_are_unknown() -> None:
    runs(3)
    work_out()
    assert states()["planner", ""].state == "unknown"


def verdict(by: str, value: str) -> verdicts.Verdict:
    return verdicts.verdict("default", by, value)


def test_verdicts_on_a_trace() -> None:
    runs(3)
    assert verdict("trace_id", f"{1:032x}") == verdicts.Verdict("continue", [], 0.001, 1)
    find(1, severity="warning")
    assert verdict("trace_id", f"{1:032x}").verdict == "warn"
    find(2, detector="context_growth")
    assert verdict("trace_id", f"{2:032x}").verdict == "warn"
    looped = find(3)
    found = verdict("trace_id", f"{3:032x}")
    assert (found.verdict, found.reasons, found.steps) == ("halt", ["loop: loop of 3"], 1)
    assert verdict("session_id", "s3").verdict == "halt"
    assert verdict("session_id", "s1").verdict == "warn"
    findings.dismiss("default", looped.fingerprint)
    assert verdict("trace_id", f"{3:032x}").verdict == "continue"


def test_an_agent_halts_only_when_all_its_running_traces_do() -> None:
    for trace in (1, 2):  # their roots are still to come
        write(llm(2, trace=trace, parent=1, agent="planner", start=AGO))
    find(1)
    assert verdict("agent", "planner").verdict == "warn"
    find(2)
    assert verdict("agent", "planner").verdict == "halt"


def test_halting_can_be_switched_off_for_an_agent() -> None:
    project = Project.objects.get_or_create(slug="default")[0]
    runs(1)
    find(1)
    DetectorSettings.objects.create(project=project, detector="loop", agent="planner", halts=False)
    assert verdict("trace_id", f"{1:032x}").verdict == "warn"


def test_an_unknown_run_and_a_store_that_is_away_let_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict("trace_id", "f" * 32) == verdicts.Verdict("continue", [], None, 0)

    def away(*_: Any) -> Any:
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(reading, "standings", away)
    found = verdict("trace_id", "f" * 32)
    assert (found.verdict, found.reasons) == ("continue", ["No judgement: The store does not answer."])
