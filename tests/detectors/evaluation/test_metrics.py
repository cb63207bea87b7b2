"""The figures of the table, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracestore.detectors.evaluation.metrics import Counts, Figures, Item, auc, baselines, figures, of_counts


def items(*rows: tuple[bool, bool]) -> list[Item]:
    return [Item(case, truth, alarm, float(alarm), case) for case, (truth, alarm) in enumerate(rows)]


def test_precision_recall_and_f1() -> None:
    found = figures(items((True, True), (True, True), (True, False), (False, True), (False, False)))
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    low, high = found.intervals["f1"]
    assert 0 <= low < 2 / 3 < high <= 1


def test_what_is_not_defined_is_none() -> None:
    silent = figures(items((True, False), (False, False)))
    assert (silent.precision, silent.recall, silent.f1) == (None, 0, 0)
    nothing = figures(items((False, False)))
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.auc) == (None, None, None, None)
    false = figures(items((False, True), (True, False)))
    assert (false.precision, false.recall, false.f1) == (0, 0, 0)
    assert of_counts([]) == Figures()


def test_alarms_and_positives_may_be_counted_apart() -> None:
    found = of_counts([Counts(3, 4, 5, 10)])
    assert (found.precision, found.recall) == (0.75, 0.5)


def test_intervals_are_over_cases_and_the_same_each_time() -> None:
    many = [Item(0, True, True, 1.0)] * 100 + [Item(1, True, False, 0.0)] * 100 + [Item(2, False, False, 0.0)]
    assert figures(many).intervals["recall"] == (0.0, 1.0)
    assert figures(many) == figures(many)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    positive = [score for score, truth in rows if truth]
    negative = [score for score, truth in rows if not truth]
    value = auc(np.array([score for score, _ in rows]), np.array([truth for _, truth in rows]))
    if not positive or not negative:
        assert value is None
        return
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert value == pytest.approx(sum(pairs) / len(pairs))


def test_baselines_call_everything_or_the_longest_positive() -> None:
    rows = [
        Item(0, False, False, 0, 10),
        Item(1, True, False, 0, 30),
        Item(2, False, False, 0, 20),
        Item(3, True, False, 0, 40),
    ]
    found = baselines(rows)
    assert found["always"] == {"precision": 0.5, "recall": 1, "f1": 0.6667, "auc": 0.5}
    assert found["trace_length"] == {"precision": 1, "recall": 1, "f1": 1, "auc": 1}
    assert baselines([Item(0, False, False, 0, 1)])["always"]["f1"] is None
