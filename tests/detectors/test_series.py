"""The series engine: what it calls odd, and that it looks only at the past."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.detectors.series.engine import Scorer, per_day, scaled
from tracestore.detectors.series.forecast import Forecast
from tracestore.detectors.series.running import Moments, SortedWindow

MINUTES_5 = 300 * 10**9


def scores(values: list[float], step: int = MINUTES_5) -> list[float]:
    scorer = Scorer()
    return [scorer.score(index * step, value) for index, value in enumerate(values)]


def daily(days: int, seed: int = 1) -> list[float]:
    """A day's wave with noise, a value every five minutes."""
    draw = random.Random(seed)
    return [10 + 4 * math.sin(2 * math.pi * i / 288) + draw.gauss(0, 0.3) for i in range(days * 288)]


def test_a_spike_above_everything_seen_is_an_alarm_and_its_echo_is_not() -> None:
    values = daily(4)
    values[900] = 60
    values[905] = 62
    found = scores(values)
    assert found[900] >= 0.5
    assert max(found[901:960]) < 0.5


def test_a_level_that_stays_inside_the_range_seen_is_found() -> None:
    draw = random.Random(5)
    values = [draw.gauss(0, 1) for _ in range(1500)]
    values[50], values[60] = 9.0, -9.0
    shifted = [*values[:1200], *(value + 4 for value in values[1200:])]
    assert max(shifted[1200:1230]) < 9.0
    assert max(scores(shifted)[1200:1230]) >= 0.5
    assert max(scores(values)[1200:1230]) < 0.5


def test_a_healthy_wave_is_quiet_after_its_first_day() -> None:
    found = scores(daily(8))
    assert sum(score >= 0.5 for score in found[288:]) <= 1


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=120))
def test_any_series_has_scores_between_0_and_1(values: list[float]) -> None:
    assert all(0.0 <= score <= 1.0 for score in scores(values))


@given(st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=90), st.integers(0, 39))
def test_a_score_sees_only_the_past(values: list[float], cut: int) -> None:
    assert scores(values)[: cut + 1] == scores(values[: cut + 1])


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.integers(1, 20))
def test_a_sorted_window_has_the_medians_of_its_last_values(values: list[float], size: int) -> None:
    window = SortedWindow(size)
    for value in values:
        window.push(value)
    last = sorted(values[-size:])
    middle = (last[(len(last) - 1) // 2] + last[len(last) // 2]) / 2
    assert window.values == last
    assert window.median() == pytest.approx(middle)
    away = sorted(abs(value - middle) for value in last)
    assert window.deviation(middle) == pytest.approx(away[(len(away) - 1) // 2])


def test_moments_are_those_of_all_values_and_fade_with_a_memory() -> None:
    plain, fading = Moments(), Moments(memory=20)
    for value in [1.0] * 200 + [5.0] * 200:
        plain.push(value)
        fading.push(value)
    assert plain.mean == pytest.approx(3.0)
    assert plain.deviation == pytest.approx(2.0)
    assert fading.mean == pytest.approx(5.0, abs=0.01)


def test_the_forecast_turns_to_yesterday_where_days_repeat() -> None:
    forecast = Forecast(per_day=24)
    for hour in range(24 * 20):
        forecast.push(100.0 if hour % 24 == 9 else 1.0)
    for _ in range(9):
        forecast.push(1.0)
    assert forecast.predict() == 100.0


def test_points_in_a_day_come_from_the_usual_distance() -> None:
    assert per_day([i * MINUTES_5 for i in range(30)]) == 288
    assert per_day([0, 0, 0]) == 0
    assert per_day([i * 86_400 * 10**9 for i in range(30)]) == 0


def test_scaling_keeps_the_order_and_puts_the_alarm_at_a_half() -> None:
    sums = [i / 100 for i in range(101)]
    assert [scaled(s) for s in sums] == sorted(scaled(s) for s in sums)
    assert scaled(0.165) == 0.5
    assert scaled(1.0) == 1.0
