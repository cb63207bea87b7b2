"""Many questions at once: without this, false alarms grow with the size of the customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def benjamini_hochberg(p_values: NDArray[np.float64], rate: float, asked: int | None = None) -> NDArray[np.bool_]:
    """Which of the p-values are discoveries at false discovery rate `rate` (Benjamini & Hochberg 1995).

    `asked` is how many questions were asked in all, when only the small p-values are at hand.
    """
    if not p_values.size:
        return np.zeros(0, dtype=bool)
    asked = max(asked or 0, p_values.size)
    order = np.sort(p_values)
    fits = np.nonzero(order <= rate * np.arange(1, order.size + 1) / asked)[0]
    return np.asarray(p_values <= (order[fits[-1]] if fits.size else -1.0))
