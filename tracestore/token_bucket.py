"""A token bucket: what may come in each second, and what at once after a pause. No I/O; the clock is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]


class Bucket:
    """`rate` tokens come in each second, up to `capacity`; taking more than there are makes debt."""

    __slots__ = ("_at", "_clock", "_level", "capacity", "rate")

    def __init__(self, rate: float, capacity: float, clock: Clock) -> None:
        self.rate = rate
        self.capacity = capacity
        self._clock = clock
        self._at = clock()
        self._level = capacity

    def wait(self) -> float:
        """Seconds until there is a whole token; 0 when there is one. Of a small share, all of it will do."""
        missing = min(1.0, self.capacity) - self._now()
        return max(0.0, missing / self.rate)

    def take(self, number: int) -> None:
        self._level = self._now() - number

    def is_full(self) -> bool:
        """Whether it is as if it had just been made: nothing is lost by forgetting it."""
        return self._now() >= self.capacity

    def become(self, rate: float, capacity: float) -> None:
        """The limit was changed: what has come in so far stays, debt too."""
        self._level = min(self._now(), capacity)
        self.rate, self.capacity = rate, capacity

    def _now(self) -> float:
        now = self._clock()
        self._level = min(self.capacity, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level
