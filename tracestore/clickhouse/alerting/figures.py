"""Figures of one group of runs, tool calls or model calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: `runs`: traces, each of the agent that it began with; by tool or model each trace that used it. `tools`, `models`:
#: single calls, of the agent that made them.
Family = Literal["runs", "tools", "models"]
FAMILIES: Final = ("runs", "tools", "models")
DIMENSIONS: Final = ("agent", "tool", "model", "user", "version")


@dataclass(frozen=True, slots=True)
class Example:
    """A trace, or a span of one, to look at."""

    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """`volume` is runs or calls. Times in ns. `cost_usd` is the sum of what has a price. Examples: some that failed,
    the slowest, the dearest, the one with most tokens, with most steps, and the latest.
    """

    volume: int = 0
    failed: int = 0
    cost_usd: float = 0.0
    tokens: int = 0
    steps: int = 0
    p50_ns: float = 0.0
    p95_ns: float = 0.0
    p99_ns: float = 0.0
    failures: tuple[Example, ...] = ()
    slowest: Example = Example()
    dearest: Example = Example()
    largest: Example = Example()
    longest: Example = Example()
    latest: Example = Example()
