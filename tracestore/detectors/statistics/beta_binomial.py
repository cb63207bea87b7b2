"""Shares of counts when the share itself varies from hour to hour and day to day.

A binomial tail takes every failure for an independent coin. Failures come in clumps, so it cries wolf;
the beta-binomial adds one number, the correlation of two calls of the same block.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy  # its parts load when they are first used, not in every process that lists detectors
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Above this many calls counts are scaled down: the share's own variation is then all that matters.
MOST_CALLS: Final = 20_000


def tail(hits: int, total: int, mean: float, concentration: float) -> float:
    """P[X >= hits], X beta-binomial of `total` calls with Beta(mean * concentration, (1 - mean) * concentration).

    `mean` within (0, 1), `concentration` > 0; 0 <= hits <= total. Exact up to `MOST_CALLS` calls.
    """
    if hits <= 0:
        return 1.0
    if total > MOST_CALLS:
        hits, total = round(hits * MOST_CALLS / total), MOST_CALLS
    a, b = mean * concentration, (1 - mean) * concentration
    k = np.arange(hits, total + 1)
    gammaln, betaln = scipy.special.gammaln, scipy.special.betaln
    log = gammaln(total + 1) - gammaln(k + 1) - gammaln(total - k + 1) + betaln(k + a, total - k + b) - betaln(a, b)
    return float(min(1.0, np.exp(scipy.special.logsumexp(log))))


def intra_class(blocks: Floats, hits: Floats, totals: Floats, squares: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """Moments for the correlation of two calls of one block: (surplus, weight), whose ratio estimates it.

    From E[sum (k - np)^2 / n] = p (1 - p) (B + (N - B) rho) over B blocks with N calls. `squares` is sum k^2 / n.
    Kept apart so that estimates of many series can be pooled.
    """
    spread = (squares - 2 * mean * hits + mean**2 * totals) / np.maximum(mean * (1 - mean), 1e-12)
    return spread - np.maximum(blocks - 1, 0), np.maximum(totals - blocks, 0)


def wilson(hits: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) without calls."""
    if total <= 0:
        return 0.0, 1.0
    z = float(scipy.special.ndtri(0.5 + confidence / 2))
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    return max(0.0, middle - half), min(1.0, middle + half)
