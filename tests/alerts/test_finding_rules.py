"""Which tool a finding is about, what changed, when an alert over findings ends. Without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracestore.alerts import finding_rules
from tracestore.alerts.alert_states import fingerprint
from tracestore.alerts.conditions.finding_tools import tool_of
from tracestore.alerts.what_changed import said
from tracestore.clickhouse.alerting.problems import First
from tracestore.clickhouse.alerting.said import Problem, Said

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = 10**9


@pytest.mark.parametrize(
    ("detector", "key", "evidence", "expected"),
    [
        ("loop", "search", {}, "search"),
        ("loop", "search #2", {}, "search"),
        ("loop", "fetch+search", {}, ""),
        ("loop", "answer", {}, ""),
        ("loop", "hand-over cook+planner", {"agents": ["cook", "planner"]}, ""),
        ("retry_storm", "search", {"provider": False}, "search"),
        ("retry_storm", "search #3", {"provider": False}, "search"),
        ("retry_storm", "gpt-4o", {"provider": True}, ""),
        ("retry_storm", "share:search", {"name": "search"}, "search"),
        ("tool_error_rate", "search", {"tool": "search"}, "search"),
        ("error_cascade", "end of run", {"tools": ["fetch", "search"]}, ""),
        ("error_cascade", "end of run", {"tools": ["fetch"]}, "fetch"),
        ("error_cascade", "outage:search", {"tool": "search"}, "search"),
        ("error_cascade", "outage:*", {"tool": ""}, ""),
        ("empty_retrieval", "kb", {"retrievers": ["kb"]}, "kb"),
        ("empty_retrieval", "kb+wiki", {"retrievers": ["kb", "wiki"]}, ""),
        ("empty_retrieval", "share:kb", {}, "kb"),
        ("latency_regression", "tool search", {}, "search"),
        ("latency_regression", "model gpt-4o", {}, ""),
        ("semantic_drift", "drift", {}, ""),
        ("a_plug_in", "whatever", {"tool": "search"}, "search"),
        ("a_plug_in", "whatever", {"tool": ["search"]}, ""),
    ],
)
def test_the_tool_of_a_finding(detector: str, key: str, evidence: dict[str, Any], expected: str) -> None:
    assert tool_of(detector, key, evidence) == expected


def one(ago: float = 0, trace: int = 1, **fields: Any) -> Said:
    at = NOW - timedelta(seconds=ago)
    ns = int(at.timestamp()) * SECOND
    given: dict[str, Any] = {
        "id": f"f{trace}", "severity": "warning", "agent": "planner", "trace_id": f"{trace:032x}", "first_ns": ns,
        "last_ns": ns, "seen": at, "wasted_usd": 0.1, "wasted_tokens": 10, "cause": "tool", "span_id": "a" * 16,
        "title": "It failed", "explanation": "", "evidence": {},
    }  # fmt: skip
    return Said(**{**given, **fields})


def problem(*found: Said, **fields: Any) -> Problem:
    given = {"project": "default", "fingerprint": "f" * 16, "detector": "loop", "key": "search"}
    return Problem(**{**given, **fields}, findings=found)


@pytest.mark.parametrize(
    ("ago", "going", "clean_ago", "expected"),
    [
        (299, False, None, False),
        (300, False, None, True),
        (5_000, True, None, False),
        (10, False, 19, False),
        (10, False, 20, True),
        (10, True, 20, False),
    ],
)
def test_when_an_alert_over_runs_ends(ago: int, going: bool, clean_ago: int | None, expected: bool) -> None:
    clean = NOW - timedelta(seconds=clean_ago) if clean_ago is not None else None
    found = (one(ago),)
    assert finding_rules.over(problem(*found), found, 300, NOW, going=going, clean_end=clean) is expected


@pytest.mark.parametrize("detector", ["tool_error_rate", "latency_regression", "semantic_drift"])
def test_what_is_said_of_windows_stays_two_hours(detector: str) -> None:
    """Some name a trace as an example: that it is over says nothing."""
    trace = "" if detector == "tool_error_rate" else "a" * 32
    for ago, over in ((7_199, False), (7_200, True)):
        found = (one(ago, trace_id=trace),)
        stood = problem(*found, detector=detector)
        assert finding_rules.over(stood, found, 60, NOW, going=False, clean_end=NOW - timedelta(hours=1)) is over


def test_a_cost_anomaly_names_the_user_or_model() -> None:
    seen = one(evidence={"kind": "user", "name": "ada"}, explanation="Dear.", agent="")
    labels = finding_rules.labels(problem(seen, detector="cost_anomaly", key="user:ada"), seen)
    assert labels == {"detector": "cost_anomaly", "user": "ada", "cause": "tool", "problem": "f" * 16}


def test_the_worst_is_told_and_all_are_counted() -> None:
    found = (one(0, 1), one(10, 2, severity="critical", title="It broke", wasted_usd=1.0), one(20, 2, id="g"))
    facts = finding_rules.facts(problem(*found), found, {}, NOW)
    assert (facts.title, facts.run_count, facts.wasted_tokens) == ("It broke", 2, 30)
    assert facts.wasted_usd == pytest.approx(1.2)
    assert facts.evidence[0].finding_id == "f2"
    assert [run.trace_id[-1] for run in facts.runs] == ["1", "2"]


def first(kind: str, value: str, began: int, last: int = 100) -> First:
    return First(kind, value, began * SECOND, last * SECOND)


def test_a_version_is_told_with_the_one_before_it() -> None:
    seen = [first("version", "1", 0, 50), first("version", "0", 0, 10), first("version", "2", 60)]
    assert said("planner", seen, 100 * SECOND) == ["planner runs version 2 since 1970-01-01 00:01 UTC, before 1."]


def test_what_came_after_the_problem_or_was_always_there_did_not_change_it() -> None:
    seen = [first("version", "1", 0), first("version", "2", 60), first("model", "m", 0)]
    assert said("planner", seen, 50 * SECOND) == []


def test_a_fingerprint_is_of_the_rule_and_what_tells_alerts_apart() -> None:
    given = {"agent": "a", "tool": "b"}
    assert fingerprint(1, given) == fingerprint(1, dict(reversed(given.items())))
    others = [fingerprint(2, given), fingerprint(1, {"agent": "b", "tool": "a"}), fingerprint(1, {"agent": "a"}),
              fingerprint(1, {"agent": "a\"], [\"tool\", \"b"})]  # fmt: skip
    assert len({*others, fingerprint(1, given)}) == 5
