"""Tools: volume, latency, who calls them, and what their errors say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.aggregates.period import Grid, Period
from tracestore.errors import NotFound


@dataclass(slots=True)
class ToolFigures:
    """One tool over a period, or one caller's use of it; latencies in nanoseconds."""

    tool: str
    calls: int
    errors: int
    traces: int
    agents: list[str]
    p50_ns: int
    p95_ns: int
    p99_ns: int
    last_ns: int


@dataclass(slots=True)
class Caller:
    agent: str
    calls: int
    errors: int
    traces: int
    p95_ns: int


@dataclass(slots=True)
class ToolPlace:
    """One place of a series; latencies in nanoseconds, 0 without calls."""

    calls: int = 0
    errors: int = 0
    p50_ns: int = 0
    p95_ns: int = 0
    p99_ns: int = 0


@dataclass(slots=True)
class ErrorKind:
    """Errors whose messages differ only in numbers, ids and quoted words; `example` is the latest as it came."""

    template: str
    error_type: str
    where: list[str]
    occurrences: int
    traces: int
    first_ns: int
    last_ns: int
    example: str
    trace_id: str
    span_id: str

    @property
    def search(self) -> str:
        """The longest part of the template that every message has, as a quoted phrase for the list of traces."""
        parts = re.split(r"<id>|<n>|\"…?\"?|…", self.template)
        found = max((part.strip() for part in parts), key=len, default="")
        return f'"{found}"' if found else ""


def tools(period: Period, *, agent: str = "", limit: int = 500, offset: int = 0) -> list[ToolFigures]:
    """By number of calls, then by name; of one agent when it is named.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {**period.parameters, "agent": agent, "tool": "", "limit": limit, "offset": offset}
    return [ToolFigures(*row) for row in client.run(queries.load("tools"), asked).result_rows]


def tool(period: Period, name: str) -> ToolFigures:
    """One tool; zeros when it was not called in the period.

    Raises:
        NotFound: it was never called in the project.
    """
    asked = {**period.parameters, "agent": "", "tool": name, "limit": 1, "offset": 0}
    rows = client.run(queries.load("tools"), asked).result_rows
    if rows:
        return ToolFigures(*rows[0])
    if not client.run(queries.load("tool_known"), {"project": period.project, "tool": name}).result_rows:
        raise NotFound("There is no such tool in this project.")
    return ToolFigures(name, 0, 0, 0, [], 0, 0, 0, 0)


def over_time(period: Period, name: str, grid: Grid) -> list[ToolPlace]:
    found = [ToolPlace() for _ in range(grid.places)]
    asked = {**period.parameters, **grid.parameters, "tool": name}
    for place, *row in client.run(queries.load("tool_over_time"), asked).result_rows:
        found[place] = ToolPlace(*row)
    return found


def callers(period: Period, name: str) -> list[Caller]:
    """Agents by number of calls; '' are calls outside any agent."""
    asked = {**period.parameters, "tool": name}
    return [Caller(*row) for row in client.run(queries.load("tool_callers"), asked).result_rows]


def errors(period: Period, *, agent: str = "", tool: str = "", limit: int = 20) -> list[ErrorKind]:
    """The most frequent kinds of error, of an agent or a tool when named; where it happened, not the spans around."""
    asked = {**period.parameters, "agent": agent, "tool": tool, "limit": limit}
    return [ErrorKind(*row) for row in client.run(queries.load("error_kinds"), asked).result_rows]
