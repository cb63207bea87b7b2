"""Whether a figure is beyond a condition's threshold, clear of it, or between the two. Pure.

Between `clear` and `threshold` an alert stays as it is (hysteresis), and so it does where nothing can be said
any more of what is absent.

`min_volume` is of the window itself. Where the question is whether something became less, and the figure is a count,
the busier of the window and the one before counts: a count of nothing is a figure too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tracestore.alerts.conditions.condition import MetricCondition, SearchCondition

Reading = Literal["beyond", "within", "clear"]

#: Metrics that are 0 where nothing happened; all others are unknown then.
COUNTS: Final = frozenset({"runs", "tool_calls", "llm_calls", "cost_usd", "tokens"})
#: A burn rate's short window is this part of the long one.
SHORT_PART: Final = 12
#: Up to this window (s) a burn rate fires at this multiple of the budget. Google SRE workbook, "Alerting on SLOs",
#: table 5-8: a page at 14.4 over 1 h and 6 over 6 h, a ticket at 3 over 1 day and 1 over 3 days.
MULTIPLES: Final = ((3_600, 14.4), (21_600, 6.0), (86_400, 3.0))


@dataclass(frozen=True, slots=True)
class Observation:
    """A figure of a window, of the equally long window before, and of the short window at its end (burn rates).

    A value is None where there is none (the error rate of no calls). Volumes are runs, tool calls or model calls.
    """

    value: float | None = None
    volume: int = 0
    before: float | None = None
    volume_before: int = 0
    short: float | None = None
    volume_short: int = 0


def multiple(window_s: int) -> float:
    """How many times the budget must burn in a window of this length."""
    return next((times for most, times in MULTIPLES if window_s <= most), 1.0)


def limit(condition: MetricCondition | SearchCondition) -> float:
    """What `measure` is compared with. A burn rate's is a share of errors, 1 at most: then all must fail."""
    if condition.compare == "burn_rate":
        return min(condition.threshold * multiple(condition.window_s), 1.0)
    return condition.threshold


def measure(condition: MetricCondition | SearchCondition, seen: Observation) -> float | None:
    """What is compared: the figure, its change as a share of before (0.5 is +50 %), or the lower of two burn rates."""
    match condition.compare:
        case "change_above" | "change_below":
            before, value = seen.before, _value(condition, seen)
            return (value - before) / before if before and value is not None else None
        case "burn_rate":
            if seen.value is None or seen.short is None:
                return None
            return min(seen.value, seen.short)
        case "absent":
            return float(seen.volume)
    return _value(condition, seen)


def judge(condition: MetricCondition | SearchCondition, seen: Observation) -> Reading:
    """What the figures say. Too few runs (calls) say nothing, which is clear."""
    least = condition.min_volume if isinstance(condition, MetricCondition) else 0
    counted = isinstance(condition, SearchCondition) or condition.metric in COUNTS
    if condition.compare == "absent":
        if seen.volume:
            return "clear"
        # What was there even earlier is still absent.
        return "beyond" if seen.volume_before >= max(least, 1) else "within"
    lessened = condition.compare in ("below", "change_below")
    if isinstance(condition, MetricCondition):
        if lessened and counted:
            busy = max(seen.volume, seen.volume_before)
            if not busy:
                return "within"
        else:
            busy = seen.volume
        if busy < least:
            return "clear"
        if condition.compare.startswith("change") and seen.volume_before < least:
            return "clear"
    found = measure(condition, seen)
    if found is None:
        return "clear"
    if condition.compare == "burn_rate":
        return "beyond" if found >= limit(condition) > 0 else "clear"
    threshold = condition.threshold
    clear = threshold if condition.clear is None else condition.clear
    if condition.compare == "below":
        return _above(-found, -threshold, -clear)
    # A fall is a positive share too: a threshold of 0.5 is -50 %.
    return _above(-found if condition.compare == "change_below" else found, threshold, clear)


def _above(value: float, threshold: float, clear: float) -> Reading:
    if value > threshold:
        return "beyond"
    return "within" if value > clear else "clear"


def _value(condition: MetricCondition | SearchCondition, seen: Observation) -> float | None:
    if seen.value is None and (isinstance(condition, SearchCondition) or condition.metric in COUNTS):
        return 0.0
    return seen.value
