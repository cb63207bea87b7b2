"""Whether a set of days differs from the days before: a classifier two-sample test, calibrated on own days.

A classifier learns to tell the runs of the tested days from earlier ones and is asked about days that it
did not see (Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", 2017). What only one day said
does not help it then. Three figures of its answers are compared with what the same test gives when blocks
of the *earlier* days are tested against the rest: agents' work differs from week to week anyway, and
textbook p-values take that for drift.

- `middle`: how far the tested runs' mean answer lies above the earlier ones';
- `order`: the share of pairs that it orders rightly (AUC);
- `top`: the mean of the fifth of tested runs that differ most: a change of a part of the runs.

The classifier is kernel ridge regression, so that a fold is one linear system and a whole calibrated test
takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy  # its parts load when they are first used, not in every process that lists detectors

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

FOLDS: Final = 5
#: Weight of the plain features beside the words, and of the ridge.
FEATURE_WEIGHT: Final = 0.15
RIDGE: Final = 1.0
#: The smallest deviation of daily means that is believed: one run with something new is no change.
LEAST: Final = 0.1
#: Blocks of earlier days that make up the null at most.
MOST_BLOCKS: Final = 14


@dataclass(frozen=True, slots=True)
class Compared:
    """`scores` of the tested and the earlier runs (deviations above the mean of earlier ones), and z by figure."""

    scores: Floats
    z: dict[str, float]
    order: float
    blocks: int


class Kernel:
    """Similarity of all pairs of runs: words (sparse rows of length 1, or None) and features."""

    def __init__(self, words: Any, features: Floats) -> None:
        self.values = np.asarray(FEATURE_WEIGHT**2 * (features @ features.T) + 1.0, dtype=np.float64)
        if words is not None:
            self.values += (words @ words.T).toarray()

    def answers(self, rows: np.ndarray[Any, Any], tested: Flags, days: np.ndarray[Any, Any]) -> Floats:
        """Of each run, by a classifier that saw none of its fold's days: deviations above earlier runs' mean."""
        values = self.values[np.ix_(rows, rows)]
        target = np.where(tested, 1.0, -1.0)
        share = tested.mean()
        ease = RIDGE * np.where(tested, share, 1 - share) * 2
        fold = folds(tested, days)
        found = np.zeros(len(rows))
        for number in range(fold.max() + 1):
            asked = fold == number
            learnt = ~asked
            if not (asked & ~tested).any() or not (learnt & tested).any():
                continue
            weights = np.linalg.solve(values[np.ix_(learnt, learnt)] + np.diag(ease[learnt]), target[learnt])
            answer = values[np.ix_(asked, learnt)] @ weights
            usual = answer[~tested[asked]]
            found[asked] = (answer - usual.mean()) / max(float(usual.std()), 1e-9)
        return found


def folds(tested: Flags, days: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A number for each run: whole days stay together, and every fold has days of both kinds."""
    found = np.zeros(len(days), dtype=int)
    count = max(2, min(FOLDS, len(np.unique(days[tested])), len(np.unique(days[~tested]))))
    for kind in (tested, ~tested):
        for place, day in enumerate(np.unique(days[kind])):
            found[kind & (days == day)] = place % count
    return found


def figures(scores: Floats, tested: Flags) -> dict[str, float]:
    of_tested, of_earlier = scores[tested], scores[~tested]
    ranks = scipy.stats.rankdata(scores)[tested].sum()
    count, others = len(of_tested), len(of_earlier)
    top = np.sort(of_tested)[-max(1, count // 5) :]
    return {
        "middle": float(of_tested.mean() - of_earlier.mean()),
        "order": float((ranks - count * (count + 1) / 2) / (count * others)),
        "top": float(top.mean()),
    }


def compare(kernel: Kernel, days: np.ndarray[Any, Any], tested: Flags) -> Compared | None:
    """The tested runs against the others; None when the earlier days are too few to calibrate on."""
    every = np.arange(len(days))
    scores = kernel.answers(every, tested, days)
    now = figures(scores, tested)
    earlier = every[~tested]
    null = [
        figures(kernel.answers(earlier, block, days[earlier]), block)
        for block in blocks(days[earlier], len(np.unique(days[tested])))
    ]
    if len(null) < 4:
        return None
    z = {}
    for name, value in now.items():
        usual = np.array([one[name] for one in null])
        spread = max(float(usual.std(ddof=1)), 1e-6) * float(np.sqrt(1 + 1 / len(null)))
        z[name] = (value - float(usual.mean())) / spread
    return Compared(scores, z, now["order"], len(null))


def blocks(days: np.ndarray[Any, Any], length: int) -> Iterator[Flags]:
    """Blocks of consecutive active days, evenly spread; at most half of the days, so that a rest is left."""
    active = np.unique(days)
    length = min(length, len(active) // 2)
    starts: Sequence[int] = range(len(active) - length + 1)
    step = max(1, -(-len(starts) // MOST_BLOCKS))
    for start in starts[::step]:
        yield np.isin(days, active[start : start + length])


def day_level(features: Floats, days: np.ndarray[Any, Any], tested: Flags) -> tuple[Floats, Floats]:
    """t and two-sided p (Bonferroni over features) of each feature between daily means; deviations of earlier days."""
    daily = np.array([features[days == day].mean(axis=0) for day in np.unique(days)])
    is_tested = np.array([bool(tested[days == day].any()) for day in np.unique(days)])
    before, after = daily[~is_tested], daily[is_tested]
    spread = np.maximum(before.std(axis=0, ddof=1), LEAST)
    t = (after.mean(axis=0) - before.mean(axis=0)) / (spread * np.sqrt(1 / len(before) + 1 / len(after)))
    p = np.minimum(2 * scipy.stats.t.sf(np.abs(t), len(before) - 1) * features.shape[1], 1.0)
    return np.asarray(t), np.asarray(p)
