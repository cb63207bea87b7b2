"""How long to wait before something is tried again. Pure but for chance."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

SHORTEST_S: Final = 5.0
LONGEST_S: Final = 600.0
#: Parts of the wait that chance adds or takes, so that channels of one receiver do not come back together.
JITTER: Final = 0.2


def wait(failures: int, after_s: float | None = None) -> timedelta:
    """After so many failures in a row (from 1): 5 s, 10 s, 20 s, … 10 minutes, each a fifth more or less by chance.

    Never shorter than `after_s`, which the receiver asked for.
    """
    doubled = min(SHORTEST_S * 2 ** min(max(failures - 1, 0), 16), LONGEST_S)
    shaken = doubled * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (no secret)
    return timedelta(seconds=max(min(shaken, LONGEST_S), after_s or 0.0))
