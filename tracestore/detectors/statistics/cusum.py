"""Sums that remember: small lasting changes that no single value shows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np


class Crossing(NamedTuple):
    """At `at` the sum crossed its threshold; the change began about at `since`. Positions in the values given."""

    at: int
    since: int
    reference: float
    level: float


def rising(
    values: Sequence[float], *, reference: int, slack: float, threshold: float, floor: float, clip: float = 4.0
) -> list[Crossing]:
    """One-sided CUSUM (Page 1954) of values standardised by the first `reference` of them, which it starts anew after
    each crossing from where the change began.

    C = max(0, C + min((x - median) / s, clip) - slack), s = max(1.4826 MAD, .7 sd, floor), crossing at C > threshold.
    """
    found: list[Crossing] = []
    start = 0
    while len(values) - start > reference:
        first = np.asarray(values[start : start + reference], dtype=float)
        middle = float(np.median(first))
        scale = max(1.4826 * float(np.median(np.abs(first - middle))), 0.7 * float(first.std()), floor)
        total, since = 0.0, start + reference
        for position in range(start + reference, len(values)):
            if total == 0:
                since = position
            total = max(0.0, total + min((values[position] - middle) / scale, clip) - slack)
            if total > threshold:
                found.append(Crossing(position, since, middle, median(values[since : position + 1])))
                start = since
                break
        else:
            return found
    return found
