"""A tool fails more often than it usually does for this agent. Method: `share_change`.

Agent x tool x version, hourly. `judge` is shared with `error_outage`, which speaks for three or more of these.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from tracestore.detectors.detector import setting
from tracestore.detectors.error_causes import cause_of
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, ToolHour, ToolHours
from tracestore.detectors.share_change import Change, ShareHistory, ShareSettings, lay_out
from tracestore.detectors.statistics.beta_binomial import wilson

DAYS = 15


@dataclass(frozen=True, slots=True)
class ToolErrorSettings(ShareSettings):
    """`ShareSettings`, and when single tools become one outage."""

    together: int = setting(
        3, "So many tools of one agent, or agents of one tool, in the same hour are one outage.", minimum=2
    )


class Group(NamedTuple):
    """Pairs that got worse in the same hour. `agent` or `tool` is what they share; the other is ''."""

    agent: str
    tool: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Confirmed `single` changes, `new` tools that mostly fail, and `outages` that explain the other changes."""

    series: list[tuple[str, str, str]]
    shares: ShareHistory
    first_hour: int
    single: tuple[Change, ...]
    new: tuple[Change, ...]
    outages: tuple[Group, ...]

    def pair(self, change: Change) -> tuple[str, str]:
        agent, tool, _ = self.series[change.series]
        return agent, tool


def prepare(history: ToolHours) -> tuple[list[tuple[str, str, str]], ShareHistory, int]:
    """Series (agent, tool, version), their counts, and the hour since the epoch of the first column."""
    rows = [(row.hour_ns, (row.agent, row.tool, row.agent_version), row.calls, row.failed) for row in history.rows]
    series, calls, failed, first = lay_out(rows, history.now_ns, DAYS)
    pairs: dict[tuple[str, str], int] = {}
    group = np.array([pairs.setdefault(key[:2], len(pairs)) for key in series], dtype=np.int64)
    return series, ShareHistory(calls, failed, group, first), first


def judge(history: ToolHours, settings: ToolErrorSettings) -> Judged:
    """What changed by the end of the history."""
    return judge_at(*prepare(history), DAYS * 24, settings)


def judge_at(
    series: list[tuple[str, str, str]], shares: ShareHistory, first: int, end: int, settings: ToolErrorSettings
) -> Judged:
    """What changed by column `end` (excluded)."""
    if not series:
        return Judged(series, shares, first, (), (), ())
    now = shares.strongest(end, settings)
    outages = together(now, [key[0] for key in series], [key[1] for key in series], settings.together)
    explained = {id(change) for outage in outages for change in outage.changes}
    before = {int(shares.group[change.series]) for change in shares.changes(end - 1, settings)}
    single = tuple(c for c in now if id(c) not in explained and int(shares.group[c.series]) in before)
    return Judged(series, shares, first, single, tuple(shares.mostly_failing(end, settings)), outages)


def together(changes: list[Change], agents: list[str], tools: list[str], least: int) -> tuple[Group, ...]:
    """The largest groups first; a change belongs to one group. Three that agree need no second hour."""
    groups: list[Group] = []
    left = list(changes)
    while True:
        by: dict[tuple[str, str], list[Change]] = defaultdict(list)
        for change in left:
            by[agents[change.series], ""].append(change)
            by["", tools[change.series]].append(change)
        if not by:
            break
        (agent, tool), members = max(by.items(), key=lambda item: (len(item[1]), item[0]))
        if len(members) < least:
            break
        groups.append(Group(agent, tool, tuple(members)))
        left = [change for change in left if change not in members]
    return tuple(groups)


class ErrorKinds(NamedTuple):
    """The messages of a window: the most frequent, whether it was never seen before it, and one failure to look at."""

    template: str
    is_new: bool
    trace: str
    span: str


def kinds(rows: Iterable[ToolHour], since_ns: int) -> ErrorKinds:
    """Of the rows of some pairs, those at or after `since_ns` against the earlier ones."""
    now: Counter[str] = Counter()
    before: set[str] = set()
    example = ("", "")
    most = 0
    for row in rows:
        if row.hour_ns >= since_ns:
            now[row.template] += row.failed if row.template else 0
            if row.example_trace and row.failed >= most:
                example, most = (row.example_trace, row.example_span), row.failed
        elif row.template:
            before.add(row.template)
    template = next((name for name, count in now.most_common(1) if count), "")
    return ErrorKinds(template, bool(template) and template not in before, *example)


def percent(share: float) -> str:
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:.0f} %"


class ToolErrorRate:
    """Window detector."""

    id = "tool_error_rate"
    version = "1"
    title = "Tool error rate"
    method = (
        "Failed calls per agent, tool and version in the last 6, 24 and 72 hours against the tool's own two weeks: "
        "beta-binomial tail, corrected for all tools asked, a rise of at least 5 points, seen in two hours in a row"
    )
    defaults = ToolErrorSettings()
    reads = ToolHours
    every = timedelta(hours=1)

    def detect(self, history: ToolHours, settings: ToolErrorSettings) -> Iterable[Finding]:
        judged = judge(history, settings)
        for change in judged.single:
            yield self._finding(history, judged, change, known=True)
        for change in judged.new:
            yield self._finding(history, judged, change, known=False)

    def coverage(self, history: ToolHours, settings: ToolErrorSettings) -> Mapping[str, bool]:
        """By agent: is there enough to say that its tools are well? One tool that can be judged suffices."""
        series, shares, _ = prepare(history)
        agents: dict[str, bool] = {}
        if not series:
            return agents
        for key, sure in zip(series, shares.enough(shares.total.shape[1], settings), strict=True):
            agents[key[0]] = agents.get(key[0], False) or bool(sure)
        return agents

    def _finding(self, history: ToolHours, judged: Judged, change: Change, *, known: bool) -> Finding:
        agent, tool, version = judged.series[change.series]
        since_ns = (judged.first_hour + judged.shares.since(change)) * HOUR_NS
        rows = [row for row in history.rows if row.agent == agent and row.tool == tool]
        error = kinds(rows, since_ns)
        now = change.hits / change.total
        low, high = wilson(change.hits, change.total)
        measured = (
            f"In the last {change.hours} hours {change.hits} of {change.total} calls of {tool} by {agent} failed "
            f"({percent(now)}, 95 % interval {percent(low)} to {percent(high)})"
        )
        if known:
            title = f"{tool} fails in {percent(now)} of calls, usually {percent(change.usual)}"
            told = f"{measured}. Usual is {percent(change.usual)}, from {change.known} earlier calls."
        else:
            title = f"{tool} is new and fails in {percent(now)} of calls"
            told = f"{measured}. The tool is too new to have a usual rate."
        versions = {row.agent_version for row in rows}
        if version and len(versions) > 1:
            told += f" Measured on version {version}."
        if error.template:
            told += f" Most frequent error: {error.template}" + (" (not seen before)." if error.is_new else ".")
        return Finding(
            detector=self.id,
            version=self.version,
            severity="critical" if now >= 0.5 and known else "warning",
            title=title,
            explanation=told,
            agent=agent,
            key=tool,
            first_seen_ns=since_ns,
            last_seen_ns=history.now_ns,
            span_ids=(error.span,) if error.span else (),
            look_first=error.span,
            cause=cause_of(error.template),
            window=(history.now_ns - 1) // DAY_NS * DAY_NS,
            evidence={
                "tool": tool,
                "agent_version": version,
                "hours": change.hours,
                "failed": change.hits,
                "calls": change.total,
                "rate": round(now, 4),
                "interval": [round(low, 4), round(high, 4)],
                "usual": round(change.usual, 4) if known else None,
                "usual_calls": change.known if known else 0,
                "p_value": change.p_value if known else None,
                "error": error.template,
                "error_is_new": error.is_new,
                "example_trace": error.trace,
            },
        )
