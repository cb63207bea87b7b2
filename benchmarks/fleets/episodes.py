"""The truth of a generated fleet: what was made worse, where, from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Monday 2026-01-05 00:00 UTC, in hours since the epoch.
EPOCH_HOUR: Final = 20458 * 24


@dataclass(frozen=True, slots=True)
class Episode:
    """Hours `start` (included) to `end` (excluded) of one series or of several (an outage), made worse by `size`.

    `size` is in points of the error rate (.2 = 20 points) for tools, a factor for costs. `harmless` episodes
    (a launch) are events that a detector may report, but need not.
    """

    kind: str
    series: tuple[int, ...]
    start: int
    end: int
    size: float
    harmless: bool = False
