"""Histories for detectors of windows: counted by hour or day, kept as rows, read back as their shapes.

An hour is counted when it is over and again while late spans may come; the hour that runs is counted at
each refresh. What was counted is kept, so that a judgement reads rows and not weeks of spans.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.detecting import looking
from tracestore.clickhouse.detecting.looking import Touched
from tracestore.clickhouse.detecting.trajectories import Traces
from tracestore.clickhouse.settling import microseconds, nanoseconds
from tracestore.clickhouse.writer import insert
from tracestore.detectors.hidden_errors import hidden_error
from tracestore.detectors.histories import (
    DAY_NS,
    HOUR_NS,
    CostHour,
    CostHours,
    EventHour,
    EventHours,
    LatencyHour,
    LatencyHours,
    RunText,
    RunTexts,
    ToolHour,
    ToolHours,
)

#: (project, what tells rows of one hour apart, the row).
Counted = tuple[str, str, Any]

#: Hours that one refresh counts at most, beside those that late spans may still reach; and days of texts.
MOST_HOURS: Final = 48
LATE_HOURS: Final = 2
MOST_DAYS: Final = 3
#: Steps that are stored at once.
AT_ONCE: Final = 12
#: So many days that came late are a past that was imported; it is judged when it is all there.
PAST_DAYS: Final = 5
SETTLED_NS: Final = 10 * 10**9
#: A write shows up a little after the moment it says.
OVERLAP_US: Final = 5_000_000
#: Rows of a history that are read at most, distinct results that are looked at, subjects of each kind.
MOST_ROWS: Final = 500_000
MOST_RESULTS: Final = 5_000
MOST_SUBJECTS: Final = 500
#: Runs of an agent in a day whose texts are kept, and of all agents together.
SAMPLED_RUNS: Final = 150
MOST_RUNS: Final = 3_000
RUNS_AT_ONCE: Final = 200
MOST_SAID: Final = 8_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of history: its name in the table, its row, how far back it reaches, how its rows are counted."""

    name: str
    row: type
    days: int
    step_ns: int
    count: Callable[[int], Iterable[Counted]]
    #: Steps that are counted again, for late spans.
    late: int
    most_steps: int


def tool_hours(start: int) -> Iterator[Counted]:
    found: dict[tuple[str, ...], list[Any]] = {}
    for project, agent, version, tool, calls, failed, template, trace, span in _ask("history_tools", start):
        found[project, agent, version, tool] = [calls, failed, template if failed else "", trace, span]
    hidden: dict[tuple[str, ...], int] = defaultdict(int)
    for project, agent, version, tool, said, times, trace, span in _ask("history_results", start, limit=MOST_RESULTS):
        if not hidden_error(said):
            continue
        row = found.get((project, agent, version, tool))
        if row is None:
            continue  # it came between the two reads
        row[1] = min(row[0], row[1] + times)
        # The most frequent error speaks: the first of the hidden ones, which come by frequency.
        if not hidden[project, agent, version, tool] and times > row[1] - times:
            row[2:] = [said[:200], trace, span]
        hidden[project, agent, version, tool] += times
    for (project, agent, version, tool), row in found.items():
        yield project, f"{agent}\t{version}\t{tool}", ToolHour(start, agent, version, tool, *row)


def cost_hours(start: int) -> Iterator[Counted]:
    for project, kind, name, *rest in _ask("history_costs", start, limit=MOST_SUBJECTS):
        yield project, f"{kind}\t{name}", CostHour(start, kind, name, *rest)


def latency_hours(start: int) -> Iterator[Counted]:
    for project, agent, kind, name, calls, sample, trace, span in _ask("history_latencies", start):
        named = "model" if kind == "llm" else kind
        seconds = tuple(took for took, _ in sample)
        per_token = tuple(each for _, each in sample) if named == "model" else ()
        row = LatencyHour(start, agent, named, name, calls, seconds, per_token, trace, span)
        yield project, f"{agent}\t{named}\t{name}", row


def event_hours(start: int) -> Iterator[Counted]:
    for project, agent, event, name, *rest in _ask("history_events", start):
        yield project, f"{agent}\t{event}\t{name}", EventHour(start, agent, event, name, *rest)


def run_texts(start: int) -> Iterator[Counted]:
    """The texts of a day's sampled runs; read in parts, so that a day of long runs fits into memory."""
    sampled = _ask("history_sampled_runs", start, step=DAY_NS, most=SAMPLED_RUNS, limit=MOST_RUNS)
    for place in range(0, len(sampled), RUNS_AT_ONCE):
        part = sampled[place : place + RUNS_AT_ONCE]
        traces = Traces()
        traces.read([Touched(project, trace, begun, 0, 0, 0) for project, trace, _, begun, _ in part], start + DAY_NS)
        for project, trace_id, agent, begun, failed in part:
            spans = traces.trajectory((project, trace_id), 0, complete=True).spans
            said = [span.output for span in spans if span.type == "llm" and span.output]
            version = next((span.agent_version for span in spans if span.agent == agent and span.agent_version), "")
            row = RunText(
                begun, trace_id, agent, version, "\n".join(said)[:MOST_SAID], said[-1][:MOST_SAID] if said else "",
                tuple(span.tool_name for span in spans if span.type == "tool"), len(said), bool(failed),
            )  # fmt: skip
            yield project, f"{agent}\t{trace_id}", row


KINDS: Final[Mapping[type, Kind]] = {
    ToolHours: Kind("tools", ToolHour, 15, HOUR_NS, tool_hours, LATE_HOURS, MOST_HOURS),
    CostHours: Kind("costs", CostHour, 42, HOUR_NS, cost_hours, LATE_HOURS, MOST_HOURS),
    LatencyHours: Kind("latencies", LatencyHour, 8, HOUR_NS, latency_hours, LATE_HOURS, MOST_HOURS),
    EventHours: Kind("events", EventHour, 8, HOUR_NS, event_hours, LATE_HOURS, MOST_HOURS),
    RunTexts: Kind("texts", RunText, 40, DAY_NS, run_texts, 1, MOST_DAYS),
}


def refresh(reads: type, now_ns: int) -> bool:
    """Counts what is missing of a history up to now, bounded; whether more is missing.

    Steps before it in which traces came late are counted again, however old: a past may be imported.

    Raises:
        Unavailable: the store does not answer; what was counted stays.
    """
    kind = KINDS[reads]
    job, step = f"history {kind.name}", kind.step_ns
    last = now_ns // step
    first = max(looking.looked_until(job) * 1000 // step - kind.late, (now_ns - kind.days * DAY_NS) // step)
    if not looking.looked_until(job):
        first = max(first, _oldest(now_ns, kind.days) // step)
    end = min(last, first + kind.late + kind.most_steps)
    for numbers in batched(_late(kind, now_ns)):
        _store(kind, [number * step for number in numbers])
    looking.mark(f"{job} late", now_ns // 1000)
    for numbers in batched(range(first, end + 1)):
        _store(kind, [number * step for number in numbers])
        looking.mark(job, numbers[-1] * step // 1000)
    return end < last


def batched(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Steps that are counted one after the other and stored at once."""
    rest = iter(numbers)
    while batch := list(itertools.islice(rest, AT_ONCE)):
        yield batch


def count_again(kind: Kind, starts: Sequence[int]) -> None:
    """Counts some hours or days once more, those of them that were counted before: spans of them were deleted."""
    until = looking.looked_until(f"history {kind.name}") * 1000
    _store(kind, [start for start in starts if start <= until])


def past_came(reads: type, now_ns: int) -> bool:
    """Whether spans of days that were counted before have come since, as of an import, and no more are coming."""
    kind = KINDS[reads]
    late = _late(kind, now_ns)
    return len(late) * kind.step_ns >= PAST_DAYS * DAY_NS and max(late.values()) * 1000 < now_ns - SETTLED_NS


def _late(kind: Kind, now_ns: int) -> dict[int, int]:
    """Steps that were counted before and have got traces since → when they last did (µs)."""
    job = f"history {kind.name}"
    counted = looking.looked_until(job) * 1000 // kind.step_ns - kind.late
    since = looking.looked_until(f"{job} late")
    if not since or counted <= 0:
        return {}
    asked = {
        "after": microseconds(max(0, since - OVERLAP_US)), "step": kind.step_ns,
        "from": nanoseconds(now_ns - kind.days * DAY_NS), "until": nanoseconds(counted * kind.step_ns),
    }  # fmt: skip
    return dict(client.run(queries.load("history_late"), asked).result_rows)


def history(reads: type, project: str, now_ns: int) -> list[Any]:
    """The histories of a project as they are known, up to a moment: one, or of texts one for each agent."""
    kind = KINDS[reads]
    asked = {
        "project": project, "history": kind.name, "from": nanoseconds(max(0, now_ns - kind.days * DAY_NS)),
        "until": nanoseconds(now_ns), "limit": MOST_ROWS,
    }  # fmt: skip
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind.row)
    rows = [decoder.decode(row) for (row,) in client.run(queries.load("history_rows"), asked).result_rows]
    if reads is not RunTexts:
        return [reads(project, now_ns, tuple(rows))] if rows else []
    by_agent: dict[str, list[RunText]] = defaultdict(list)
    for row in rows:
        if row.start_ns < now_ns:
            by_agent[row.agent].append(row)
    return [RunTexts(project, agent, now_ns, tuple(found)) for agent, found in sorted(by_agent.items())]


def projects(reads: type, now_ns: int) -> list[str]:
    """The projects that have such a history."""
    kind = KINDS[reads]
    asked = {"history": kind.name, "from": nanoseconds(max(0, now_ns - kind.days * DAY_NS))}
    return sorted(project for (project,) in client.run(queries.load("history_projects"), asked).result_rows)


def _ask(name: str, start: int, *, step: int = HOUR_NS, **more: Any) -> list[Any]:
    asked = {"from": nanoseconds(start), "until": nanoseconds(start + step), **more}
    rows: list[Any] = client.run(queries.load(name), asked).result_rows
    return rows


def _oldest(now_ns: int, days: int) -> int:
    """The start of the oldest span within some days, in ns; now when there is none."""
    asked = {"from": nanoseconds(max(0, now_ns - days * DAY_NS))}
    found: int = client.run(queries.load("history_oldest"), asked).result_rows[0][0]
    return min(found, now_ns) or now_ns


def _store(kind: Kind, starts: Sequence[int]) -> None:
    """Counts some hours or days and stores what was counted."""
    rows: list[tuple[int, str, str, str]] = []
    for start in starts:
        counted = list(kind.count(start))
        # A mark for each project that has rows of this kind: what an earlier count found and this one does not is gone.
        marks = {project for project, _, _ in counted} | set(projects_of(kind, start))
        rows += [(start, project, subject, msgspec.json.encode(row).decode()) for project, subject, row in counted]
        rows += [(start, project, "", "") for project in sorted(marks)]
    if not rows:
        return
    insert(
        "stored_histories",
        pa.table(
            {
                "project": columns.text([row[1] for row in rows]),
                "history": columns.text([kind.name] * len(rows)),
                "start_time": columns.times([row[0] for row in rows]),
                "subject": columns.text([row[2] for row in rows]),
                "row": columns.text([row[3] for row in rows]),
                "version": columns.counts([time.time_ns()] * len(rows)),
            }
        ),
    )


def projects_of(kind: Kind, start: int) -> list[str]:
    """The projects with rows of one hour or day."""
    asked = {"history": kind.name, "start": nanoseconds(start)}
    return [project for (project,) in client.run(queries.load("history_projects_of"), asked).result_rows]
