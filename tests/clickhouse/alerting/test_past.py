"""What a rule would have told: the same as it does tell, window by window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.clickhouse.alerting.rules import finding, project, start, store
from tests.clickhouse.alerting.test_figure_rules import run
from tracestore.alerts import past
from tracestore.alerts.conditions.condition import FindingsCondition, MetricCondition, SearchCondition
from tracestore.errors import InvalidInput

pytestmark = pytest.mark.django_db


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


@pytest.fixture
def now() -> datetime:
    """At the end of windows of ten minutes, the third of which has three failed runs."""
    now = start()
    for trace in range(1, 4):
        run(trace, later(now, -3_000 + 600 * 2 + trace), status="error")
    run(9, later(now, -10))
    return now


def firings(condition: Any, now: datetime, seconds: int = 3_000, hold_s: int = 0, keep: int = 0) -> past.Past:
    return past.firings("default", condition, hold_s, keep, later(now, -seconds), now)


def test_a_metric_fired_when_it_was_beyond(now: datetime) -> None:
    found = firings(MetricCondition("error_rate", threshold=0.5, by=("agent",), window_s=600), now)
    (one,) = found.firings
    assert (one.labels, one.peak) == ({"agent": "planner"}, 1.0)
    assert (one.start, one.end) == (later(now, -1_200), later(now, -600))
    assert set(one.examples) == {f"{n:032x}" for n in (1, 2, 3)}
    assert (found.step_s, found.groups, found.complete) == (600, 1, True)
    assert [(p.at, p.value) for p in found.points] == [(later(now, -1_200), 1.0), (now, 0.0)]


def test_hold_and_keep_count(now: datetime) -> None:
    condition = MetricCondition("error_rate", threshold=0.5, window_s=600)
    assert firings(condition, now, hold_s=600).firings == []
    (one,) = firings(condition, now, keep=1_200).firings
    assert one.end == now
    (one,) = firings(condition, now, keep=1_201).firings
    assert one.end is None


def test_a_burn_rate_is_of_a_long_and_a_short_window(now: datetime) -> None:
    condition = MetricCondition("error_rate", "burn_rate", threshold=0.01, window_s=600)
    assert firings(condition, now).firings == []  # all failed at the beginning of the window
    run(4, later(now, -1_210), status="error")
    (one,) = firings(condition, now).firings
    assert (one.start, one.peak) == (later(now, -1_200), 1.0)


def test_a_search_fired_when_it_found_enough(now: datetime) -> None:
    found = firings(SearchCondition("status:error", threshold=2, window_s=600), now)
    (one,) = found.firings
    assert (one.start, one.end, one.peak) == (later(now, -1_200), later(now, -600), 3.0)
    assert len(one.examples) == 3
    with pytest.raises(InvalidInput):
        firings(SearchCondition(view=7), now)


def test_of_a_long_past_the_newest_windows_are_looked_at(now: datetime) -> None:
    found = firings(MetricCondition("error_rate", threshold=0.5, window_s=60), now, seconds=86_400)
    assert (found.complete, found.since) == (False, later(now, -60 * past.MOST_WINDOWS))
    assert len(found.firings) == 1


def test_findings_of_one_problem_make_one_firing_until_they_stop() -> None:
    now = start()
    project()
    for seconds, trace in ((-3_000, 1), (-2_900, 2), (-2_800, 3), (-1_000, 4)):
        store(now, finding(later(now, seconds), trace=trace))
    found = firings(FindingsCondition(), now, keep=300)
    assert [(one.start, one.end, one.peak) for one in found.firings] == [
        (later(now, -3_000), later(now, -2_500), 3.0), (later(now, -1_000), later(now, -700), 1.0),
    ]  # fmt: skip
    assert found.firings[0].labels["tool"] == "search"
    assert found.firings[0].examples == (f"{3:032x}", f"{2:032x}", f"{1:032x}")
    assert firings(FindingsCondition(min_count=3), now, keep=300).firings[0].start == later(now, -2_800)
    assert firings(FindingsCondition(detectors=("retry_storm",)), now).firings == []
    assert len(firings(FindingsCondition(), now, keep=300, hold_s=400).firings) == 1
    assert firings(FindingsCondition(), now, keep=3_600).firings[0].end is None
