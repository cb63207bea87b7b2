"""What makes one incident, and how alerts are told as one."""

from __future__ import annotations

import pytest

from tracestore.alerts import grouping
from tracestore.alerts.facts import Evidence, Facts, Run
from tracestore.alerts.merging import Said, merge, titled


def findings(**labels: str) -> tuple[str, ...]:
    return grouping.subject({"severity": "warning", **labels}, (), "findings", "", "1")


@pytest.mark.parametrize(
    ("labels", "subject"),
    [
        ({"agent": "a", "detector": "loop"}, ("agent", "a", "loop")),
        ({"agent": "a", "detector": "loop", "tool": "search", "cause": "tool"}, ("agent", "a", "loop")),
        ({"agent": "a", "detector": "tool_error_rate", "tool": "search"}, ("tool", "search")),
        ({"agent": "b", "detector": "tool_error_rate", "tool": "search", "cause": "tool"}, ("tool", "search")),
        ({"agent": "b", "detector": "tool_error_rate", "tool": "search", "cause": "model"},
         ("agent", "b", "tool_error_rate")),
        ({"agent": "b", "detector": "error_cascade", "tool": "search", "cause": "system"}, ("tool", "search")),
        ({"agent": "b", "detector": "error_cascade"}, ("agent", "b", "error_cascade")),
        ({"agent": "b", "detector": "retry_storm", "tool": "search", "cause": "system"}, ("tool", "search")),
        ({"agent": "b", "detector": "retry_storm", "tool": "search"}, ("agent", "b", "retry_storm")),
    ],
)  # fmt: skip
def test_what_findings_are_about(labels: dict[str, str], subject: tuple[str, ...]) -> None:
    assert findings(**labels) == subject


def test_metrics_are_of_their_rule_and_dimensions() -> None:
    labels = {"agent": "a", "rule": "x", "severity": "critical", "detector": ""}
    assert grouping.subject(labels, (), "metric", "error_rate", "7") == ("rule", "7", "agent=a")
    assert grouping.subject({}, (), "search", "", "8") == ("rule", "8")
    # A metric that says that a tool fails, for whoever asks it, is about the tool.
    assert grouping.subject({"tool": "search"}, (), "metric", "tool_error_rate", "7") == ("tool", "search")
    by_both = grouping.subject({"tool": "search", "agent": "a"}, (), "metric", "tool_error_rate", "7")
    assert by_both == ("rule", "7", "agent=a", "tool=search")


def test_a_rule_may_group_otherwise_but_never_by_severity() -> None:
    one = grouping.key({"agent": "a", "team": "x", "severity": "info"}, ["team", "severity"], "findings")
    other = grouping.key({"agent": "b", "team": "x", "severity": "critical"}, ["severity", "team"], "findings")
    assert one == other
    assert one != grouping.key({"agent": "b", "team": "y"}, ["team"], "findings")
    assert grouping.subject({"agent": "a", "detector": "loop"}, ["severity"], "findings", "", "1")[0] == "agent"


def test_keys_do_not_run_into_each_other() -> None:
    assert grouping.digest("ab", "c") != grouping.digest("a", "bc") != grouping.digest("abc")
    assert len(grouping.digest("x")) == 32


def said(number: int = 1, *, severity: str = "warning", problem: str = "", firing: bool = True, runs: int = 1,
         agent: str = "a", **facts: object) -> Said:  # fmt: skip
    made = tuple(Run(f"t{number}-{run}", at=f"2026-01-01T00:00:0{run % 10}Z") for run in range(min(runs, 20)))
    known = Facts(
        f"title {number}", run_count=runs, runs=made, evidence=(Evidence(f"e{number}", f"t{number}"),), **facts
    )  # type: ignore[arg-type]
    return Said(problem or str(number), severity, {"agent": agent, "detector": "loop"}, known, firing, number)


def test_facts_of_several() -> None:
    merged = merge([
        said(1, wasted_usd=1.0, wasted_tokens=5, usd_per_hour=2.0, first_seen="2026-01-01T00:00:01.5Z",
             last_seen="2026-01-01T00:00:03Z", changed=("new prompt",)),
        said(2, severity="critical", agent="b", wasted_usd=2.0, usd_per_hour=None, first_seen="2026-01-01T00:00:01Z",
             last_seen="2026-01-01T00:00:02Z", going_on=False, changed=("new model", "new prompt")),
        said(3, firing=False, wasted_usd=4.0, usd_per_hour=100.0),
    ])  # fmt: skip
    facts = merged.facts
    assert (merged.title, merged.severity) == ("title 2 (2 agents)", "critical")
    assert merged.labels == {"detector": "loop", "severity": "critical"}
    assert (facts.wasted_usd, facts.wasted_tokens, facts.usd_per_hour, facts.run_count) == (7.0, 5, 2.0, 3)
    assert (facts.first_seen, facts.last_seen) == ("2026-01-01T00:00:01Z", "2026-01-01T00:00:03Z")
    assert facts.going_on
    assert facts.changed == ("new model", "new prompt")
    assert facts.evidence[0].title == "e2"


def test_runs_are_bounded_and_counted() -> None:
    facts = merge([said(number, runs=15) for number in range(3)]).facts
    assert (len(facts.runs), facts.run_count) == (20, 45)
    facts = merge([said(1, runs=30), said(2, runs=1)]).facts
    assert (len(facts.runs), facts.run_count) == (20, 31)


def test_a_run_of_two_problems_is_one_run() -> None:
    one = said(1, runs=3)
    other = Said("other", "warning", {}, one.facts, True, 2)
    assert merge([one, other]).facts.run_count == 3


def test_titles_are_one_bounded_line() -> None:
    assert titled("a\nb\t c", 1) == "a b c"
    assert titled("", 0) == "Something is wrong"
    long = titled("x" * 999, 12)
    assert len(long) == 300
    assert long.endswith(" (12 agents)")


def dear(number: int, kind: str, name: str, usd: float, **facts: object) -> Said:
    """Excess cost, as the same detector tells it of an agent, a model, a user and a session."""
    labels = {"detector": "cost_anomaly", **({kind: name} if kind != "session" else {})}
    return Said(str(number), "critical", labels, Facts(name, wasted_usd=usd, **facts), True, number)  # type: ignore[arg-type]


def test_the_same_dollars_told_of_agent_model_users_and_sessions_count_once() -> None:
    merged = merge([
        dear(1, "agent", "writer", 12.75, usd_per_hour=0.5), dear(2, "model", "sonnet", 12.77, usd_per_hour=0.6),
        dear(3, "user", "u-1", 5.0, usd_per_hour=4.0), dear(4, "user", "u-2", 3.5, usd_per_hour=1.0),
        dear(5, "session", "s-1", 5.0), dear(6, "session", "s-2", 4.0),
    ])  # fmt: skip
    assert (merged.facts.wasted_usd, merged.facts.usd_per_hour) == (12.77, 5.0)
    assert merge([dear(1, "user", "u-1", 5.0), dear(2, "user", "u-2", 3.5)]).facts.wasted_usd == 8.5


def test_runs_that_loop_and_retry_waste_no_more_than_they_cost() -> None:
    def of_run(number: int, usd: float, cost: float | None, runs: int = 1) -> Said:
        facts = Facts("x", wasted_usd=usd, run_count=runs, runs=(Run("t1", cost_usd=cost),))
        return Said(str(number), "critical", {"detector": f"d{number}"}, facts, True, number)

    assert merge([of_run(1, 0.8, 1.0), of_run(2, 0.7, 1.0)]).facts.wasted_usd == 1.0
    assert merge([of_run(1, 0.2, 1.0), of_run(2, 0.3, 1.0)]).facts.wasted_usd == 0.5
    # A loop over the turns of a session names one of its traces.
    assert merge([of_run(1, 1.7, 1.0), of_run(2, 0.3, 1.0)]).facts.wasted_usd == 1.7
    # What not every run is known to have cost bounds nothing.
    assert merge([of_run(1, 0.8, None), of_run(2, 0.7, None)]).facts.wasted_usd == 1.5
    assert merge([of_run(1, 0.8, 1.0, runs=30)]).facts.wasted_usd == 0.8
