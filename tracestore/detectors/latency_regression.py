"""`latency_regression`: calls of a tool or model take longer than they did in the week before.

Two questions, since latency gets worse in two ways:

- *tail*: a larger share of calls is slower than 95 % of the week's calls were (binomial test);
- *shift*: the middle of the calls has moved (Mann-Whitney) by more than it moves from hour to hour
  anyway, and by at least a quarter.

The shortest of 1, 6 and 24 hours with enough calls is judged. A shift must hold in both halves of its
window, so that one bad minute is not a regression, and either must have held an hour ago. Textbook tests
take calls for independent, so each must also be unlikely among like windows of the week. The tests of all
series of a tick are taken together (Benjamini-Hochberg), or false alarms would grow with the number of
tools. Models are compared by seconds per output token where those are known: a longer answer is not a
slower model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import scipy  # its parts load when they are first used, not in every process that lists detectors

from tracestore.detectors.detector import setting
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import HOUR_NS, LatencyHour, LatencyHours

Values = np.ndarray[Any, np.dtype[np.float64]]

WINDOWS_H: Final = (1, 6, 24)
BASELINE_H: Final = 7 * 24
#: Blocks of the week that tell how much a window's middle moves by itself; with fewer nothing is said of shifts.
FEWEST_BLOCKS: Final = 6


@dataclass(frozen=True, slots=True)
class Settings:
    """When a regression is told."""

    min_calls: int = setting(20, "Calls that a window needs before it is judged.", minimum=10)
    min_baseline: int = setting(60, "Calls of the week before that it needs.", minimum=20)
    tail_share: float = setting(
        0.12, "Share of calls slower than the week's p95 that matters (usual: 0.05).", minimum=0.06, maximum=1
    )
    shift_ratio: float = setting(1.25, "How much slower the middle call must be.", minimum=1.0)
    p: float = setting(
        1e-3, "How unlikely it must be by chance, also among like windows of the week.", minimum=0, maximum=0.05
    )
    false_discovery: float = setting(
        0.02, "Share of false ones among all regressions told at a time.", minimum=0, maximum=0.5
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """One series at one time: `p` of the stronger question, and whether its effect is large enough."""

    key: tuple[str, str, str]
    kind: str
    hours: int
    p: float
    matters: bool
    calls: int
    now_median: float
    usual_median: float
    share: float
    usual_p95: float
    worst: LatencyHour
    unit: str


class LatencyRegression:
    id = "latency_regression"
    version = "1"
    title = "Slower than usual"
    method = __doc__ or ""
    defaults = Settings()
    reads: type = LatencyHours
    every = timedelta(minutes=10)

    def detect(self, history: LatencyHours, settings: Settings) -> Iterable[Finding]:
        judged = [found for rows in series(history).values() if (found := judge(rows, history.now_ns, settings))]
        if not judged:
            return
        adjusted = scipy.stats.false_discovery_control([found.p for found in judged])
        for found, q in zip(judged, adjusted, strict=True):
            if found.matters and q <= settings.false_discovery and self._held(found, history, settings):
                yield told(found, history.now_ns)

    @staticmethod
    def _held(found: Judged, history: LatencyHours, settings: Settings) -> bool:
        """Whether it was so an hour ago already: most of what one look finds is gone at the next."""
        before = judge(series(history)[found.key], history.now_ns - HOUR_NS, settings)
        return before is not None and before.matters

    def coverage(self, history: LatencyHours, settings: Settings) -> dict[str, bool]:
        """Agent → whether any of its series had enough calls to be judged."""
        found: dict[str, bool] = {}
        for (agent, _, _), rows in series(history).items():
            found[agent] = found.get(agent, False) or judge(rows, history.now_ns, settings) is not None
        return found


def series(history: LatencyHours) -> dict[tuple[str, str, str], list[LatencyHour]]:
    found: defaultdict[tuple[str, str, str], list[LatencyHour]] = defaultdict(list)
    for row in history.rows:
        found[row.agent, row.kind, row.name].append(row)
    return found


def judge(rows: Sequence[LatencyHour], now_ns: int, settings: Settings) -> Judged | None:
    """The verdict on the shortest window with enough calls; None without enough of them or of a past."""
    for hours in WINDOWS_H:
        since = now_ns - hours * HOUR_NS
        window = [row for row in rows if since <= row.hour_ns < now_ns]
        if sum(len(row.seconds) for row in window) >= settings.min_calls:
            break
    else:
        return None
    baseline = [row for row in rows if since - BASELINE_H * HOUR_NS <= row.hour_ns < since]
    per_token = has_tokens(window) and has_tokens(baseline)
    now, past = values(window, per_token), values(baseline, per_token)
    if len(past) < settings.min_baseline or len(now) < settings.min_calls:
        return None
    p95 = float(np.quantile(past, 0.95))
    slow = int((now > p95).sum())
    share = slow / len(now)
    tail_p = float(scipy.stats.binomtest(slow, len(now), 0.05, alternative="greater").pvalue)
    ratio = float(np.median(now) / max(np.median(past), 1e-9))
    shift_p = float(scipy.stats.mannwhitneyu(now, past, alternative="greater").pvalue)
    tail, shift = False, False
    if min(tail_p, shift_p) <= settings.p:
        like = like_windows(baseline, since, hours, per_token, settings.min_calls // 2)
        tail_p = max(tail_p, chance(angle(share), [angle(float((block > p95).mean())) for block in like], 0.05))
        shift_p = max(shift_p, chance(log_middle(now), [log_middle(block) for block in like], 0.02))
        tail = share >= settings.tail_share and tail_p <= settings.p
        shift = ratio >= settings.shift_ratio and shift_p <= settings.p and holds(now, float(np.median(past)), settings)
    unit = "s per output token" if per_token else "s"
    slowest = max(window, key=lambda row: max(row.seconds, default=0.0))
    return Judged(
        (rows[0].agent, rows[0].kind, rows[0].name), "shift" if shift else "tail", hours, min(tail_p, shift_p),
        tail or shift, sum(row.calls for row in window), float(np.median(now)), float(np.median(past)), share, p95,
        slowest, unit,
    )  # fmt: skip


def has_tokens(rows: Iterable[LatencyHour]) -> bool:
    """Whether most calls tell how many tokens they made."""
    known = [value > 0 for row in rows for value in row.per_token]
    return sum(known) > len(known) / 2 if known else False


def values(rows: Iterable[LatencyHour], per_token: bool) -> Values:
    found = [value for row in rows for value in (row.per_token if per_token else row.seconds) if value > 0]
    return np.asarray(found, dtype=np.float64)


def chance(found: float, blocks: Sequence[float], least: float) -> float:
    """How likely a like window of the week would show as much (t of a new one among `blocks`); 1 with too few.

    Textbook tests take calls for independent; the load and the mix of a day move them together.
    `least` is the smallest deviation that is believed.
    """
    count = len(blocks)
    if count < FEWEST_BLOCKS:
        return 1.0
    middle = float(np.median(blocks))
    spread = max(1.4826 * float(np.median(np.abs(np.asarray(blocks) - middle))), 0.9 * float(np.std(blocks)), least)
    return float(scipy.stats.t.sf((found - middle) / spread / np.sqrt(1 + 1 / count), count - 1))


def like_windows(baseline: Sequence[LatencyHour], since: int, hours: int, per_token: bool, fewest: int) -> list[Values]:
    """The week before in windows of the same length, each ending a whole number of them before `since`."""
    found: defaultdict[int, list[LatencyHour]] = defaultdict(list)
    for row in baseline:
        found[(since - 1 - row.hour_ns) // (hours * HOUR_NS)].append(row)
    return [block for rows in found.values() if len(block := values(rows, per_token)) >= fewest]


def log_middle(found: Values) -> float:
    return float(np.log(np.median(found)))


def angle(share: float) -> float:
    """The arcsine transformation: makes the scatter of a share independent of the share."""
    return float(np.arcsin(np.sqrt(share)))


def holds(now: Values, usual: float, settings: Settings) -> bool:
    """Whether both halves of the window are slower; hours are in order of time, and samples keep it."""
    half = len(now) // 2
    least = usual * (1 + (settings.shift_ratio - 1) / 2)
    return bool(np.median(now[:half]) > least and np.median(now[half:]) > least)


def told(found: Judged, now_ns: int) -> Finding:
    agent, kind, name = found.key
    since = now_ns - found.hours * HOUR_NS
    ratio = found.now_median / max(found.usual_median, 1e-9)
    hours = "hour" if found.hours == 1 else f"{found.hours} hours"
    what = f"{kind} {name}"
    if found.kind == "shift":
        title = f"{what} takes {ratio:.1f} times as long as usual"
        says = (
            f"The middle call of the last {hours} took {found.now_median:.3g} {found.unit}; in the week before it "
            f"was {found.usual_median:.3g}. That is more than it moves by itself and holds in both halves of the time."
        )
    else:
        title = f"{found.share:.0%} of the calls of {what} are slow (usual: 5 %)"
        says = (
            f"In the last {hours} {found.share:.0%} of {found.calls:,} calls took longer than {found.usual_p95:.3g} "
            f"{found.unit}, which 95 % of the calls of the week before did not."
        )
    severe = found.share >= 0.5 or ratio >= 2
    return Finding(
        detector=LatencyRegression.id, version=LatencyRegression.version, severity="critical" if severe else "warning",
        title=title, explanation=says, agent=agent, key=f"{kind} {name}", first_seen_ns=since, last_seen_ns=now_ns,
        window=now_ns // (6 * HOUR_NS), cause="system" if kind == "model" else "tool",
        trace_id=found.worst.slow_trace, span_ids=(found.worst.slow_span,) if found.worst.slow_span else (),
        look_first=found.worst.slow_span,
        evidence={"question": found.kind, "hours": found.hours, "calls": found.calls, "unit": found.unit,
                  "median": found.now_median, "usual_median": found.usual_median, "slow_share": found.share,
                  "usual_p95": found.usual_p95, "p": found.p},
    )  # fmt: skip


LATENCY_REGRESSION: Final = LatencyRegression()
