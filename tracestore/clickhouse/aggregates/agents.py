"""Agents: what each did, how its versions compare, how its runs are spread, and the way it usually goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Grid, Period
from tracestore.errors import NotFound

#: Agents of one answer at most; names of agents are few.
MOST: Final = 1_000


@dataclass(slots=True)
class AgentFigures:
    """One agent over a period. `traces` are those it took part in, `failed` those of them with status error.

    Calls, errors, tokens and cost are of the agent's own spans, so that sums over agents count nothing
    twice. `p50_ns` to `p99_ns` are of its spans of type agent, 0 when it has none.
    """

    agent: str
    traces: int = 0
    failed: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    unpriced_calls: int = 0
    p50_ns: int = 0
    p95_ns: int = 0
    p99_ns: int = 0
    models: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    last_ns: int = 0


@dataclass(slots=True)
class Version:
    """One version of an agent: its traces, and what they had on average. Times in nanoseconds since 1970."""

    version: str
    traces: int
    errors: int
    llm_calls: int
    cost_usd: float | None
    p95_ns: int
    first_ns: int
    last_ns: int


@dataclass(slots=True)
class VersionPlace:
    place: int
    version: str
    traces: int
    errors: int
    cost_usd: float | None


@dataclass(slots=True)
class PathTaken:
    """A sequence of tools, repeats in a row counted once, and in how many of the agent's traces it was."""

    tools: list[str]
    traces: int
    share: float
    trace_id: str


def agents(period: Period, *, only: str = "") -> list[AgentFigures]:
    """By number of traces, then by name.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {**period.parameters, "agent": only, "limit": MOST}
    spans = client.run(queries.load("agents_spans"), asked).result_rows
    traces = client.run(queries.load("agents_traces"), asked).result_rows
    found: dict[str, AgentFigures] = {}
    for name, count, failed in traces:
        found[name] = AgentFigures(name, count, failed)
    for name, *figures in spans:
        # A span may lie in the time whose trace began before it.
        known = found.get(name) or AgentFigures(name)
        found[name] = AgentFigures(name, known.traces, known.failed, *figures)
    return sorted(found.values(), key=lambda agent: (-agent.traces, agent.agent))


def agent(period: Period, name: str) -> AgentFigures:
    """One agent; zeros when it did nothing in the period.

    Raises:
        NotFound: no span of the project ever named it.
    """
    found = agents(period, only=name)
    if found:
        return found[0]
    if not client.run(queries.load("agent_known"), {"project": period.project, "agent": name}).result_rows:
        raise NotFound("There is no such agent in this project.")
    return AgentFigures(name)


def versions(period: Period, name: str) -> list[Version]:
    """Latest first."""
    return [Version(*row) for row in _asked("agent_versions", period, name)]


def versions_over_time(period: Period, name: str, grid: Grid) -> list[VersionPlace]:
    """Only places in which a version has traces."""
    return [VersionPlace(*row) for row in _asked("agent_versions_over_time", period, name, grid)]


def spread(period: Period, name: str) -> dict[str, list[tuple[int, int]]]:
    """How `steps`, `tokens` and `cost` of the agent are spread over its traces: (place, traces) in order.

    A step's place is its number; tokens and cost have four places to a power of ten, of tokens and of
    millionths of a dollar: place p holds 10^(p/4) and above. What is nothing has place -1.
    """
    found: dict[str, list[tuple[int, int]]] = {"steps": [], "tokens": [], "cost": []}
    for measure, place, traces in _asked("agent_spread", period, name):
        found[measure].append((place, traces))
    return found


def paths(period: Period, name: str) -> list[PathTaken]:
    """The most frequent ways through the tools, at most five."""
    return [PathTaken(*row) for row in _asked("agent_paths", period, name)]


def _asked(query: str, period: Period, name: str, grid: Grid | None = None) -> Sequence[Any]:
    asked = {**period.parameters, **(grid.parameters if grid else {}), "agent": name}
    rows: Sequence[Any] = client.run(queries.load(query), asked).result_rows
    return rows
