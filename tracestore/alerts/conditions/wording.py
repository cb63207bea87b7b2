"""What is told of a figure that is beyond its threshold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tracestore.alerts.conditions.condition import Metric, MetricCondition, SearchCondition
from tracestore.alerts.conditions.judging import Observation, limit, measure, multiple

NAMES: Final[dict[Metric, str]] = {
    "error_rate": "Failed runs", "runs": "Runs", "cost_usd": "Cost", "cost_per_run": "Cost of a run",
    "tokens": "Tokens", "tokens_per_run": "Tokens of a run", "steps_per_run": "Steps of a run",
    "latency_p50": "Median run time", "latency_p95": "95th percentile of run time",
    "latency_p99": "99th percentile of run time",
    "tool_calls": "Tool calls", "tool_error_rate": "Failed tool calls",
    "tool_latency_p95": "95th percentile of tool time", "llm_calls": "Model calls",
    "llm_error_rate": "Failed model calls", "llm_latency_p95": "95th percentile of model time",
}  # fmt: skip


def title(condition: MetricCondition | SearchCondition, labels: Mapping[str, str], seen: Observation) -> str:
    """One line without a full stop."""
    where = _where(labels)
    if isinstance(condition, SearchCondition):
        return f"{seen.volume:,} traces{where} match in {_length(condition.window_s)}"
    name = NAMES[condition.metric]
    value = measure(condition, seen)
    match condition.compare:
        case "absent":
            return f"{name}{where}: nothing for {_length(condition.window_s)}"
        case "change_above" | "change_below":
            return f"{name}{where} changed by {value or 0:+.0%} within {_length(condition.window_s)}"
        case "burn_rate":
            return f"{name}{where}: {amount(condition.metric, value)}, the budget of errors burns too fast"
    return f"{name}{where}: {amount(condition.metric, value)} in {_length(condition.window_s)}"


def summary(condition: MetricCondition | SearchCondition, labels: Mapping[str, str], seen: Observation) -> str:
    """A sentence or two with the figures."""
    length = _length(condition.window_s)
    if isinstance(condition, SearchCondition):
        told = f"told {condition.compare} {condition.threshold:g}"
        return f"The search found {seen.volume:,} traces of the last {length}; {told}."
    metric, bound = condition.metric, amount(condition.metric, condition.threshold)
    now = (
        f"{NAMES[metric]}{_where(labels)} in the last {length}: {amount(metric, seen.value)} ({seen.volume:,} counted)."
    )
    match condition.compare:
        case "absent":
            return f"{now} In the {length} before there were {seen.volume_before:,}."
        case "change_above" | "change_below":
            sign = "+" if condition.compare == "change_above" else "-"
            return f"{now} The {length} before: {amount(metric, seen.before)}. Told at {sign}{condition.threshold:.0%}."
        case "burn_rate":
            most = amount(metric, limit(condition))
            times = multiple(condition.window_s)
            return f"{now} Lately: {amount(metric, seen.short)}. Told at {most}, {times:g} times the budget of {bound}."
    return f"{now} Told {condition.compare} {bound}."


def amount(metric: Metric, value: float | None) -> str:
    """With its unit."""
    if value is None:
        return "none"
    if metric.endswith("error_rate"):
        return f"{value * 100:.1f} %"
    if metric.startswith("cost"):
        return f"{value:,.4g} USD" if value < 1 else f"{value:,.2f} USD"
    if "latency" in metric:
        return f"{value:,.3g} s"
    return f"{value:,.4g}" if value < 1000 and value != int(value) else f"{value:,.0f}"


def _where(labels: Mapping[str, str]) -> str:
    said = ", ".join(value if name == "agent" else f"{name} {value}" for name, value in labels.items())
    return f" of {said}" if said else ""


def _length(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            number = seconds // size
            return f"{number} {word}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"
