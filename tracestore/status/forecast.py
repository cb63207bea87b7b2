"""When the disk is full at the present rate, retention taken into account. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Nobody plans further ahead.
MOST_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class Stream:
    """What a project adds to some tables: bytes it has there, bytes a day, and the days it keeps (None: for ever)."""

    stored: float
    daily: float
    days: int | None = None

    def after(self, day: int) -> float:
        """Bytes on a day from now. A project that keeps `days` comes to rest at `days + 1` days' worth (today counts
        as day 0); what it holds above that now is not counted as going away, so the forecast is rather too early.
        """
        grown = self.stored + self.daily * day
        if self.days is None:
            return grown
        return max(self.stored, min(grown, self.daily * (self.days + 1)))


@dataclass(frozen=True, slots=True)
class Forecast:
    """`days` until full; None: not within ten years. `rest`: bytes at which it comes to rest, None if it never does."""

    days: int | None
    daily: float
    rest: float | None


def forecast(streams: Iterable[Stream], free: float) -> Forecast:
    """`free` in bytes."""
    known = list(streams)
    now = sum(stream.stored for stream in known)
    daily = sum(stream.daily for stream in known)
    endless = any(stream.days is None and stream.daily > 0 for stream in known)
    rest = None if endless else sum(stream.after(MOST_DAYS * 100) for stream in known)

    def full(day: int) -> bool:
        return sum(stream.after(day) for stream in known) - now >= free

    if free <= 0:
        return Forecast(0, daily, rest)
    if daily <= 0 or not full(MOST_DAYS):
        return Forecast(None, daily, rest)
    low, high = 0, MOST_DAYS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if full(middle) else (middle, high)
    return Forecast(low, daily, rest)
