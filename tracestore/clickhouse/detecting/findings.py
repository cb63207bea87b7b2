"""Stores findings, takes back what is no longer said, and reads them. The view is `findings`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
import pyarrow as pa

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.filters import seconds
from tracestore.clickhouse.rows import Page
from tracestore.clickhouse.settling import nanoseconds
from tracestore.clickhouse.writer import insert
from tracestore.detectors.finding import Finding
from tracestore.detectors.running import Said, encoded
from tracestore.errors import InvalidInput, NotFound

Trace = tuple[str, str]

#: Findings of a session may begin in an earlier trace of it.
EARLIER_NS: Final = 2 * 86_400 * 10**9
SEVERITIES: Final = ("info", "warning", "critical")


@dataclass(slots=True)
class Written:
    """What became of what detectors said: findings that are new or have changed, and those taken back."""

    findings: list[tuple[str, Finding]] = field(default_factory=list)
    withdrawn: int = 0


def update(said: Mapping[Trace, Said], starts: Mapping[Trace, int]) -> Written:
    """Makes the store say what detectors said of these traces: writes what changed, takes back the rest.

    A detector that did not finish (it failed, is off, or is not here any more) takes nothing back.
    Idempotent.

    Raises:
        Unavailable: the store does not answer.
    """
    written = Written()
    if not said:
        return written
    since = nanoseconds(max(0, min(starts.values()) - EARLIER_NS))
    tables = {"chosen": columns.traces_table(list(said))}
    stored = client.run(queries.load("detect_stored"), {"since": since}, tables=tables).result_rows
    unchanged: set[tuple[str, str]] = set()
    back: list[tuple[str, str, str, int]] = []
    for project, trace_id, name, detector, first_seen, old, withdrawn in stored:
        of_trace = said[project, trace_id]
        finding = of_trace.findings.get(name)
        if finding is not None and finding.first_seen_ns == first_seen:
            if digest(finding) == old and not withdrawn:
                unchanged.add((project, name))
        elif not withdrawn and (finding is not None or detector in of_trace.finished):
            # Said no more; or said of another beginning, which is another place in the table's order.
            back.append((project, trace_id, name, first_seen))
    written.findings = [
        (project, finding)
        for (project, _), of_trace in said.items()
        for name, finding in of_trace.findings.items()
        if (project, name) not in unchanged
    ]
    written.withdrawn = len(back)
    version = time.time_ns()
    store(written.findings, version)
    withdraw(back, version)
    return written


def store(findings: Sequence[tuple[str, Finding]], version: int = 0) -> None:
    """Writes (project, finding) pairs; writing one again changes nothing."""
    if not findings:
        return
    said = [finding for _, finding in findings]
    texts = ("detector", "severity", "title", "explanation", "agent", "trace_id", "fingerprint", "key", "cause",
             "look_first")  # fmt: skip
    rows = {name: columns.text([getattr(one, name) for one in said]) for name in texts}
    rows |= {
        "project": columns.text([project for project, _ in findings]),
        "id": columns.text([one.identity(project) for project, one in findings]),
        "detector_version": columns.text([one.version for one in said]),
        "span_ids": columns.nested(
            [one.span_ids for one in said], columns.text([name for one in said for name in one.span_ids])
        ),
        "first_seen": columns.times(one.first_seen_ns for one in said),
        "last_seen": columns.times(one.last_seen_ns for one in said),
        "wasted_cost_usd": pa.array([float(one.wasted_cost_usd) for one in said], pa.float64()),
        "wasted_tokens": columns.counts(one.wasted_tokens for one in said),
        "evidence": columns.text([encoded(one.evidence).decode() for one in said]),
        "digest": columns.text([digest(one) for one in said]),
        "withdrawn": pa.array([0] * len(said), pa.uint8()),
        "version": columns.counts([version or time.time_ns()] * len(said)),
    }
    insert("stored_findings", pa.table(rows))


def withdraw(places: Sequence[tuple[str, str, str, int]], version: int) -> None:
    """Takes findings back: (project, trace, id, first seen in ns), their place in the table's order."""
    if not places:
        return
    rows = {
        "project": columns.text([place[0] for place in places]),
        "trace_id": columns.text([place[1] for place in places]),
        "id": columns.text([place[2] for place in places]),
        "first_seen": columns.times(place[3] for place in places),
        "withdrawn": pa.array([1] * len(places), pa.uint8()),
        "version": columns.counts([version] * len(places)),
    }
    insert("stored_findings", pa.table(rows))


def digest(finding: Finding) -> str:
    """Tells whether a finding says something else than before."""
    return hashlib.blake2b(msgspec.json.encode(finding, order="deterministic"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings to list. '' and None mean any; `since` <= first seen < `until`.

    `live` leaves out what was dismissed.
    """

    detector: str = ""
    agent: str = ""
    trace_id: str = ""
    severity: str = ""
    fingerprint: str = ""
    since: datetime | None = None
    until: datetime | None = None
    live: bool = False


@dataclass(slots=True)
class StoredFinding:
    """A finding as the view has it; times in ns, `evidence` decoded."""

    id: str
    detector: str
    version: str
    severity: str
    title: str
    explanation: str
    agent: str
    trace_id: str
    span_ids: list[str]
    first_seen_ns: int
    last_seen_ns: int
    wasted_cost_usd: float
    wasted_tokens: int
    evidence: dict[str, Any]
    fingerprint: str
    key: str
    cause: str
    look_first: str
    dismissed: bool


_EQUAL: Final = ("detector", "agent", "trace_id", "severity", "fingerprint")


def listed(project: str, wanted: FindingFilter, *, limit: int = 100, cursor: str | None = None) -> Page[StoredFinding]:
    """The latest first, by (first seen, id). A cursor stays valid while findings arrive.

    Raises:
        InvalidInput: the cursor is not one of ours.
        Unavailable: the store does not answer.
    """
    parts = [f"{name} = {{{name}:String}}" for name in _EQUAL if getattr(wanted, name)]
    parameters: dict[str, Any] = {name: getattr(wanted, name) for name in _EQUAL if getattr(wanted, name)}
    for name, comparison in (("since", ">="), ("until", "<")):
        if (moment := getattr(wanted, name)) is not None:
            parameters[name] = seconds(moment)
            parts.append(f"first_seen {comparison} toDateTime64({{{name}:String}}, 9, 'UTC')")
    if wanted.live:
        parts.append("NOT dismissed")
    if cursor:
        first, last = read_cursor(cursor)
        parameters |= {"cursor_first": first, "cursor_id": last}
        place = "fromUnixTimestamp64Nano({cursor_first:Int64}, 'UTC')"
        parts.append(f"first_seen <= {place} AND (first_seen, id) < ({place}, {{cursor_id:String}})")
    statement = queries.load("findings_list", " AND ".join(parts) or "1")
    rows = client.run(statement, {**parameters, "project": project, "limit": limit + 1}).result_rows
    found = [stored_finding(row) for row in rows[:limit]]
    return Page(found, cursor_after(found[-1]) if len(rows) > limit else None)


def one(project: str, name: str) -> StoredFinding:
    """Raises: NotFound, no finding of this id in the project."""
    rows = client.run(queries.load("findings_list", "id = {id:String}"), {"project": project, "id": name, "limit": 1})
    if not rows.result_rows:
        raise NotFound("There is no such finding in this project.")
    return stored_finding(rows.result_rows[0])


def stored_finding(row: Sequence[Any]) -> StoredFinding:
    found = StoredFinding(*row)
    found.evidence = msgspec.json.decode(row[13]) if row[13] else {}
    found.dismissed = bool(found.dismissed)
    return found


def counts(project: str, since: datetime) -> dict[str, dict[str, Any]]:
    """Detector → `findings`, `critical`, `warning`, `info`, `dismissed`, `wasted_cost_usd` since a moment."""
    rows = client.run(queries.load("findings_counts"), {"project": project, "since": seconds(since)}).result_rows
    names = ("findings", "critical", "warning", "info", "dismissed", "wasted_cost_usd")
    return {detector: dict(zip(names, values, strict=True)) for detector, *values in rows}


def dismiss(project: str, fingerprint: str, *, active: bool = True) -> None:
    """Makes findings of a fingerprint count no more, or again; also those to come."""
    client.run(
        "INSERT INTO stored_dismissals (project, fingerprint, active, version)"
        " VALUES ({project:String}, {fingerprint:String}, {active:UInt8}, {version:UInt64})",
        {"project": project, "fingerprint": fingerprint, "active": int(active), "version": time.time_ns()},
    )


def dismissed(project: str) -> set[str]:
    """The fingerprints that do not count."""
    rows: Iterable[tuple[str]] = client.run(queries.load("findings_dismissed"), {"project": project}).result_rows
    return {fingerprint for (fingerprint,) in rows}


def cursor_after(finding: StoredFinding) -> str:
    return base64.urlsafe_b64encode(f"f{finding.first_seen_ns}.{finding.id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[int, str]:
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        first, dot, name = found[1:].partition(".")
        if found[:1] != "f" or not dot or not 0 <= int(first) < 2**63:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("Expected a cursor from the `next` of an earlier answer.", field="cursor") from error
    return int(first), name
