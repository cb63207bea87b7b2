"""Location and scale that a few wild values do not move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The median absolute deviation of a normal distribution times this is its standard deviation.
MAD_TO_SD = 1.4826


def centre_and_scale(values: Floats, floor: float, sd_share: float = 0.5) -> tuple[Floats, Floats]:
    """Median and scale of each row, NaN left out: max(1.4826 MAD, `sd_share` x sd, `floor`).

    The share of the standard deviation is kept because of series that stand still (MAD 0) and then jump.
    Rows without a value give NaN and NaN.
    """
    with np.errstate(all="ignore"):
        known = np.isfinite(values)
        some: NDArray[np.bool_] = np.asarray(known.any(axis=1))
        filled = np.where(some[:, None], values, 0.0)
        centre = np.nanmedian(filled, axis=1)
        scale = MAD_TO_SD * np.nanmedian(np.abs(filled - centre[:, None]), axis=1)
        scale = np.maximum(np.maximum(scale, sd_share * np.nanstd(filled, axis=1)), floor)
    return np.where(some, centre, np.nan), np.where(some, scale, np.nan)
