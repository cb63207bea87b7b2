"""Reads findings as rules over findings need them: what is new, and all that counts of a problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pyarrow as pa

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.alerting.said import Problem, RunSeen, Said
from tracestore.clickhouse.alerting.series import milliseconds
from tracestore.clickhouse.settling import nanoseconds as stored_time
from tracestore.moments import EARLIEST, moment, nanoseconds

#: (project, fingerprint).
Key = tuple[str, str]

#: Findings of one problem that are looked at, the newest first.
MOST_FINDINGS: Final = 10_000
MOST_PAST: Final = 20_000
#: A finding that goes on may have begun so long before.
LONGEST: Final = timedelta(days=45)
#: Written later than this after what it shows (an import, say), a finding tells of the past, not of now.
LATE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Touched:
    """A problem of which something was written at `version` (ns). '' as fingerprint: one of the project was taken
    back, which one is not known.
    """

    project: str
    fingerprint: str
    version: int


def touched(after: int, fresh: Sequence[str], earlier: int) -> list[Touched]:
    """What was written since `after` (ns), and in the projects of `fresh` since `earlier`; the oldest first.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {"after": max(after, 0), "fresh": list(fresh), "earlier": max(min(after, earlier) if fresh else after, 0)}
    return [Touched(*row) for row in client.run(queries.load("alert_touched"), asked).result_rows]


def problems(keys: Collection[Key], since: datetime) -> dict[Key, Problem]:
    """What counts of the problems, as far as it was seen since a moment. A problem of which nothing counts is missing.

    Raises:
        Unavailable: the store does not answer.
    """
    if not keys:
        return {}
    since_ns = nanoseconds(since)
    asked = {
        "since": stored_time(since_ns), "since_ns": since_ns, "most": MOST_FINDINGS,
        "earliest": stored_time(max(0, since_ns - nanoseconds(EARLIEST + LONGEST))),
    }  # fmt: skip
    rows = client.run(
        queries.load("alert_findings"), asked, tables={"watched": _pairs("fingerprint", sorted(keys))}
    ).result_rows
    return _by_problem(rows, since)


def past(project: str, since: datetime, until: datetime) -> tuple[dict[Key, Problem], bool]:
    """What was found with evidence in a stretch of time, `seen` being that of the evidence; and whether that is all.

    Raises:
        Unavailable: the store does not answer.
    """
    since_ns = nanoseconds(since)
    asked = {
        "project": project, "since": stored_time(since_ns), "until": stored_time(nanoseconds(until)),
        "earliest": stored_time(max(0, since_ns - nanoseconds(EARLIEST + LONGEST))), "most": MOST_PAST,
    }  # fmt: skip
    rows = client.run(queries.load("alert_past_findings"), asked).result_rows
    return _by_problem(rows, since), len(rows) < MOST_PAST


def _by_problem(rows: Iterable[Sequence[Any]], since: datetime) -> dict[Key, Problem]:
    found: dict[Key, list[Said]] = {}
    named: dict[Key, tuple[str, str]] = {}
    for row in rows:
        if (one := _said(row)).seen >= since:
            found.setdefault((row[0], row[1]), []).append(one)
            named[row[0], row[1]] = row[3], row[17]
    return {key: Problem(*key, *named[key], tuple(said)) for key, said in found.items()}


def _said(row: Sequence[Any]) -> Said:
    name, _, severity, agent, trace_id, first, last, stored, usd, tokens, cause, span, title, explanation = row[2:16]
    evidence = row[16]
    late = stored - last > nanoseconds(EARLIEST + LATE)
    seen = moment(last if late else stored)
    return Said(
        name, severity, agent, trace_id, first, last, seen, usd, tokens, cause, span, title, explanation,
        msgspec.json.decode(evidence) if evidence else {},
    )  # fmt: skip


def runs(wanted: Collection[tuple[str, str]], since_ns: int, now: datetime) -> dict[tuple[str, str], RunSeen]:
    """(project, trace) → the run, of those that began since a moment.

    Raises:
        Unavailable: the store does not answer.
    """
    if not wanted:
        return {}
    asked = {"since": stored_time(max(0, since_ns)), "now": milliseconds(now)}
    tables = {"wanted": columns.traces_table(sorted(wanted))}
    rows = client.run(queries.load("alert_runs"), asked, tables=tables).result_rows
    return {(row[0], row[1]): RunSeen(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class Watched:
    """A problem of an agent's runs, and after when a run without it would show that it is gone (ns)."""

    project: str
    fingerprint: str
    agent: str
    after_ns: int


def clean_runs(watched: Sequence[Watched]) -> dict[Key, int]:
    """Problem → when (ns) the first run ended that began later, is over and does not have it.

    Raises:
        Unavailable: the store does not answer.
    """
    if not watched:
        return {}
    table = pa.table({
        "project": columns.text([one.project for one in watched]),
        "fingerprint": columns.text([one.fingerprint for one in watched]),
        "agent": columns.text([one.agent for one in watched]),
        "after_ns": columns.counts([one.after_ns for one in watched]),
    })  # fmt: skip
    rows = client.run(queries.load("alert_clean_runs"), tables={"watched": table}).result_rows
    return {(project, fingerprint): ended for project, fingerprint, ended in rows}


@dataclass(frozen=True, slots=True)
class First:
    """A version or model (`kind`) of an agent, from when until when it was seen, in ns."""

    kind: str
    value: str
    first_ns: int
    last_ns: int


def firsts(agents: Iterable[tuple[str, str]], since: datetime) -> dict[tuple[str, str], list[First]]:
    """(project, agent) → what it ran with since a moment, the first first.

    Raises:
        Unavailable: the store does not answer.
    """
    concerned = sorted(set(agents))
    if not concerned:
        return {}
    tables = {"concerned": _pairs("agent", concerned)}
    asked = {"since": stored_time(nanoseconds(since))}
    found: dict[tuple[str, str], list[First]] = {}
    for project, agent, *row in client.run(queries.load("alert_firsts"), asked, tables=tables).result_rows:
        found.setdefault((project, agent), []).append(First(*row))
    return found


def _pairs(name: str, pairs: Sequence[tuple[str, str]]) -> pa.Table:
    return pa.table({"project": columns.text([p for p, _ in pairs]), name: columns.text([one for _, one in pairs])})
