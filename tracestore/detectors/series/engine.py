"""How odd each new value of a numeric series is, given only its past. Pure, one pass, bounded memory.

Three questions are asked of every value, since anomalies differ in kind:

- *record*: is it outside everything seen so far, and by how much of the range seen?
- *error*: have the last forecasts been worse than they usually are? (the idea of HTM's anomaly likelihood:
  ranks of errors among their own history, Ahmad et al. 2017)
- *level*: has the mean of the last values left the band of such means (median and MAD)?

Error and level are put on one scale by their own past; the sum of the three is the score. After an alarm
the same series is quiet for a while unless it gets much worse, or one incident would be many alarms.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import Final

from tracestore.detectors.series.forecast import Forecast
from tracestore.detectors.series.running import Moments, SortedWindow

#: Values before anything is said; ranges and scales of fewer are noise.
WARM_UP: Final = 30
#: Values of an "hour", over which errors and levels are averaged, and of the past they are compared with.
ERRORS: Final = 10
ERROR_PAST: Final = 3_000
SHORT: Final = 12
LONG: Final = 300
#: Values for which a series is quiet after an alarm, and how much worse it must get to speak again.
QUIET: Final = 100
WORSE: Final = 1.5
#: The sum (0 to 1) at which a value is an alarm; scores are scaled so that 0.5 says it.
ALARM: Final = 0.165
#: Below the alarm already, since what leads up to an alarm is the same incident.
SPOKE: Final = 0.12
#: z of error and level at which they are as odd as they can be.
MOST: Final = 12.0


class Scorer:
    """Scores one series. Values must come in order of time; `score` says 0 (usual) to 1, 0.5 is an alarm."""

    def __init__(self) -> None:
        self._seen = 0
        self._low, self._high = math.inf, -math.inf
        self._times: list[int] = []
        self._forecast: Forecast | None = None
        self._waiting: list[float] = []
        self._errors = SortedWindow(ERROR_PAST)
        self._surprise: deque[float] = deque(maxlen=ERRORS)
        self._surprise_past = Moments()
        self._error_scale, self._level_scale = Moments(), Moments()
        self._last: deque[float] = deque(maxlen=SHORT)
        self._levels = SortedWindow(LONG)
        self._level_moments: deque[float] = deque(maxlen=LONG)
        self._quiet = 0
        self._loudest = 0.0

    def score(self, timestamp_ns: int, value: float) -> float:
        """How odd the value is. A value that is no number is passed over and scores 0."""
        if not math.isfinite(value):
            return 0.0
        record = self._record(value)
        error = self._error(timestamp_ns, value)
        level = self._level(value)
        self._seen += 1
        total = (record + error + level) / 3 if self._seen > WARM_UP else 0.0
        return scaled(self._spoken(total))

    def _record(self, value: float) -> float:
        """0 inside the range seen so far, else .4 to 1 by how far outside, measured in that range."""
        beyond = max(value - self._high, self._low - value) if self._seen else 0.0
        spread = self._high - self._low
        if self._seen < WARM_UP or beyond <= 0:
            found = 0.0
        else:
            found = 0.4 + 0.6 * min(1.0, beyond / spread if spread > 0 else 1.0)
        self._low, self._high = min(self._low, value), max(self._high, value)
        return found

    def _error(self, timestamp_ns: int, value: float) -> float:
        if self._forecast is None:
            self._times.append(timestamp_ns)
            self._waiting.append(value)
            if len(self._times) < WARM_UP:
                return 0.0
            self._forecast = Forecast(per_day(self._times))
            for known in self._waiting[:-1]:
                self._forecast.push(known)
            self._times.clear()
            self._waiting.clear()
        guess = self._forecast.predict()
        self._forecast.push(value)
        if guess is None:
            return 0.0
        away = abs(value - guess)
        rank = self._errors.share_below(away) if len(self._errors) else 0.5
        self._errors.push(away)
        self._surprise.append(-math.log(1.0 - min(rank, 1.0 - 1.0 / (2 * len(self._errors)))))
        mean = sum(self._surprise) / len(self._surprise)
        found = unusual(mean, self._surprise_past, self._error_scale)
        self._surprise_past.push(mean)
        return found

    def _level(self, value: float) -> float:
        self._last.append(value)
        if len(self._last) < SHORT:
            return 0.0
        mean = sum(self._last) / SHORT
        if len(self._levels) < WARM_UP:
            self._remember(mean)
            return 0.0
        center = self._levels.median()
        spread = max(1.4826 * self._levels.deviation(center), 0.25 * self._deviation())
        away = abs(mean - center) / spread if spread > 0 else (0.0 if mean == center else MOST)
        self._remember(mean)
        amount = math.log1p(away)
        found = min(max(self._level_scale.z(amount, 0.05), 0.0), MOST) / MOST
        self._level_scale.push(amount)
        return found

    def _remember(self, mean: float) -> None:
        self._levels.push(mean)
        self._level_moments.append(mean)

    def _deviation(self) -> float:
        count = len(self._level_moments)
        mean = sum(self._level_moments) / count
        return math.sqrt(sum((value - mean) ** 2 for value in self._level_moments) / count)

    def _spoken(self, total: float) -> float:
        """What is left of a score during the quiet time after an alarm."""
        if self._quiet > 0:
            self._quiet -= 1
            if total <= WORSE * self._loudest:
                return 0.0
        if total > SPOKE:
            self._quiet, self._loudest = QUIET, total
        return total


def unusual(value: float, past: Moments, scale: Moments) -> float:
    """0 to 1: z of a value against its past, on a logarithmic scale that is compared with its own past again."""
    if past.count < WARM_UP:
        return 0.0
    amount = math.log1p(max(past.z(value, 1e-6), 0.0))
    found = min(max(scale.z(amount, 0.05), 0.0), MOST) / MOST
    scale.push(amount)
    return found


def per_day(times_ns: list[int]) -> int:
    """Points in a day, from the usual distance of two; 0 when there are fewer than four."""
    gaps = sorted(later - earlier for earlier, later in pairwise(times_ns))
    gap = gaps[len(gaps) // 2] if gaps else 0
    count = round(86_400 * 10**9 / gap) if gap > 0 else 0
    return count if 4 <= count <= 10_000 else 0


def scaled(total: float) -> float:
    """0 to 1 with the alarm at 0.5; keeps the order."""
    return 0.5 * total / ALARM if total < ALARM else 0.5 + 0.5 * (total - ALARM) / (1.0 - ALARM)
