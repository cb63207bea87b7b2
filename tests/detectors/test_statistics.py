"""Formulas of the detectors' statistics against SciPy and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tracestore.detectors.statistics.beta_binomial import intra_class, tail, wilson
from tracestore.detectors.statistics.cusum import rising
from tracestore.detectors.statistics.multiplicity import benjamini_hochberg
from tracestore.detectors.statistics.robust import centre_and_scale
from tracestore.detectors.statistics.season import rolling, same_hours, usual


@given(
    total=st.integers(1, 200),
    share=st.floats(0, 1),
    mean=st.floats(0.001, 0.9),
    concentration=st.floats(0.5, 500),
)
def test_the_tail_is_scipys(total, share, mean, concentration):
    hits = round(share * total)
    expected = stats.betabinom.sf(hits - 1, total, mean * concentration, (1 - mean) * concentration)
    assert tail(hits, total, mean, concentration) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_tail_of_very_many_calls_is_that_of_the_share_itself():
    # With a million calls the beta's own tail is all that is left.
    assert tail(100_000, 1_000_000, 0.05, 60) == pytest.approx(stats.beta.sf(0.1, 3, 57), rel=0.01)


def test_correlation_of_calls_is_found_again():
    random = np.random.default_rng(1)
    concentration, mean = 30, 0.2
    n = np.full((1, 4000), 40.0)
    k = random.binomial(40, random.beta(mean * concentration, (1 - mean) * concentration, (1, 4000))).astype(float)
    surplus, weight = intra_class(np.array([4000.0]), k.sum(1), n.sum(1), (k**2 / n).sum(1), k.sum(1) / n.sum(1))
    assert surplus[0] / weight[0] == pytest.approx(1 / 31, rel=0.1)


def test_wilson_by_hand():
    low, high = wilson(8, 10)
    assert (low, high) == pytest.approx(tuple(stats.binomtest(8, 10).proportion_ci(0.95, method="wilson")), abs=1e-9)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_discoveries_are_scipys(p_values):
    values = np.array(p_values)
    ours = benjamini_hochberg(values, 0.05)
    theirs = stats.false_discovery_control(values) <= 0.05
    # SciPy divides and multiplies: ties at the line may fall either way.
    clear = np.abs(stats.false_discovery_control(values) - 0.05) > 1e-9
    assert (ours == theirs)[clear].all()


def test_more_questions_allow_fewer_discoveries():
    values = np.array([0.001, 0.02])
    assert benjamini_hochberg(values, 0.05).tolist() == [True, True]
    assert benjamini_hochberg(values, 0.05, asked=10).tolist() == [True, False]
    assert benjamini_hochberg(values, 0.05, asked=1000).tolist() == [False, False]


def test_scale_ignores_a_wild_value_and_keeps_a_floor():
    centre, scale = centre_and_scale(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, np.nan], [7.0] * 6]), floor=0.5, sd_share=0)
    assert centre.tolist() == [3.0, 7.0]
    assert scale.tolist() == pytest.approx([1.4826, 0.5])


def test_the_same_hours_are_of_the_same_kind_of_day():
    monday = 20458 * 24
    earlier = same_hours(monday, 14 * 24)
    # The second Tuesday at 05:00: Monday of that week, then the days of the week before from Friday back.
    assert earlier[8 * 24 + 5].tolist()[:6] == [7 * 24 + 5, 4 * 24 + 5, 3 * 24 + 5, 2 * 24 + 5, 24 + 5, 5]
    # The second Saturday: only the first Sunday and Saturday.
    assert earlier[12 * 24].tolist()[:3] == [6 * 24, 5 * 24, -1]


def test_usual_leaves_out_the_largest_and_what_is_unknown():
    values = np.array([[1.0, 2.0, 100.0, 3.0, 50.0, 0.0]])
    known = np.array([[True, True, True, True, False, True]])
    mean, count = usual(values, np.array([[0, 1, 2, 3, 4]]), known)
    assert mean[0, 0] == 2.0
    assert count[0, 0] == 4
    assert np.isnan(usual(values, np.array([[0, 1, -1]]), known)[0][0, 0])


def test_rolling_sums():
    assert rolling(np.array([[1.0, 2, 3, 4]]), 3).tolist() == [[1, 3, 6, 9]]


def test_cusum_crosses_by_hand_and_starts_anew():
    # Reference 0 +- 1 (MAD 1, scale 1.4826), then 3: (3/1.4826 - .75) = 1.27 a step, over 4 at the fourth.
    values = [-1, 0, 1, -1, 0, 1, -1, 1] + [3.0] * 20
    found = rising(values, reference=8, slack=0.75, threshold=4, floor=0.05)
    assert [(one.at, one.since, one.level) for one in found] == [(11, 8, 3.0)]
    assert rising([0.0, 1.0] * 30, reference=8, slack=0.75, threshold=4, floor=0.05) == []
