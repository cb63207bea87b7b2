"""What is usual at this hour: the same clock time on earlier days of the same kind (weekday or week-end).

One engine for series with a rhythm. Arrays are series x hours; an hour knows only what came before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Earlier days that are compared with, at most; and how far back they may lie.
DAYS: Final = 10
REACH: Final = 28
#: The hour 0 since the epoch was a Thursday.
EPOCH_WEEKDAY: Final = 3


def rolling(values: Floats, hours: int) -> Floats:
    """Sum over the last `hours` columns, shorter at the beginning."""
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    end = np.arange(1, values.shape[1] + 1)
    return np.asarray(total[:, end] - total[:, np.maximum(end - hours, 0)])


def same_hours(first_hour: int, hours: int) -> NDArray[np.int64]:
    """For each column the columns of the same clock time on up to `DAYS` earlier days of its kind; -1 where none.

    `first_hour` is the hour since the epoch of column 0. Shape hours x DAYS.
    """
    column = np.arange(hours)
    weekend = ((first_hour + column) // 24 + EPOCH_WEEKDAY) % 7 >= 5
    back = column[:, None] - 24 * np.arange(1, REACH + 1)[None, :]
    fits = (back >= 0) & (weekend[np.maximum(back, 0)] == weekend[:, None])
    order = np.argsort(~fits, axis=1, kind="stable")[:, :DAYS]
    return np.where(np.take_along_axis(fits, order, 1), np.take_along_axis(back, order, 1), -1)


def usual(values: Floats, earlier: NDArray[np.int64], known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean of `values` over `earlier` columns (`same_hours`) that are `known`, the largest left out, and their number.

    NaN with fewer than three.
    """
    at = np.maximum(earlier, 0)
    use = known[:, at] & (earlier >= 0)[None]
    picked = np.where(use, values[:, at], 0.0)
    count = use.sum(axis=2)
    total = picked.sum(axis=2) - picked.max(axis=2)
    return np.where(count >= 3, total / np.maximum(count - 1, 1), np.nan), count.astype(float)
