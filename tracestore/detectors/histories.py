"""What detectors of windows read: plain rows by hour or day, oldest first, as the store counts them.

Pure shapes. Times are nanoseconds since the epoch; `now_ns` is the end of the window that is judged, and
rows may reach into it. All rows of a history belong to one project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS


class ToolHour(NamedTuple):
    """Executions of one tool by one agent in one hour. `failed` counts hidden errors too (results that say so).

    `template` is the most frequent error of the hour with its variable parts masked, `example` (trace, span)
    one failure.
    """

    hour_ns: int
    agent: str
    agent_version: str
    tool: str
    calls: int
    failed: int
    template: str = ""
    example_trace: str = ""
    example_span: str = ""


@dataclass(frozen=True, slots=True)
class ToolHours:
    """Up to 15 days of `ToolHour`."""

    project: str
    now_ns: int
    rows: tuple[ToolHour, ...]


class CostHour(NamedTuple):
    """What one subject spent in one hour. `kind` is agent, user, session or model; `name` is which.

    `runs` counts the traces that started, `dearest_trace` is the one that cost the most.
    """

    hour_ns: int
    kind: str
    name: str
    cost_usd: float
    tokens: int
    runs: int
    dearest_trace: str = ""
    dearest_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class CostHours:
    """Up to 42 days of `CostHour`."""

    project: str
    now_ns: int
    rows: tuple[CostHour, ...]


class LatencyHour(NamedTuple):
    """How long the calls of one series took in one hour: `kind` tool or model, `name`, of one agent.

    `seconds` is a uniform sample of at most 200 durations, `calls` the true number. For models `seconds` is
    of non-empty answers; `per_token` (same order, 0 where unknown) is seconds per output token.
    """

    hour_ns: int
    agent: str
    kind: str
    name: str
    calls: int
    seconds: tuple[float, ...]
    per_token: tuple[float, ...] = ()
    slow_trace: str = ""
    slow_span: str = ""


@dataclass(frozen=True, slots=True)
class LatencyHours:
    """Up to 8 days of `LatencyHour`."""

    project: str
    now_ns: int
    rows: tuple[LatencyHour, ...]


class RunText(NamedTuple):
    """One finished run as drift sees it: what the agent said, and what it did.

    `said` is its messages joined by newlines (cut at 8,000 characters), `final` its last answer, `tools` its
    tool calls in order.
    """

    start_ns: int
    trace_id: str
    agent: str
    agent_version: str
    said: str
    final: str
    tools: tuple[str, ...]
    messages: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RunTexts:
    """A sample of one agent's runs, up to 40 days, at most some hundred a day."""

    project: str
    agent: str
    now_ns: int
    rows: tuple[RunText, ...]


class EventHour(NamedTuple):
    """How often something happened to an agent in an hour: `event` is `empty_retrieval`, `truncated_output` or `retry`.

    `name` is the retriever, model or tool; `total` is what could have been hit.
    """

    hour_ns: int
    agent: str
    event: str
    name: str
    total: int
    hit: int
    example_trace: str = ""
    example_span: str = ""


@dataclass(frozen=True, slots=True)
class EventHours:
    """Up to 8 days of `EventHour`."""

    project: str
    now_ns: int
    rows: tuple[EventHour, ...]
