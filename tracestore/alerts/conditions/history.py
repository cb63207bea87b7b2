"""When a condition would have fired in the past. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracestore.alerts.conditions.condition import MetricCondition, SearchCondition
from tracestore.alerts.conditions.judging import Observation, judge, measure
from tracestore.alerts.conditions.standing import Standing, step

Series = Sequence[tuple[datetime, Observation]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when until when it fired; `end` is None if it still did at the last point. `peak` is the worst measure,
    `at` the moment of it.
    """

    start: datetime
    end: datetime | None
    peak: float | None
    at: datetime


def judge_history(
    condition: MetricCondition | SearchCondition, series: Series, *, hold_s: int = 0, keep_firing_s: int = 0
) -> list[Stretch]:
    """What would have fired, given what was seen at each moment, oldest first."""
    found: list[Stretch] = []
    standing: Standing | None = None
    lower = condition.compare.endswith("below")
    for moment, seen in series:
        before = standing
        standing = step(standing, judge(condition, seen), moment, hold_s=hold_s, keep_firing_s=keep_firing_s)
        fired = before is not None and before.state == "firing"
        fires = standing is not None and standing.state == "firing"
        value = measure(condition, seen)
        if fires and not fired:
            found.append(Stretch(moment, None, value, moment))
        elif fires and value is not None:
            last = found[-1]
            if last.peak is None or (value < last.peak if lower else value > last.peak):
                found[-1] = Stretch(last.start, None, value, moment)
        elif fired and not fires:
            last = found[-1]
            found[-1] = Stretch(last.start, moment, last.peak, last.at)
    return found
