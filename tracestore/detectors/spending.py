"""How spending compares with its own past: the engine of `cost_anomaly`. Pure and vectorised, subjects x hours.

Two questions, since a launch is not a defect:

    spend    cost of the last 1 and 3 hours against the same clock time on earlier days of the same kind:
             r = ln((S + a) / (M + a)), a = a quarter of the mean, which tames idle hours;
             z = (r - median) / scale of the residuals of the last 28 days
    traffic  the same of the number of runs, whose tail is shorter, when cost rose too
    price    cost per run of the last 3 and 24 hours against the same hours of earlier days, with a variance that
             knows the number of runs: v(n) = v_day + v_run / n; by day, a CUSUM for what creeps

All need z and a new highest residual by a margin (`RULES`).
A day on which next to nothing was recorded is unknown, not cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used, not in every process that lists detectors
from numpy.typing import NDArray

from tracestore.detectors.detector import setting
from tracestore.detectors.statistics.cusum import Crossing, rising
from tracestore.detectors.statistics.robust import MAD_TO_SD, centre_and_scale
from tracestore.detectors.statistics.season import rolling, same_hours, usual

Floats = NDArray[np.float64]

#: Residuals that a new one is measured by, in hours.
REFERENCE: Final = 28 * 24
#: Days before which nothing is said.
LEAST_DAYS: Final = 14
#: Fewest runs of a window in which a cost per run is judged.
LEAST_RUNS: Final = 5


Question = Literal["spend", "traffic", "price", "creep"]


class Rule(NamedTuple):
    """Window length of a question, the z it must pass, and by how much it must pass the highest of its reference."""

    question: Question
    hours: int
    z: float
    record: float

    @property
    def whole_day(self) -> bool:
        return self.question == "price" and self.hours == 24


#: Being the highest of four weeks by a margin counts for more than z: it knows each agent's own tail.
RULES: Final = (
    Rule("spend", 1, 4.6, 1.23),
    Rule("spend", 3, 4.6, 1.46),
    Rule("traffic", 1, 4.6, 1.17),
    Rule("traffic", 3, 5.2, 1.46),
    Rule("price", 3, 6.0, 1.8),
    Rule("price", 24, 7.0, 1.6),
)


@dataclass(frozen=True, slots=True)
class SpendSettings:
    """When spending is stated to be unusual."""

    factor: float = setting(2.5, "Smallest rise of spending in some hours that is stated, as a factor.", minimum=1.1)
    traffic_factor: float = setting(2.0, "Smallest rise of the number of runs behind it, as a factor.", minimum=1.1)
    price_factor: float = setting(1.25, "Smallest rise of cost per run over a day, as a factor.", minimum=1.05)
    caution: float = setting(
        1.0, "Above 1 less is stated, below 1 more: multiplies how unusual it must be.", minimum=0.3, maximum=5
    )
    creep: bool = setting(True, "State slow rises of the cost per run, by day.")
    creep_threshold: float = setting(7.0, "How far the sum of daily excesses must run, in deviations.", minimum=2)


class Alarm(NamedTuple):
    """Column `tick` of `subject`: `question` over `hours`, `ratio` times `usual` (USD, runs, or USD per run)."""

    subject: int
    tick: int
    question: Question
    hours: int
    strength: float
    ratio: float
    usual: float


@dataclass(frozen=True, slots=True)
class Score:
    """One window length of one question: `z`, log ratio to usual, and the usual, subjects x hours. NaN = not known."""

    hours: int
    z: Floats
    ratio: Floats
    usual: Floats
    record: Floats


class SpendHistory:
    """Cost and runs by subject and hour, up to 42 days. `first_hour` is the hour since the epoch of column 0."""

    def __init__(self, cost: Floats, runs: Floats, first_hour: int) -> None:
        self.cost, self.runs, self.first_hour = cost, runs, first_hour
        self.hours = cost.shape[1]
        self.earlier = same_hours(first_hour, self.hours)
        self.seen = np.cumsum(runs, axis=1) > 0
        self.age = np.cumsum(self.seen, axis=1)
        self.known = self.seen & ~self._missing()

    def _missing(self) -> NDArray[np.bool_]:
        """Hours of the last full 24 in which less than a twentieth of the usual runs was seen."""
        day = rolling(self.runs, 24)
        typical, count = usual(day, self.earlier, self.seen)
        return np.asarray((count >= 3) & (day < typical / 20))

    def spend(self, hours: int, ticks: NDArray[np.int64]) -> Score:
        """Scores of what was spent, at the columns `ticks`; `usual` is USD."""
        return self._total(self.cost, hours, ticks)

    def traffic(self, hours: int, ticks: NDArray[np.int64]) -> Score:
        """Scores of the number of runs."""
        return self._total(self.runs, hours, ticks)

    def _total(self, values: Floats, hours: int, ticks: NDArray[np.int64]) -> Score:
        total = rolling(values, hours)
        expected, _ = usual(total, self.earlier, self.known)
        mean = rolling(np.asarray(values * self.known, dtype=np.float64), 28 * 24) / np.maximum(
            rolling(self.known.astype(np.float64), 28 * 24), 1
        )
        tame = hours * mean / 4 + 1e-12
        ratio = np.log((total + tame) / (expected + tame))
        return self._score(hours, ratio, expected, ticks, floor=0.05)

    def price(self, hours: int, ticks: NDArray[np.int64]) -> Score:
        """Scores of cost per run; `usual` is USD per run."""
        cost, runs = rolling(self.cost, hours), rolling(self.runs, hours)
        mean_cost, _ = usual(cost, self.earlier, self.known)
        mean_runs, _ = usual(runs, self.earlier, self.known)
        with np.errstate(all="ignore"):
            expected = mean_cost / mean_runs
            ratio = np.where(runs >= LEAST_RUNS, np.log(cost / runs) - np.log(expected), np.nan)
        ratio[~np.isfinite(ratio)] = np.nan
        size = 1 / np.maximum(runs, 1) + 1 / np.maximum(mean_runs * 8, 1)
        spread = self._spread(hours, ratio, size)
        scored = self._score(hours, ratio / spread, expected, ticks, floor=0.5)
        return Score(hours, scored.z, ratio[:, ticks], scored.usual, scored.record)

    def _spread(self, hours: int, ratio: Floats, size: Floats) -> Floats:
        """Standard deviation of a log cost per run: v_day + v_run * `size`, fitted each day on what came before."""
        spread = np.full_like(ratio, np.nan)
        for day in range(-self.first_hour % 24, self.hours, 24):
            past = np.arange(day - hours - 1, max(day - hours - REFERENCE, 0) - 1, -3)
            if not past.size:
                continue
            for subject in range(len(ratio)):
                r, n = ratio[subject, past], size[subject, past]
                good = np.isfinite(r)
                if good.sum() < 24:
                    continue
                away = np.abs(r[good] - np.median(r[good]))
                squares = np.minimum(away, 3 * MAD_TO_SD * np.median(away)) ** 2
                (of_day, of_run), _ = scipy.optimize.nnls(np.stack([np.ones(len(squares)), n[good]], axis=1), squares)
                today = size[subject, day : day + 24]
                spread[subject, day : day + 24] = np.sqrt(np.maximum(of_day + of_run * today, 0.03**2))
        return spread

    def _score(self, hours: int, value: Floats, expected: Floats, ticks: NDArray[np.int64], floor: float) -> Score:
        """z of `value` against its own last 28 days, refreshed four times a day; the newest `hours` and 6 left out."""
        z = np.full((len(value), len(ticks)), np.nan)
        record = np.full_like(z, np.nan)
        references = (self.first_hour + ticks) // 6 * 6 - self.first_hour
        for reference in np.unique(references):
            end = reference - hours
            past = value[:, max(end - REFERENCE, 0) : max(end, 0)]
            if past.shape[1] < 72:
                continue
            here = np.nonzero(references == reference)[0]
            centre, scale = centre_and_scale(past, floor)
            now = value[:, ticks[here]]
            z[:, here] = np.where(
                self.age[:, ticks[here]] >= LEAST_DAYS * 24, (now - centre[:, None]) / scale[:, None], np.nan
            )
            with np.errstate(all="ignore"):
                best = np.nanmax(np.where(np.isfinite(past), past, -np.inf), axis=1)
                record[:, here] = (now - centre[:, None]) / np.maximum(best - centre, 1e-9)[:, None]
        return Score(hours, z, value[:, ticks], expected[:, ticks], record)

    def alarms(self, ticks: NDArray[np.int64], settings: SpendSettings) -> list[Alarm]:
        """Everything that is stated at the columns `ticks`, the strongest per subject and tick."""
        best: dict[tuple[int, int], Alarm] = {}
        ratios = {hours: self.spend(hours, ticks) for hours in (1, 3, 24)}
        for rule in RULES:
            spent = ratios[rule.hours]
            if rule.question == "spend":
                score = spent
            elif rule.question == "traffic":
                score = self.traffic(rule.hours, ticks)
            else:
                score = self.price(rule.hours, ticks)
            factor = settings.price_factor if rule.whole_day else settings.factor
            with np.errstate(invalid="ignore"):
                on = (
                    (score.z > rule.z * settings.caution)
                    & (score.record > 1 + (rule.record - 1) * settings.caution)
                    & (score.ratio > np.log(settings.traffic_factor if rule.question == "traffic" else factor))
                    & (spent.ratio > np.log(settings.price_factor if rule.whole_day else settings.factor))
                )
            for subject, tick in zip(*(part.tolist() for part in np.nonzero(on)), strict=True):
                strength = float(score.z[subject, tick] / rule.z)
                known = best.get((subject, int(ticks[tick])))
                if known is None or strength > known.strength:
                    best[subject, int(ticks[tick])] = self._alarm(
                        rule, subject, int(ticks[tick]), strength, score, tick
                    )
        if settings.creep:
            wanted = set(ticks.tolist())
            for subject in range(len(self.cost)):
                for over, since, found in self.creeping(subject, threshold=settings.creep_threshold):
                    # Stated from the last hour of the day on, for a day.
                    for tick in range(over - 1, min(over + 23, self.hours)):
                        if tick in wanted and (subject, tick) not in best:
                            ratio = found.level - found.reference
                            best[subject, tick] = Alarm(
                                subject,
                                tick,
                                "creep",
                                tick - since,
                                1.0,
                                float(np.exp(ratio)),
                                float(np.exp(found.reference)),
                            )
        return [best[key] for key in sorted(best)]

    def _alarm(self, rule: Rule, subject: int, tick: int, strength: float, score: Score, at: int) -> Alarm:
        ratio = float(np.exp(score.ratio[subject, at]))
        return Alarm(subject, tick, rule.question, rule.hours, strength, ratio, float(score.usual[subject, at]))

    def enough(self, tick: int) -> NDArray[np.bool_]:
        """By subject: two weeks known, and runs in the last day."""
        recent = self.runs[:, max(tick - 23, 0) : tick + 1].sum(1) > 0
        return np.asarray((self.age[:, tick] >= LEAST_DAYS * 24) & recent)

    def creeping(self, subject: int, *, threshold: float) -> list[tuple[int, int, Crossing]]:
        """CUSUM crossings of the daily log cost per run: (column after the day, column of the onset, crossing)."""
        lead = -self.first_hour % 24
        days = (self.hours - lead) // 24
        if days < 1:
            return []
        cost = self.cost[subject, lead : lead + days * 24].reshape(days, 24).sum(1)
        runs = self.runs[subject, lead : lead + days * 24].reshape(days, 24).sum(1)
        enough = np.nonzero((runs >= LEAST_RUNS) & (cost > 0))[0]
        values = np.log(cost[enough] / runs[enough])
        found = rising(values.tolist(), reference=LEAST_DAYS, slack=0.75, threshold=threshold, floor=0.05)
        return [(lead + (int(enough[one.at]) + 1) * 24, lead + int(enough[one.since]) * 24, one) for one in found]
