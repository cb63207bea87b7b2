"""What each metric is: where it is read and how it comes out of the figures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tracestore.alerts.conditions.condition import Dimension, Metric, MetricCondition
from tracestore.alerts.conditions.judging import SHORT_PART, Observation
from tracestore.clickhouse.alerting.figures import DIMENSIONS, Example, Family, Figures

_SECOND: Final = 1e9

_VALUES: Final[dict[Metric, Callable[[Figures], float]]] = {
    "error_rate": lambda f: f.failed / f.volume,
    "runs": lambda f: float(f.volume),
    "cost_usd": lambda f: f.cost_usd,
    "cost_per_run": lambda f: f.cost_usd / f.volume,
    "tokens": lambda f: float(f.tokens),
    "tokens_per_run": lambda f: f.tokens / f.volume,
    "steps_per_run": lambda f: f.steps / f.volume,
    "latency_p50": lambda f: f.p50_ns / _SECOND,
    "latency_p95": lambda f: f.p95_ns / _SECOND,
    "latency_p99": lambda f: f.p99_ns / _SECOND,
    "tool_calls": lambda f: float(f.volume),
    "tool_error_rate": lambda f: f.failed / f.volume,
    "tool_latency_p95": lambda f: f.p95_ns / _SECOND,
    "llm_calls": lambda f: float(f.volume),
    "llm_error_rate": lambda f: f.failed / f.volume,
    "llm_latency_p95": lambda f: f.p95_ns / _SECOND,
}
#: Sums that single model calls tell better where a run has several models or versions.
_OF_CALLS: Final = frozenset({"cost_usd", "tokens"})


def dimensions(condition: MetricCondition) -> tuple[Dimension, ...]:
    """By what it must be read: what it is grouped by, and what it keeps one value of."""
    return tuple(name for name in DIMENSIONS if name in condition.by or name in condition.only)


def family(condition: MetricCondition) -> Family:
    metric = condition.metric
    if metric.startswith("tool_"):
        return "tools"
    if metric.startswith("llm_"):
        return "models"
    read = dimensions(condition)
    if metric in _OF_CALLS and "tool" not in read and ("model" in read or "version" in read):
        return "models"
    return "runs"


def windows(condition: MetricCondition) -> tuple[int, ...]:
    """The lengths (s) of the windows that are read: a burn rate has a short one too."""
    if condition.compare == "burn_rate":
        return condition.window_s, short_window(condition)
    return (condition.window_s,)


def short_window(condition: MetricCondition) -> int:
    return max(1, condition.window_s // SHORT_PART)


def value(metric: Metric, figures: Figures | None) -> float | None:
    """None where nothing was."""
    return _VALUES[metric](figures) if figures is not None and figures.volume else None


def observation(
    metric: Metric, now: Figures | None, before: Figures | None = None, short: Figures | None = None
) -> Observation:
    """What figures of the window, the one before and the short one say of a metric."""
    return Observation(
        value(metric, now), now.volume if now else 0,
        value(metric, before), before.volume if before else 0,
        value(metric, short), short.volume if short else 0,
    )  # fmt: skip


def examples(metric: Metric, figures: Figures) -> tuple[Example, ...]:
    """What shows best what the metric says."""
    if metric.endswith("error_rate"):
        return figures.failures
    one = figures.latest
    if "latency" in metric:
        one = figures.slowest
    elif metric.startswith("cost"):
        one = figures.dearest
    elif metric.startswith("tokens"):
        one = figures.largest
    elif metric == "steps_per_run":
        one = figures.longest
    return (one,) if one.trace_id else ()


def kept(condition: MetricCondition, values: Sequence[str]) -> dict[str, str] | None:
    """The labels of a group that was read by `dimensions`; None if it is not one that the condition keeps."""
    labels: dict[str, str] = dict(zip(dimensions(condition), values, strict=True))
    return labels if _agrees(labels, condition.only) else None


def named(condition: MetricCondition) -> dict[str, str]:
    """The labels of the one thing that a condition without groups is about."""
    return {str(name): value for name, value in condition.only.items()}


def _agrees(labels: Mapping[str, str], only: Mapping[Dimension, str]) -> bool:
    return all(labels.get(name) == wanted for name, wanted in only.items())
