"""`latency_regression`: what is a regression, and what only looks like one."""

from __future__ import annotations

import random

import pytest

from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, LatencyHour, LatencyHours
from tracestore.detectors.latency_regression import LATENCY_REGRESSION as DETECTOR
from tracestore.detectors.latency_regression import Settings

NOW = 20_000 * DAY_NS
DAYS = 8


def hours(
    factor: dict[int, float] | None = None,
    *,
    calls: int = 60,
    slow: dict[int, float] | None = None,
    kind: str = "tool",
    name: str = "search",
    tokens: bool = False,
    seed: int = 3,
) -> list[LatencyHour]:
    """Eight days; `factor` and `slow` say, by hours before now, how much slower all or how many calls were."""
    draw = random.Random(seed)
    found = []
    for back in range(DAYS * 24, 0, -1):
        times = []
        for _ in range(calls):
            value = draw.lognormvariate(0, 0.4) * (factor or {}).get(back, 1.0)
            times.append(value * (6 if draw.random() < (slow or {}).get(back, 0.02) else 1))
        per_token = tuple(draw.lognormvariate(-4, 0.3) for _ in times) if tokens else ()
        found.append(
            LatencyHour(NOW - back * HOUR_NS, "a", kind, name, calls, tuple(times), per_token, "t", f"s{back}")
        )
    return found


def detect(rows: list[LatencyHour]) -> list[Finding]:
    return list(DETECTOR.detect(LatencyHours("p", NOW, tuple(rows)), Settings()))


def test_calls_of_a_usual_hour_are_quiet() -> None:
    assert detect(hours()) == []


def test_all_calls_slower_is_a_shift() -> None:
    (found,) = detect(hours({1: 2.2, 2: 2.2, 3: 2.2}))
    assert found.evidence["question"] == "shift"
    assert found.severity == "critical"
    assert found.evidence["median"] == pytest.approx(2.2, rel=0.25)
    assert found.look_first == "s1"
    assert "tool search" in found.title


def test_more_slow_calls_is_a_tail() -> None:
    (found,) = detect(hours(slow={1: 0.3, 2: 0.3, 3: 0.3}, calls=120))
    assert found.evidence["question"] == "tail"
    assert found.evidence["slow_share"] > 0.12


def test_one_bad_hour_waits_for_the_next() -> None:
    assert detect(hours({1: 2.2})) == []


def test_a_day_that_is_always_so_is_no_regression() -> None:
    nights = {back: 2.2 for back in range(1, DAYS * 24 + 1) if back % 24 in (1, 2, 3)}
    assert detect(hours(nights)) == []


def test_a_longer_answer_is_not_a_slower_model() -> None:
    rows = hours({1: 2.2, 2: 2.2, 3: 2.2}, kind="model", name="m", tokens=True)
    assert detect(rows) == []


def test_few_calls_are_judged_over_a_longer_window() -> None:
    (found,) = detect(hours(dict.fromkeys(range(1, 13), 2.5), calls=5))
    assert found.evidence["hours"] == 6


def test_without_a_past_nothing_is_said() -> None:
    rows = hours({1: 3.0, 2: 3.0})[-20:]
    assert detect(rows[-2:]) == []
    assert DETECTOR.coverage(LatencyHours("p", NOW, tuple(rows[-1:])), Settings()) == {"a": False}
    assert DETECTOR.coverage(LatencyHours("p", NOW, tuple(hours())), Settings()) == {"a": True}


def test_said_again_it_is_the_same_finding() -> None:
    rows = hours({1: 2.2, 2: 2.2, 3: 2.2})
    assert [f.identity("p") for f in detect(rows)] == [f.identity("p") for f in detect(rows)]
