"""The state of an agent: the worst part counts, worse at once, better after two clean windows."""

from __future__ import annotations

import pytest

from tracestore.analysis.health import Judged, Seen, judge, settled, worst


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (Seen(runs_day=4), "unknown"),
        (Seen(runs_day=5), "healthy"),
        (Seen(100, 100, warning_runs={"loop": 1}), "suspect"),
        (Seen(100, 100, warning_runs={"loop": 21}), "degraded"),
        (Seen(100, 100, critical_runs={"loop": 5}), "degraded"),
        (Seen(100, 100, critical_runs={"loop": 6}), "critical"),
        (Seen(0, 100, warning_windows={"tool_error_rate": "search fails"}), "degraded"),
        (Seen(0, 100, critical_windows={"cost_anomaly": "three times the usual"}), "critical"),
        (Seen(1, 1, critical_runs={"loop": 1}), "critical"),
    ],
)
def test_the_state_by_what_was_seen(seen: Seen, state: str) -> None:
    assert judge(seen).state == state


def test_reasons_come_worst_first_and_each_says_how_it_ends() -> None:
    judged = judge(Seen(100, 100, {"loop": 10}, {"stalled_run": 1}, {}, {"tool_error_rate": "search fails"}))
    assert judged.state == "critical"
    assert [reason.split(":")[0] for reason in judged.reasons] == ["loop", "tool_error_rate", "stalled_run"]
    assert judged.reasons[0] == "loop: 10 of 100 runs of the last hour (10%)"
    assert len(judged.healthy_again) == 3
    assert judge(Seen(runs_day=9)).reasons == ()


def test_it_becomes_worse_at_once_and_better_after_two_windows() -> None:
    bad = Judged("critical", ("loop",), ("no loop",))
    good = Judged("healthy")
    assert settled(bad, [("healthy", ())]) == bad
    held = settled(good, [("critical", ("loop",)), ("healthy", ())])
    assert (held.state, held.reasons) == ("critical", ("loop",))
    assert "10 minutes" in held.healthy_again[-1]
    assert settled(good, [("healthy", ()), ("unknown", ())]) == good
    assert settled(good, []) == good


def test_the_worst_of_several() -> None:
    assert worst(["healthy", "critical", "unknown"]) == "critical"
    assert worst([]) == "unknown"
