"""Whether figures are beyond, within or clear, as properties and by examples of the SRE workbook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.alerts.conditions.condition import MetricCondition, SearchCondition
from tracestore.alerts.conditions.history import judge_history
from tracestore.alerts.conditions.judging import Observation, Reading, judge, limit, measure, multiple
from tracestore.alerts.conditions.standing import Standing, ended, step

NUMBERS = st.floats(-1e6, 1e6)
SHARES = st.floats(0, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@given(NUMBERS, NUMBERS, st.floats(0, 1e6))
def test_above_is_beyond_the_threshold_within_down_to_clear_and_clear_below(
    value: float, top: float, band: float
) -> None:
    condition = MetricCondition("latency_p95", threshold=top, clear=top - band)
    reading = judge(condition, Observation(value, 10))
    assert reading == ("beyond" if value > top else "within" if value > top - band else "clear")


@given(NUMBERS, NUMBERS, st.floats(0, 1e6))
def test_below_is_the_mirror_of_above(value: float, threshold: float, band: float) -> None:
    below = MetricCondition("latency_p95", "below", threshold, threshold + band)
    above = MetricCondition("latency_p95", "above", -threshold, -(threshold + band))
    assert judge(below, Observation(value, 10)) == judge(above, Observation(-value, 10))


@given(SHARES, st.integers(0, 50), st.integers(1, 50))
def test_too_few_are_never_beyond(value: float, volume: int, least: int) -> None:
    condition = MetricCondition("error_rate", threshold=-1.0, min_volume=least)
    assert (judge(condition, Observation(value, volume)) == "beyond") == (volume >= least)


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 10))
def test_a_change_is_relative_and_has_two_directions(value: float, before: float, share: float) -> None:
    seen = Observation(value, 5, before, 5)
    change = measure(MetricCondition("cost_usd", "change_above"), seen)
    assert change == pytest.approx((value - before) / before)
    up = judge(MetricCondition("cost_usd", "change_above", share), seen)
    down = judge(MetricCondition("cost_usd", "change_below", share), seen)
    assert (up == "beyond") == (value / before - 1 > share)
    assert (down == "beyond") == (1 - value / before > share)


def test_a_fall_to_nothing_is_minus_a_hundred_percent() -> None:
    condition = MetricCondition("runs", "change_below", 0.5, min_volume=5)
    assert judge(condition, Observation(None, 0, 10.0, 10)) == "beyond"
    assert judge(condition, Observation(None, 0, 4.0, 4)) == "clear"
    assert judge(condition, Observation(None, 0, None, 0)) == "within"
    # A rate of nothing is no rate.
    assert judge(MetricCondition("error_rate", "change_below", 0.5), Observation(None, 0, 0.9, 10)) == "clear"


def test_a_change_from_nothing_says_nothing() -> None:
    assert judge(MetricCondition("cost_usd", "change_above", 0.5), Observation(9.0, 9, None, 0)) == "clear"
    assert judge(MetricCondition("cost_usd", "change_above", 0.5), Observation(9.0, 9, 0.0, 9)) == "clear"


@pytest.mark.parametrize(
    ("volume", "before", "expected"), [(0, 5, "beyond"), (0, 4, "within"), (0, 0, "within"), (1, 5, "clear")]
)
def test_absent_is_nothing_where_enough_was(volume: int, before: int, expected: Reading) -> None:
    condition = MetricCondition("runs", "absent", min_volume=5)
    assert judge(condition, Observation(None, volume, None, before)) == expected


def test_fewer_than_a_count_may_be_none() -> None:
    condition = MetricCondition("runs", "below", 5, min_volume=3)
    assert judge(condition, Observation(None, 0, 3.0, 3)) == "beyond"
    assert judge(condition, Observation(None, 0, 2.0, 2)) == "clear"
    assert judge(condition, Observation(None, 0, None, 0)) == "within"
    assert judge(SearchCondition("x", compare="below", threshold=1), Observation(0.0)) == "beyond"


@pytest.mark.parametrize(
    ("window", "times"), [(3_600, 14.4), (300, 14.4), (6 * 3_600, 6), (86_400, 3), (3 * 86_400, 1)]
)
def test_budgets_burn_by_the_workbook(window: int, times: float) -> None:
    """14.4 over an hour is 2 % of a month's budget, 6 over six hours 5 %, 1 over three days 10 %."""
    assert multiple(window) == times


@given(SHARES, SHARES, st.floats(0.0001, 0.5), st.sampled_from([3_600, 21_600, 86_400, 259_200]))
def test_a_burn_rate_needs_both_windows(long: float, short: float, budget: float, window: int) -> None:
    condition = MetricCondition("error_rate", "burn_rate", budget, window_s=window)
    reading = judge(condition, Observation(long, 10, short=short, volume_short=3))
    most = limit(condition)
    assert most == min(budget * multiple(window), 1.0)
    assert reading == ("beyond" if long >= most and short >= most else "clear")


def test_a_burn_rate_without_anything_lately_is_clear() -> None:
    condition = MetricCondition("error_rate", "burn_rate", 0.01, window_s=3_600)
    assert judge(condition, Observation(0.9, 10, short=None)) == "clear"


READINGS = st.lists(st.sampled_from(["beyond", "within", "clear"]), max_size=60)


def followed(readings: list[Any], hold_s: int, keep_s: int) -> list[tuple[datetime, Reading, Standing | None]]:
    found: list[tuple[datetime, Reading, Standing | None]] = []
    standing: Standing | None = None
    for number, reading in enumerate(readings):
        now = START + timedelta(seconds=10 * number)
        standing = step(standing, reading, now, hold_s=hold_s, keep_firing_s=keep_s)
        found.append((now, reading, standing))
    return found


@given(READINGS, st.integers(0, 60), st.integers(0, 60))
def test_an_alert_fires_only_after_it_held_and_ends_only_after_it_was_gone(
    readings: list[Any], hold_s: int, keep_s: int
) -> None:
    before: Standing | None = None
    so: list[datetime] = []
    for now, reading, standing in followed(readings, hold_s, keep_s):
        if reading != "clear":
            so.append(now)
        was, is_now = before.state if before else "", standing.state if standing else ""
        if is_now == "firing" and was != "firing":
            assert standing is not None
            assert reading == "beyond"
            assert now - standing.since >= timedelta(seconds=hold_s)
        if was == "firing" and is_now != "firing":
            assert (is_now, reading) == ("resolved", "clear")
            assert now - so[-1] >= timedelta(seconds=keep_s)
        if reading == "within":
            # Nothing but the time of the last evidence of a firing one.
            assert was == is_now
        if was == "resolved" and is_now == "resolved":
            assert standing is before
        if is_now == "resolved":
            assert standing is not None
            assert standing.resolved_at is not None
        before = standing


@given(READINGS)
def test_a_step_done_twice_is_a_step(readings: list[Any]) -> None:
    for now, reading, standing in followed(readings, 20, 20):
        if standing is not None and (standing.state != "resolved" or reading != "beyond"):
            again = step(standing, reading, now, hold_s=20, keep_firing_s=20)
            assert again == standing


def test_what_is_over_may_begin_anew() -> None:
    first = step(None, "beyond", START)
    assert first is not None
    over = ended(first, START + timedelta(seconds=5))
    assert (over.state, over.fired_at) == ("resolved", START)
    assert ended(over, START + timedelta(seconds=9)) is over
    anew = step(over, "beyond", START + timedelta(seconds=20), hold_s=10)
    assert (anew.state, anew.since, anew.fired_at) == ("pending", START + timedelta(seconds=20), None)


@given(st.lists(st.integers(0, 6), max_size=40))
def test_history_is_what_was_beyond_until_it_was_clear(values: list[int]) -> None:
    condition = MetricCondition("runs", threshold=4, clear=2)
    series = [(START + timedelta(minutes=n), Observation(float(v), max(v, 1))) for n, v in enumerate(values)]
    stretches = judge_history(condition, series)
    fired = False
    for (at, _), value in zip(series, values, strict=True):
        fired = value > 4 or (fired and value > 2)
        inside = any(one.start <= at and (one.end is None or at < one.end) for one in stretches)
        assert inside == fired
    for one in stretches:
        of_it = [seen.value for at, seen in series if one.start <= at and (one.end is None or at < one.end)]
        assert one.peak == max(of_it)
        assert one.at >= one.start
