"""A run beyond what its agent's runs need is runaway when it does nothing new, and long when it does."""

from __future__ import annotations

from tests.detectors.runs import Run
from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.detector import Norms, Usual
from tracestore.detectors.finding import Finding
from tracestore.detectors.runaway_run import RunawayRun, Settings

SHORT = Usual(
    runs=200, steps_p75=6, steps_p95=10, steps_iqr=2, cost_p75=0.02, cost_p95=0.05, cost_iqr=0.01, seconds_p95=1000
)
LONG = Usual(runs=40, steps_p75=230, steps_p95=260, steps_iqr=30)


def detect(run: Trajectory, norms: Norms) -> list[Finding]:
    return RunawayRun().detect(run, Settings(), norms)


def repeating(calls: int) -> Run:
    run = Run()
    for number in range(calls):
        run.step(
            "search", {"q": f"opening hours {number % 2}"}, "We are open from nine in the morning to five, every day"
        )
    return run


def productive(calls: int) -> Run:
    run = Run()
    for number in range(calls):
        run.step("read_page", {"page": number}, f"Page {number}: " + " ".join(f"fact{number}of{i}" for i in range(12)))
    return run


def test_a_run_that_repeats_itself_far_beyond_the_usual_is_critical_and_its_excess_is_wasted() -> None:
    (finding,) = detect(repeating(50).trajectory(complete=False), Norms({"support": SHORT}))
    assert (finding.severity, finding.key) == ("critical", "runaway")
    assert finding.evidence["beyond"]["steps"] == {"value": 100, "limit": 20.25, "p95": 10.0}
    assert finding.look_first == finding.span_ids[0]
    assert 0 < finding.wasted_cost_usd < 0.5
    assert "still going on" in finding.explanation


def test_a_run_that_still_finds_new_things_is_long() -> None:
    (finding,) = detect(productive(12).trajectory(), Norms({"support": SHORT}))
    assert (finding.severity, finding.key) == ("info", "long")
    assert finding.wasted_tokens == 0


def test_a_long_run_is_told_aloud_only_very_far_out() -> None:
    (finding,) = detect(productive(110).trajectory(), Norms({"support": SHORT}))
    assert (finding.severity, finding.key) == ("warning", "long")


def test_nothing_is_said_without_a_past_or_within_it() -> None:
    run = productive(110).trajectory()
    assert detect(run, Norms()) == []
    assert detect(run, Norms({"support": LONG})) == []
    assert detect(run, Norms({"support": Usual(runs=29, steps_p95=3)})) == []


def test_an_agent_with_few_runs_is_measured_against_all_agents() -> None:
    norms = Norms(fleet=Usual(runs=500, steps_p95=12))
    (finding,) = detect(repeating(30).trajectory(), norms)
    assert finding.evidence["beyond"]["steps"]["limit"] == 36
    assert "all agents" in finding.explanation
    assert detect(repeating(15).trajectory(), norms) == []


def test_time_counts_up_to_the_last_sign_of_life() -> None:
    hours = Norms({"support": Usual(runs=50, seconds_p75=40, seconds_p95=60, seconds_iqr=10)})
    run = repeating(8)
    silent = Trajectory("p", run.trace_id, tuple(run.spans), complete=False, now_ns=10 * 3600 * 10**9)
    assert detect(silent, hours) == []
    (finding,) = detect(repeating(80).trajectory(), hours)
    assert "seconds" in finding.evidence["beyond"]
