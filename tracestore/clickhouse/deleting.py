"""Deletes all rows of some traces, and counts what is left. Idempotent: what is gone is gone.

`TABLES` is the one list of what holds rows of a trace, or names it; a test compares it with the schema, so that a new
table cannot be forgotten. Rows are deleted by mutations, which write the parts anew without them: a lightweight delete
would only hide them (docs/adr/0004-retention.md). Counts see every version of a row, merged away or not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.completing import batched
from tracestore.clickhouse.detecting import histories
from tracestore.detectors.histories import DAY_NS
from tracestore.errors import Unavailable
from tracestore.spans.semconv.context import SESSION, USER

Kind = Literal["trace", "session", "user"]

_OF_TRACES: Final = "trace_id IN {traces:Array(String)}"
_IDS: Final = "'[0-9a-f]{32}'), {traces:Array(String)})"

#: A text that names one of the traces, the session or the user.
_NAMES: Final = f"(hasAny(extractAll(text, {_IDS} OR ({{named:String}} != '' AND match(text, {{named:String}})))"

#: Table → which of its rows go, in the order in which they do; of `BLANKED` only their texts. What tells the traces of
#: a session comes last, so that a run that was killed finds them again.
TABLES: Final[Mapping[str, str]] = {
    # A finding over many runs names some of them, or the session or user, in its evidence, as strings of its JSON, or
    # in what it says.
    "stored_findings": f"{_OF_TRACES} OR hasAny(extractAll(evidence, {_IDS}"
    " OR ({value:String} != '' AND position(evidence, {quoted:String}) > 0)"
    f" OR arrayExists(text -> {_NAMES}, [title, explanation, look_first])",
    # The titles of findings are among its reasons.
    "stored_agent_health": f"arrayExists(text -> {_NAMES}, arrayConcat(reasons, healthy_again))",
    "stored_histories": f"hasAny(extractAll(concat(row, ' ', subject), {_IDS}"
    " OR (history = 'costs' AND {value:String} != '' AND subject = {subject:String})",
    "stored_logs": f"{_OF_TRACES} OR ({{value:String}} != '' AND"
    " arrayExists(name -> attributes[name] = {value:String}, {names:Array(String)}))",
    "stored_payloads": _OF_TRACES,
    "trace_links": f"{_OF_TRACES} OR linked_trace_id IN {{traces:Array(String)}}",
    "trace_activity": _OF_TRACES,
    "stored_traces": _OF_TRACES,
    "stored_tool_calls": _OF_TRACES,
    "stored_spans": _OF_TRACES,
}
#: Of these no row goes: what names the deleted is blanked, the figures stay. Table → the texts.
BLANKED: Final = {"stored_agent_health": ("reasons", "healthy_again")}
#: Stands where a text was blanked, and where an id was taken out.
GONE: Final = "[deleted]"
#: Of a shorter value only what is the whole of a text is taken for it: "7" is in many sentences.
LEAST: Final = 3
#: Tables that hold nothing of a trace: moments up to which jobs have worked, fingerprints.
WITHOUT: Final = frozenset({"settled_until", "detected_until", "stored_dismissals", "schema_migrations"})

#: Traces of one statement: they travel in its parameters.
AT_ONCE: Final = 500
#: Traces that are looked for at once.
MOST_TRACES: Final = 50_000
#: Hours that are counted again for the histories of detectors, the latest; those before are only deleted.
MOST_HOURS: Final = 24 * 42
ASK_AGAIN_SECONDS: Final = 0.05
#: So long the engine may take for one mutation before the order is taken up again later.
PATIENCE_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data: `value` is a trace, session or user id, never ''."""

    project: str
    kind: Kind
    value: str

    def parameters(self, traces: Sequence[str]) -> dict[str, Any]:
        value = "" if self.kind == "trace" else self.value
        return {
            "project": self.project, "traces": list(traces), "value": value, "subject": f"{self.kind}\t{value}",
            "quoted": columns.as_text([value])[1:-1], "names": list(SESSION if self.kind == "session" else USER),
            "named": rf"(^|[^\w-]){re.escape(value)}($|[^\w-])" if len(value) >= LEAST else "", "gone": GONE,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extent:
    """What a deletion would be about. Times in ns, 0 where there are no spans. `more`: there are further traces."""

    traces: int
    spans: int
    first_ns: int
    last_ns: int
    more: bool


def traces_of(subject: Subject) -> list[str]:
    """The traces that the subject means, at most MOST_TRACES; for a trace itself, stored or not.

    Raises:
        Unavailable: the store does not answer.
    """
    if subject.kind == "trace":
        return [subject.value]
    statement = queries.load("deletion_traces", f"{subject.kind}_id = {{value:String}}")
    asked = subject.parameters(()) | {"limit": MOST_TRACES}
    return [trace_id for (trace_id,) in client.run(statement, asked).result_rows]


def extent(subject: Subject) -> Extent:
    """How much a deletion would be about now."""
    traces = traces_of(subject)
    if not traces:
        return Extent(0, 0, 0, 0, more=False)
    chosen = {"chosen": columns.traces_table([(subject.project, one) for one in traces])}
    ((spans, first, last),) = client.run(
        queries.load("deletion_spans"), {"project": subject.project}, tables=chosen
    ).result_rows
    known = len(traces) if subject.kind != "trace" or spans or sum(counts(subject, traces).values()) else 0
    return Extent(known, spans, first if spans else 0, last if spans else 0, more=len(traces) == MOST_TRACES)


def counts(subject: Subject, traces: Sequence[str], tables: Sequence[str] = tuple(TABLES)) -> dict[str, int]:
    """Table → rows of these traces, and of the subject itself."""
    found = dict.fromkeys(tables, 0)
    for some in chunks(traces):
        for table in tables:
            asked = subject.parameters(some) | {"table": table}
            statement = queries.load("deletion_count", TABLES[table])
            found[table] += client.run(statement, asked).result_rows[0][0]
    return found


def chunks(traces: Sequence[str]) -> Iterator[Sequence[str]]:
    """The traces in parts for one statement; one empty part when there are none, for what names the subject itself."""
    yield from batched(traces, AT_ONCE) if traces else ((),)


def findings_of(subject: Subject, traces: Sequence[str]) -> list[str]:
    """The ids of the findings that will be deleted."""
    statement = queries.load("deletion_findings", TABLES["stored_findings"])
    return [
        name
        for some in chunks(traces)
        for (name,) in client.run(statement, subject.parameters(some)).result_rows
    ]  # fmt: skip


def delete(subject: Subject, traces: Sequence[str], table: str, tell: Callable[[], None] = lambda: None) -> int:
    """Deletes (or blanks) the rows of at most AT_ONCE traces in a table; gives how many are gone when it is done.

    `tell` is called again and again while the engine works.

    Raises:
        Unavailable: the store does not answer, or could not; the same may be done again.
    """
    before = counts(subject, traces, (table,))[table]
    if not before:
        return 0
    asked = subject.parameters(traces) | {"table": table}
    # Not `mutations_sync`: an answer that takes minutes would be given up on, and nobody told that we live.
    statement = queries.load("deletion_rows", TABLES[table])
    if table in BLANKED:
        blanked = (f"{name} = arrayMap(text -> if({_NAMES}, {{gone:String}}, text), {name})" for name in BLANKED[table])
        statement = queries.load("deletion_blanks", TABLES[table]).replace("/*texts*/", ", ".join(blanked))
    client.run(statement, asked, {"mutations_sync": 0})
    wait(table, tell)
    return max(0, before - counts(subject, traces, (table,))[table])


def wait(table: str, tell: Callable[[], None]) -> None:
    """Returns when the engine has written the table's parts anew."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        asked = {"database": DATABASE, "table": table}
        ((waiting, reason),) = client.run(queries.load("deletion_mutations"), asked).result_rows
        if not waiting:
            return
        if reason or time.monotonic() > end:
            raise Unavailable(f"The store could not rewrite {table}. It is tried again.")
        tell()
        time.sleep(ASK_AGAIN_SECONDS)


def hours_of(project: str, traces: Sequence[str]) -> list[int]:
    """The hours in which traces had spans, in ns since the epoch, the latest first."""
    if not traces:
        return []
    chosen = {"chosen": columns.traces_table([(project, one) for one in traces])}
    rows = client.run(queries.load("deletion_hours"), {"project": project}, tables=chosen).result_rows
    return [hour * 10**9 for (hour,) in rows]


def forget_histories(project: str, hours: Sequence[int], tell: Callable[[], None] = lambda: None) -> None:
    """Deletes the histories of detectors of these hours: a row counts all runs of its hour, and may quote any."""
    places = [(kind.name, start // 10**9) for kind in histories.KINDS.values() for start in _steps(kind, hours)]
    condition = "(history, toUnixTimestamp(start_time)) IN {places:Array(Tuple(String, UInt32))}"
    for some in batched(places, AT_ONCE):
        asked = {"table": "stored_histories", "project": project, "places": list(some)}
        if client.run(queries.load("deletion_count", condition), asked).result_rows[0][0]:
            client.run(queries.load("deletion_rows", condition), asked, {"mutations_sync": 0})
            wait("stored_histories", tell)


def count_histories(hours: Sequence[int], now_ns: int, tell: Callable[[], None] = lambda: None) -> None:
    """Counts the histories of these hours anew, from what is left."""
    for kind in histories.KINDS.values():
        steps = [start for start in _steps(kind, hours) if start >= now_ns - kind.days * DAY_NS]
        for some in batched(steps[:MOST_HOURS], histories.AT_ONCE):
            histories.count_again(kind, some)
            tell()


def _steps(kind: histories.Kind, hours: Sequence[int]) -> list[int]:
    return sorted({hour // kind.step_ns * kind.step_ns for hour in hours}, reverse=True)
