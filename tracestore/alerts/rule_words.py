"""What a rule says, in a sentence. Pure.

The words are for people who did not write the rule: `says` is shown in lists, `timing` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tracestore.alerts import durations
from tracestore.alerts.conditions.condition import (
    Condition,
    FindingsCondition,
    MetricCondition,
    SearchCondition,
    parse,
)
from tracestore.detectors import registry
from tracestore.errors import InvalidInput


def number(value: float) -> str:
    """`20`, `0.5`, `1,000,000`: no exponent, no zeros that say nothing."""
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def dollars(value: float) -> str:
    return (
        f"${number(value)}" if value == round(value) else f"${value:,.6f}".rstrip("0").ljust(len(f"${value:,.2f}"), "0")
    )


def share(value: float) -> str:
    return f"{number(round(value * 100, 6))} %"


def seconds(value: float) -> str:
    return f"{number(value)} s"


#: Metric → what it is called, how its values are written, what `min_volume` counts.
METRICS: Final[Mapping[str, tuple[str, Callable[[float], str], str]]] = {
    "error_rate": ("share of failed runs", share, "runs"),
    "runs": ("number of runs", number, "runs"),
    "cost_usd": ("cost", dollars, "runs"),
    "cost_per_run": ("mean cost of a run", dollars, "runs"),
    "tokens": ("number of tokens", number, "runs"),
    "tokens_per_run": ("mean tokens of a run", number, "runs"),
    "steps_per_run": ("mean steps of a run", number, "runs"),
    "latency_p50": ("median duration of runs", seconds, "runs"),
    "latency_p95": ("95th percentile of the duration of runs", seconds, "runs"),
    "latency_p99": ("99th percentile of the duration of runs", seconds, "runs"),
    "tool_calls": ("number of tool calls", number, "tool calls"),
    "tool_error_rate": ("share of failed tool calls", share, "tool calls"),
    "tool_latency_p95": ("95th percentile of the duration of tool calls", seconds, "tool calls"),
    "llm_calls": ("number of model calls", number, "model calls"),
    "llm_error_rate": ("share of failed model calls", share, "model calls"),
    "llm_latency_p95": ("95th percentile of the duration of model calls", seconds, "model calls"),
}
#: What is counted, for "no … came".
COUNTED: Final[Mapping[str, str]] = {"runs": "runs", "tool calls": "tool calls", "model calls": "model calls"}
FROM: Final[Mapping[str, str]] = {
    "info": "", "warning": "of severity warning or critical", "critical": "of severity critical",
}  # fmt: skip


def listed(words: Sequence[str], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def says(condition: Condition, view: str = "") -> str:
    """The condition as a sentence; `view` is the name of the saved view that it follows."""
    match condition:
        case FindingsCondition():
            return _findings(condition)
        case MetricCondition():
            return _metric(condition)
        case SearchCondition():
            return _search(condition, view)


def _findings(one: FindingsCondition) -> str:
    times = f"{one.min_count:,} findings" if one.min_count > 1 else "A finding"
    if one.min_count > 1:
        times = f"At least {times} of one problem within {durations.words(one.window_s)}"
    parts = [times, f"by {_detectors(one.detectors)}", FROM[one.min_severity]]
    if one.agents:
        parts.append(f"about {listed(one.agents)}")
    if one.min_wasted_usd:
        together = "which together" if one.min_count > 1 else "which"
        parts[-1 if parts[-1] else -2] += f", {together} wasted {dollars(one.min_wasted_usd)} or more"
    return " ".join(filter(None, parts)) + "."


def _detectors(chosen: Sequence[str]) -> str:
    """Nearly all are named by those that are not among them."""
    known = dict.fromkeys(one.id for one in (*registry.trace_detectors(), *registry.window_detectors()))
    others = [name for name in known if name not in chosen]
    if not chosen or not others:
        return "any detector"
    return f"any detector but {listed(others, 'and')}" if len(others) <= 2 < len(chosen) else listed(chosen)


def _metric(one: MetricCondition) -> str:
    name, write, counts = METRICS[one.metric]
    window = durations.words(one.window_s)
    whose = f" of each {_dimensions(one.by)}" if one.by else ""
    where = f", only {listed([f'{name} {value}' for name, value in one.only.items()], 'and')}" if one.only else ""
    volume = f"; counted from {one.min_volume:,} {counts} on" if one.min_volume > 1 else ""
    if one.compare == "absent":
        before = f"{one.min_volume:,} or more" if one.min_volume > 1 else "some"
        return f"No {COUNTED[counts]}{whose} in {window}, though {before} came in the {window} before{where}."
    if one.compare == "burn_rate":
        return (
            f"The {name}{whose} uses up an allowance of {write(one.threshold)} much too fast, over {window} and just "
            f"now{where}{volume}."
        )
    over = f"; over when {_clear(one.compare, write, one.clear)}" if one.clear is not None else ""
    if one.compare.startswith("change"):
        way = "higher" if one.compare == "change_above" else "lower"
        over = f"; over when {way} by {share(one.clear)} or less" if one.clear is not None else ""
        return (
            f"The {name}{whose} over {window} is {way} by more than {share(one.threshold)} than in the {window} before"
            f"{where}{over}{volume}."
        )
    return f"The {name}{whose} over {window} is {one.compare} {write(one.threshold)}{where}{over}{volume}."


def _search(one: SearchCondition, view: str) -> str:
    what = f"the saved view “{view or one.view}”" if one.view is not None else f"the search “{one.query}”"
    if one.view is None and not one.query.strip():
        what = "all traces"
    whose = " for each agent" if one.by else ""
    way = "more than" if one.compare == "above" else "fewer than"
    over = f"; over when {_clear(one.compare, number, one.clear)}" if one.clear is not None else ""
    finds = "are" if what == "all traces" else "finds"
    count = f"{way} {number(one.threshold)}"
    if what == "all traces":
        return f"There {finds} {count} traces{whose} in {durations.words(one.window_s)}{over}."
    return f"{what[0].upper()}{what[1:]} {finds} {count} traces{whose} in {durations.words(one.window_s)}{over}."


def _clear(compare: str, write: Callable[[float], str], clear: float) -> str:
    return f"at {write(clear)} or {'less' if compare.endswith('above') else 'more'}"


def _dimensions(by: Sequence[str]) -> str:
    return listed([{"version": "agent version"}.get(name, name) for name in by], "and")


def timing(hold_s: int, keep_firing_s: int) -> str:
    """When it begins and when it is over."""
    begins = f"Fires when it has been so for {durations.words(hold_s)}" if hold_s else "Fires at once"
    ends = f"over when it has not been so for {durations.words(keep_firing_s)}" if keep_firing_s else "over at once"
    return f"{begins}; {ends}."


def said_of(kind: str, stored: Mapping[str, object], view: str = "") -> str:
    """As `says`, of what is stored; of a condition that a newer version wrote, that it cannot be read."""
    try:
        return says(parse(kind, dict(stored)), view)
    except InvalidInput as error:
        return f"This condition cannot be read: {error.message}"
