"""The three kinds of condition, as they stand in the API, in a rules file and in the database. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracestore.errors import InvalidInput

Severity = Literal["info", "warning", "critical"]
#: Of the spans or traces that began in the window. Shares are of 1, latencies in seconds, costs in dollars.
Metric = Literal[
    "error_rate", "runs", "cost_usd", "cost_per_run", "tokens", "tokens_per_run", "steps_per_run", "latency_p50",
    "latency_p95", "latency_p99", "tool_calls", "tool_error_rate", "tool_latency_p95", "llm_calls", "llm_error_rate",
    "llm_latency_p95",
]  # fmt: skip
Dimension = Literal["agent", "tool", "model", "user", "version"]
#: `change`: against the same length of time before; `absent`: nothing came where something came the window before;
#: `burn_rate`: the threshold is a budget of errors (a share), fast in a long and a short window.
Comparison = Literal["above", "below", "change_above", "change_below", "absent", "burn_rate"]

Window = Annotated[int, Meta(ge=60, le=30 * 86_400)]
Words = tuple[Annotated[str, Meta(max_length=300)], ...]


class FindingsCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings of detectors (all if empty) about agents (all if empty), from a severity on.

    `min_count` of them of one problem within `window_s`, which together wasted at least `min_wasted_usd`.
    """

    detectors: Words = ()
    agents: Words = ()
    min_severity: Severity = "warning"
    min_wasted_usd: Annotated[float, Meta(ge=0)] = 0.0
    min_count: Annotated[int, Meta(ge=1, le=100_000)] = 1
    window_s: Window = 3_600


class MetricCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric of each value of the dimensions in `by` (of the whole project if empty) over `window_s`.

    It fires beyond `threshold` and is over on the other side of `clear` (the threshold if None): hysteresis.
    Groups with fewer than `min_volume` runs (tool calls, model calls) say nothing. `only` keeps one value of a
    dimension ({"agent": "planner"}).
    """

    metric: Metric
    compare: Comparison = "above"
    threshold: float = 0.0
    clear: float | None = None
    by: tuple[Dimension, ...] = ()
    only: dict[Dimension, Annotated[str, Meta(max_length=300)]] = {}
    min_volume: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    window_s: Window = 900


class SearchCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many traces of the last `window_s` a search of the trace list finds. `view` is a saved view's id, which is
    followed when it changes; else `query` counts.
    """

    query: Annotated[str, Meta(max_length=2_000)] = ""
    view: int | None = None
    compare: Literal["above", "below"] = "above"
    threshold: Annotated[float, Meta(ge=0)] = 0.0
    clear: float | None = None
    by: tuple[Literal["agent"], ...] = ()
    window_s: Window = 900


Condition = FindingsCondition | MetricCondition | SearchCondition

KINDS: Final[dict[str, type[Condition]]] = {
    "findings": FindingsCondition,
    "metric": MetricCondition,
    "search": SearchCondition,
}


def parse(kind: str, stored: Mapping[str, Any]) -> Condition:
    """A condition from JSON.

    Raises:
        InvalidInput: names the field and what was expected.
    """
    if kind not in KINDS:
        raise InvalidInput(f"kind={kind[:100]!r}: expected one of {', '.join(KINDS)}.", field="kind")
    try:
        return msgspec.convert(dict(stored), KINDS[kind])
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`") or "condition"
        raise InvalidInput(f"condition: {field}: {said}.", field=f"condition.{field}") from error


def as_json(condition: Condition) -> dict[str, Any]:
    """All fields, defaults too, so that what is stored says what it means when defaults change."""
    found: dict[str, Any] = msgspec.to_builtins(condition)
    return found
