"""What fired, as the page of a rule shows it: rows with words, and the chart of a try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.figures import over_time
from dashboard.figures.chart import Chart, Series, Unit
from tracestore.alerts import durations
from tracestore.alerts.conditions.condition import Condition, FindingsCondition, MetricCondition
from tracestore.alerts.models import Alert
from tracestore.alerts.preview import Fired, Preview
from tracestore.alerts.rule_words import METRICS, dollars, number, seconds, share
from tracestore.moments import nanoseconds_if

#: What an alert is about, the most telling first.
_ABOUT = ("agent", "tool", "model", "user", "version", "service", "detector")


def subject(labels: Mapping[str, str]) -> str:
    """`agent planner, tool search`; what is about everything is `the project`."""
    return ", ".join(f"{name} {labels[name]}" for name in _ABOUT if labels.get(name)) or "the project"


def fired(one: Fired, condition: Condition) -> dict[str, Any]:
    length = durations.words(round((one.ended - one.began).total_seconds())) if one.ended else "still"
    return {
        "subject": subject(one.labels),
        "began_ns": nanoseconds_if(one.began),
        "length": length,
        "value": "" if one.value is None else worded(condition, one.value),
        "trace_id": one.traces[0] if one.traces else "",
    }


def alert(one: Alert) -> dict[str, Any]:
    over = one.resolved_at if one.state == Alert.State.RESOLVED else None
    length = durations.words(max(round((over - one.fired_at).total_seconds()), 0)) if over and one.fired_at else ""
    return {"alert": one, "subject": subject(one.labels), "fired_ns": nanoseconds_if(one.fired_at), "length": length}


def worded(condition: Condition, value: float) -> str:
    """A figure in its unit."""
    if isinstance(condition, FindingsCondition):
        return f"{number(value)} finding{'' if value == 1 else 's'}"
    if not isinstance(condition, MetricCondition):
        return f"{number(value)} traces"
    if condition.compare.startswith("change"):
        return f"{'+' if value >= 0 else '−'}{share(abs(round(value, 4)))}"
    write = METRICS[condition.metric][1]
    return write(round(value, 4) if write in (dollars, share, seconds) else round(value, 2))


def chart(found: Preview, condition: Condition) -> Chart:
    """The worst figure against its limit; of findings how many things would have fired at once."""
    if isinstance(condition, FindingsCondition) or not found.figures:
        places = found.places()
        counted = Series("firing", [count for _, count in places], wrong=True)
        unit = Unit(lambda value: f"{value:,.0f}", whole=True)
        return over_time.stacked("tried", "Firing at once", [start for start, _ in places], [counted], unit)
    at = [moment for moment, _ in found.figures]
    series = [Series("worst", [value for _, value in found.figures])]
    if condition.compare in ("above", "below", "change_above"):
        series.append(Series("limit", [condition.threshold for _ in at], wrong=True))
    whose = f"Worst of each {' and '.join(condition.by)}" if condition.by else "The figure"
    title = f"{whose}, in windows of {durations.words(condition.window_s)}"
    note = ""
    if isinstance(condition, MetricCondition) and condition.min_volume > 1:
        note = f"fewer than {condition.min_volume:,} {METRICS[condition.metric][2]} are drawn, but do not fire"
    return over_time.lines("tried", title, at, series, Unit(lambda value: worded(condition, value)), note=note)
