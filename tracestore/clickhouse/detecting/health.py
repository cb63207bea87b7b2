"""Works out and stores the state of each agent, and reads it. The rules are `tracestore/analysis/health.py`."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from tracestore.analysis import health
from tracestore.analysis.health import Judged, Seen
from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.settling import microseconds, nanoseconds
from tracestore.clickhouse.writer import insert

HOUR_US: Final = 3_600_000_000
#: (project, agent, version); version '' is all together.
Who = tuple[str, str, str]

MEASURES: Final = ("runs_hour", "calls", "failures", "cost_hour", "llm_p95_seconds")
#: The same of an agent that did not run.
NO_RUNS: Final = (0, 0, 0, 0.0, math.nan)
#: States are worked out each minute. The figures of a whole day are read again after so many times what reading them
#: took: where a day is a hundred million spans, they may be half an hour old.
DAY_RESTS: Final = 20.0


@dataclass(slots=True)
class _Parts:
    """What was seen of an agent, while it is collected."""

    measures: dict[str, float] = field(default_factory=dict)
    critical_runs: dict[str, int] = field(default_factory=dict)
    warning_runs: dict[str, int] = field(default_factory=dict)
    critical_windows: dict[str, str] = field(default_factory=dict)
    warning_windows: dict[str, str] = field(default_factory=dict)

    def seen(self) -> Seen:
        runs = int(self.measures.get("runs_hour", 0))
        most = max([0, *self.critical_runs.values(), *self.warning_runs.values()])
        return Seen(
            max(runs, most), int(self.measures.get("runs_day", 0)), self.critical_runs, self.warning_runs,
            self.critical_windows, self.warning_windows,
        )  # fmt: skip


class DayFigures:
    """Runs and cost of the last day of each agent and version, as they were read last."""

    def __init__(self) -> None:
        self._known: dict[Who, tuple[int, float]] = {}
        self._due = 0.0

    def at(self, day: str) -> dict[Who, tuple[int, float]]:
        """Since `day`. Raises Unavailable."""
        began = time.monotonic()
        if began >= self._due:
            rows = client.run(queries.load("health_day"), {"day": day}).result_rows
            self._known = {row[:3]: row[3:] for row in rows}
            ended = time.monotonic()
            self._due = ended + (ended - began) * DAY_RESTS
        return self._known


def work_out(now_us: int, without: Collection[str] = (), days: DayFigures | None = None) -> int:
    """Works out the state of every agent that ran or had findings in the last day; gives how many states.

    `without`: projects that are left out. `days`: what is known of whole days; None reads it.

    Raises:
        Unavailable: the store does not answer.
    """
    at = {name: nanoseconds((now_us - hours * HOUR_US) * 1000)
          for name, hours in (("hour", 1), ("two_hours", 2), ("day", 24), ("week", 168))}  # fmt: skip
    found: defaultdict[Who, _Parts] = defaultdict(_Parts)
    hour = {row[:3]: row[3:] for row in client.run(queries.load("health_runs"), {"hour": at["hour"]}).result_rows}
    day = (days or DayFigures()).at(at["day"])
    for who in hour.keys() | day.keys():
        found[who].measures = _measures(hour.get(who, NO_RUNS), day.get(who, (0, 0.0)))
    for row in client.run(queries.load("health_findings"), at).result_rows:
        project, agent, version, detector, severity, of_window, runs, title, fresh = row
        if not agent:
            continue
        parts = found[project, agent, version]
        if not of_window:
            kept = parts.critical_runs if severity == "critical" else parts.warning_runs
            kept[detector] = kept.get(detector, 0) + runs
        elif severity == "critical" and fresh:
            parts.critical_windows[detector] = title
        else:
            parts.warning_windows.setdefault(detector, title)
    since = microseconds(now_us - 2 * health.WINDOW_MINUTES * 60_000_000)[:-3]
    before: defaultdict[Who, list[tuple[str, list[str]]]] = defaultdict(list)
    for project, agent, version, state, reasons in client.run(
        queries.load("health_before"), {"since": since}
    ).result_rows:
        before[project, agent, version].append((state, reasons))
    states = []
    for who, parts in found.items():
        if who[0] in without:
            continue
        seen = health.judge(parts.seen())
        measures = parts.measures | {
            f"findings.{name}": float(runs) for name, runs in (parts.warning_runs | parts.critical_runs).items()
        }
        states.append((who, seen, health.settled(seen, before[who]), measures))
    store(states, now_us)
    return len(states)


def _measures(hour: Sequence[float], day: tuple[int, float]) -> dict[str, float]:
    """By name; without those that no call had. The figures of the day may have been read before those of the hour."""
    found = {name: float(value) for name, value in zip(MEASURES, hour, strict=True) if not math.isnan(value)}
    return found | {"runs_day": max(float(day[0]), found["runs_hour"]), "cost_day": max(day[1], found["cost_hour"])}


def store(states: list[tuple[Who, Judged, Judged, dict[str, float]]], now_us: int) -> None:
    """Writes (who, by what was seen, as it is shown, measures)."""
    if not states:
        return
    shown = [one[2] for one in states]
    number = len(states)
    at = pa.array([now_us // 1000] * number, pa.int64()).cast(pa.timestamp("ms", "UTC"))
    rows = {
        "project": columns.text([one[0][0] for one in states]),
        "agent": columns.text([one[0][1] for one in states]),
        "agent_version": columns.text([one[0][2] for one in states]),
        "at": at,
        "state": columns.text([one.state for one in shown]),
        "seen_state": columns.text([one[1].state for one in states]),
        "measures": pa.array([list(one[3].items()) for one in states], pa.map_(pa.string(), pa.float64())),
        "reasons": pa.array([list(one.reasons) for one in shown], pa.list_(pa.string())),
        "healthy_again": pa.array([list(one.healthy_again) for one in shown], pa.list_(pa.string())),
        "version": columns.counts([time.time_ns()] * number),
    }
    insert("stored_agent_health", pa.table(rows))


@dataclass(slots=True)
class AgentHealth:
    """The latest state of an agent or of one of its versions ('' = all together); `at_ns` when it was worked out."""

    agent: str
    agent_version: str
    at_ns: int
    state: str
    measures: dict[str, float]
    reasons: list[str]
    healthy_again: list[str]


def latest(project: str, since: datetime, agent: str = "") -> list[AgentHealth]:
    """The latest states since a moment, by agent and version; of one agent when it is named."""
    condition = "agent = {agent:String}" if agent else "1"
    asked = {"project": project, "since": f"{since:%Y-%m-%d %H:%M:%S}.000", "agent": agent}
    rows = client.run(queries.load("health_states", condition), asked).result_rows
    return [AgentHealth(*row) for row in rows]


def over_time(
    project: str, agent: str, since: datetime, until: datetime, *, version: str = "", points: int = 240
) -> list[tuple[int, str, dict[str, float]]]:
    """(start of the bucket in ns, worst state, mean of each measure), in about so many buckets of whole minutes."""
    step = max(60, int((until - since) / timedelta(seconds=1)) // points // 60 * 60)
    asked = {
        "project": project, "agent": agent, "version": version, "step": step,
        "since": f"{since:%Y-%m-%d %H:%M:%S}.000", "until": f"{until:%Y-%m-%d %H:%M:%S}.000",
    }  # fmt: skip
    rows: list[Any] = client.run(queries.load("health_over_time"), asked).result_rows
    return [(bucket, state, dict(measures)) for bucket, state, measures in rows]
