"""Statistics of a stream that are kept up to date value by value, in bounded memory."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque


class SortedWindow:
    """The last `size` values in order of size: ranks, medians and quantiles of a moving window."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._arrived: deque[float] = deque()
        self.values: list[float] = []

    def __len__(self) -> int:
        return len(self.values)

    def push(self, value: float) -> None:
        if len(self._arrived) == self.size:
            del self.values[bisect_left(self.values, self._arrived.popleft())]
        self._arrived.append(value)
        insort(self.values, value)

    def share_below(self, value: float) -> float:
        """Mid-rank of a value among those seen, 0 to 1; equal ones count half."""
        low, high = bisect_left(self.values, value), bisect_right(self.values, value)
        return (low + high) / (2 * len(self.values)) if self.values else 0.0

    def median(self) -> float:
        middle = len(self.values) // 2
        return self.values[middle] if len(self.values) % 2 else (self.values[middle - 1] + self.values[middle]) / 2

    def deviation(self, center: float) -> float:
        """Median absolute deviation from `center`: two sorted halves, walked towards the middle rank."""
        values = self.values
        wanted = (len(values) + 1) // 2
        right = bisect_left(values, center)
        left, found = right - 1, 0.0
        for _ in range(wanted):
            if left < 0 or (right < len(values) and values[right] - center <= center - values[left]):
                found = values[right] - center
                right += 1
            else:
                found = center - values[left]
                left -= 1
        return found


class Moments:
    """Mean and standard deviation of everything seen (Welford); with `memory` older values fade."""

    def __init__(self, memory: float = math.inf) -> None:
        self.memory = memory
        self.count = 0.0
        self.mean = 0.0
        self._squares = 0.0

    def push(self, value: float) -> None:
        if self.count >= self.memory:
            fade = (self.memory - 1) / self.count
            self.count *= fade
            self._squares *= fade
        self.count += 1
        away = value - self.mean
        self.mean += away / self.count
        self._squares += away * (value - self.mean)

    @property
    def deviation(self) -> float:
        return math.sqrt(self._squares / self.count) if self.count > 1 else 0.0

    def z(self, value: float, floor: float = 1e-9) -> float:
        return (value - self.mean) / max(self.deviation, floor)
