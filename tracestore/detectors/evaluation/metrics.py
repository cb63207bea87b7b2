"""Precision, recall, F1 and AUC with intervals, from what was said of each item of each case.

Intervals are 95 % percentile bootstraps over cases (Efron & Tibshirani 1993, §13.3), because the items of
one trace are not independent of each other. Seeded: the same data give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

Interval = tuple[float, float]
_Array = Any

RESAMPLES: Final = 1000
_SEED: Final = 20240


class Item(NamedTuple):
    """One thing that may be positive. `case` numbers its case; `score` ranks it; `length` is the baseline's score."""

    case: int
    truth: bool
    alarm: bool
    score: float
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """None where the data do not define a figure: no alarms, no positives, one class only."""

    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    auc: float | None = None
    intervals: dict[str, Interval] = field(default_factory=dict)


class Counts(NamedTuple):
    """Of one case: alarms that are right of all alarms, positives that were found of all positives."""

    right: int
    alarms: int
    found: int
    positives: int


def figures(items: Sequence[Item]) -> Figures:
    """All figures of items, each judged for itself."""
    found = of_counts(_counts(items))
    scores, truths, cases = (np.array(column) for column in _columns(items))
    value = auc(scores, truths)
    if value is None:
        return found
    low_high = _auc_interval(scores, truths, cases)
    return Figures(found.precision, found.recall, found.f1, value, {**found.intervals, "auc": low_high})


def of_counts(counts: Sequence[Counts]) -> Figures:
    """Figures from counts by case, for judgements that allow a distance between alarm and positive."""
    table = np.array(counts, dtype=float).reshape(-1, 4)
    names = ("precision", "recall", "f1")
    values = [_known(value) for value in _rates(table.sum(axis=0)[None, :])[:, 0]]
    weights = _weights(len(table))
    drawn = _rates(weights @ table)
    intervals = {
        name: _percentiles(draws) for name, value, draws in zip(names, values, drawn, strict=True) if value is not None
    }
    precision, recall, f1 = values
    return Figures(precision, recall, f1, None, intervals)


def _counts(items: Sequence[Item]) -> list[Counts]:
    by_case: dict[int, list[int]] = {}
    for item in items:
        row = by_case.setdefault(item.case, [0, 0, 0])
        row[0] += item.truth and item.alarm
        row[1] += item.alarm
        row[2] += item.truth
    return [Counts(hit, alarms, hit, positives) for hit, alarms, positives in by_case.values()]


def _rates(sums: _Array) -> _Array:
    """Precision, recall and F1 (rows) of sums of counts (rows); NaN where undefined."""
    right, alarms, found, positives = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = right / alarms, found / positives
        f1 = 2 * precision * recall / (precision + recall)
    silent = (alarms == 0) & (positives > 0)
    missed = (positives > 0) & (alarms > 0) & (right == 0) & (found == 0)
    return np.array([precision, recall, np.where(silent | missed, 0.0, f1)])


def auc(scores: _Array, truths: _Array, weights: _Array | None = None) -> float | None:
    """The chance that a positive scores above a negative, ties counting half (Hanley & McNeil 1982)."""
    if len(scores) == 0:
        return None
    weights = np.ones(len(scores)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weights * truths)
    negative = np.bincount(place, weights * ~truths.astype(bool), minlength=len(positive))
    below = np.concatenate([[0.0], np.cumsum(negative)[:-1]])
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else None


def best_f1(scores: _Array, truths: _Array) -> Figures:
    """Figures at the threshold that is best for these very items: what a baseline reaches at most."""
    total = int(truths.sum())
    best = Figures(auc=auc(scores, truths))
    for threshold in np.unique(scores):
        alarm = scores >= threshold
        hit = int((truths & alarm).sum())
        precision, recall = hit / int(alarm.sum()), hit / total if total else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        if best.f1 is None or f1 > best.f1:
            best = Figures(precision, recall, f1, best.auc)
    return best


def baselines(items: Sequence[Item]) -> dict[str, dict[str, float | None]]:
    """What needs no detector: calling everything positive, and calling long runs (late steps) positive.

    The length's threshold is the best for these items, which flatters it.
    """
    positives = sum(item.truth for item in items)
    share = positives / len(items) if items else 0.0
    always = Figures(share, 1.0, 2 * share / (1 + share), 0.5) if positives else Figures()
    lengths, truths = np.array([item.length for item in items]), np.array([item.truth for item in items], dtype=bool)
    by_length = best_f1(lengths, truths) if positives else Figures()
    return {"always": _plain(always), "trace_length": _plain(by_length)}


def _plain(found: Figures) -> dict[str, float | None]:
    return {
        name: rounded(value)
        for name, value in (
            ("precision", found.precision), ("recall", found.recall), ("f1", found.f1), ("auc", found.auc),
        )
    }  # fmt: skip


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _columns(items: Sequence[Item]) -> tuple[list[float], list[bool], list[int]]:
    return [item.score for item in items], [item.truth for item in items], [item.case for item in items]


def _auc_interval(scores: _Array, truths: _Array, cases: _Array) -> Interval:
    _, place = np.unique(cases, return_inverse=True)
    drawn = [auc(scores, truths, row[place]) for row in _weights(int(place.max()) + 1)]
    return _percentiles(np.array([value for value in drawn if value is not None]))


def _weights(cases: int) -> _Array:
    """How often each case was drawn in each resample."""
    if cases == 0:
        return np.zeros((RESAMPLES, 0))
    return np.random.default_rng(_SEED).multinomial(cases, np.full(cases, 1 / cases), size=RESAMPLES).astype(float)


def _percentiles(draws: _Array) -> Interval:
    known = draws[~np.isnan(draws)]
    if len(known) == 0:
        return (0.0, 1.0)
    low, high = np.percentile(known, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
