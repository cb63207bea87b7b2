"""What stands against runs going on, and what they have used: two reads for all subjects of a kind at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.settling import nanoseconds
from tracestore.detectors.standing import KINDS, Against, Run, Standing, Subject

HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
#: How far back spans of a run, of a session, and of an agent's runs count.
BACK_NS: Final = {"trace_id": 31 * DAY_NS, "session_id": 7 * DAY_NS, "agent": 15 * 60 * 10**9}
#: A hanging store must not hold the reader for long.
LIMITS: Final = {"max_execution_time": 10, "use_skip_indexes_if_final": 1}


class Spending(NamedTuple):
    """What was used by an agent for a user in five minutes from `at` (seconds since 1970) on."""

    project: str
    at: int
    agent: str
    user: str
    usd: float
    tokens: int
    steps: int
    minutes: float


def standing(subject: Subject, now_ns: int) -> Standing:
    """How one subject stands.

    Raises:
        Unavailable: the store does not answer.
    """
    return standings({subject: now_ns - BACK_NS[subject.by]}, now_ns)[subject]


def standings(wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
    """How all of them stand. `wanted`: subject → from when on (ns) its spans are read; no earlier than BACK_NS.

    Raises:
        Unavailable: the store does not answer.
    """
    found = {subject: Standing() for subject in wanted}
    for by in KINDS:
        of_kind = {subject: since for subject, since in wanted.items() if subject.by == by}
        if of_kind:
            since = max(min(of_kind.values()), now_ns - BACK_NS[by])
            _read_runs(by, list(of_kind), since, found)
    _read_findings(found)
    return found


def _read_runs(by: str, subjects: Sequence[Subject], since_ns: int, found: dict[Subject, Standing]) -> None:
    asked: dict[str, Any] = {
        "by": by,
        "projects": sorted({subject.project for subject in subjects}),
        "values": [subject.value for subject in subjects],
        "since": nanoseconds(since_ns),
    }
    query = queries.load("verdict_standing", f"{by} IN {{values:Array(String)}}")
    for project, value, trace_id, *used, agents, sessions, users in client.run(query, asked, LIMITS).result_rows:
        of = found.get(Subject(project, by, value))
        if of is not None:
            cost, steps, tokens, began, last, over = used
            names = tuple(sorted(agents)), tuple(sorted(sessions)), tuple(sorted(users))
            of.runs.append(Run(trace_id, cost, steps, tokens, began, last, bool(over), *names))


def _read_findings(found: Mapping[Subject, Standing]) -> None:
    of_trace: dict[tuple[str, str], list[Standing]] = {}
    began: list[int] = []
    for subject, one in found.items():
        for run in one.runs:
            of_trace.setdefault((subject.project, run.trace_id), []).append(one)
            began.append(run.start_ns)
    if not of_trace:
        return
    asked: dict[str, Any] = {
        "projects": sorted({project for project, _ in of_trace}),
        "traces": sorted({trace_id for _, trace_id in of_trace}),
        # What a finding is about lies in its trace, whose first span may come late.
        "since": nanoseconds(min(began) - DAY_NS),
    }
    for project, *row in client.run(queries.load("verdict_findings"), asked, LIMITS).result_rows:
        against = Against(*row)
        for one in of_trace.get((project, against.trace_id), ()):
            one.against.append(against)


def changed(projects: Sequence[str], after: datetime, limit: int) -> list[tuple[str, str]]:
    """Project and trace of those that received spans since, the latest first.

    Raises:
        Unavailable: the store does not answer.
    """
    asked: dict[str, Any] = {"projects": list(projects), "after": after, "limit": limit}
    return [(row[0], row[1]) for row in client.run(queries.load("verdict_changed"), asked, LIMITS).result_rows]


def spending(projects: Sequence[str], from_ns: int, until_ns: int, limit: int) -> list[Spending]:
    """What was used from a moment until before another.

    Raises:
        Unavailable: the store does not answer.
    """
    asked: dict[str, Any] = {
        "projects": list(projects), "from": nanoseconds(from_ns), "until": nanoseconds(until_ns), "limit": limit,
    }  # fmt: skip
    return [Spending(*row) for row in client.run(queries.load("budget_spent"), asked, LIMITS).result_rows]
