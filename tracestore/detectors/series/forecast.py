"""The best of a few plain forecasts, chosen by how wrong each has been lately."""

from __future__ import annotations

from collections import deque
from typing import Final

DAY_S: Final = 86_400
#: How quickly the running error of a forecast forgets.
ERROR_MEMORY: Final = 0.01


class Forecast:
    """Predicts the next value of a stream: the last one, a moving average, yesterday's, last week's.

    `per_day` is the number of points in a day, 0 where a day is shorter than a few points.
    """

    def __init__(self, per_day: int) -> None:
        self._lags = [lag for lag in (per_day, 7 * per_day) if lag >= 4]
        self._kept: deque[float] = deque(maxlen=max(self._lags, default=1))
        self._average = 0.0
        self._errors: dict[int, float] = {}

    def predict(self) -> float | None:
        """The forecast of the next value; None before the first."""
        found = self._candidates()
        if not found:
            return None
        return found[min(found, key=lambda name: self._errors.get(name, 0.0))]

    def push(self, value: float) -> None:
        for name, guess in self._candidates().items():
            away = abs(value - guess)
            known = self._errors.get(name)
            self._errors[name] = away if known is None else known + ERROR_MEMORY * (away - known)
        self._average = value if not self._kept else self._average + 0.1 * (value - self._average)
        self._kept.append(value)

    def _candidates(self) -> dict[int, float]:
        """By lag: 0 is the moving average, 1 the last value."""
        if not self._kept:
            return {}
        found = {1: self._kept[-1], 0: self._average}
        for lag in self._lags:
            if len(self._kept) >= lag:
                found[lag] = self._kept[-lag]
        return found
