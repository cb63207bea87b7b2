"""Reads traces as detectors read them, and remembers them while they grow.

A running trace is looked at again with each write. What was read of it stays in memory, so that a look
reads the new rows and their payloads only; rows that settling wrote again have a later version and are
read again. Everything is bounded: spans of a trace, texts, payloads of a pass, and what is remembered.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from tracestore import collection
from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.detecting.looking import Touched
from tracestore.clickhouse.detecting.span_rows import Payload, Row, trace_span
from tracestore.clickhouse.settling import nanoseconds

Trace = tuple[str, str]
Session = tuple[str, str]

SECOND_NS: Final = 10**9
#: Spans of a trace that are read: of a huge one the newest.
MOST_SPANS: Final = 5_000
#: Bytes of the payloads that one reading takes, and of one of them; beyond it, previews.
MOST_PAYLOADS: Final = 64 << 20
MOST_PAYLOAD: Final = 8 << 20
#: Bytes of text that are remembered in all, and traces.
MOST_REMEMBERED: Final = 96 << 20
MOST_TRACES: Final = 20_000
#: Writes of which the later may be seen before the earlier: what is newer than this is read again.
OVERLAP_NS: Final = 5 * SECOND_NS
#: A trace that began longer ago is read apart, so that one old trace does not make a pass read the past.
RECENT_NS: Final = 15 * 60 * SECOND_NS
#: Traces of a session that are looked at together, and for how long back.
SESSION_TRACES: Final = 10
SESSION_NS: Final = 3_600 * SECOND_NS


@dataclass(slots=True)
class Known:
    """What was read of a trace: its spans, up to which version, and how the last look ended."""

    start: int
    spans: dict[str, TraceSpan] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    after: int = 0
    size: int = 0
    #: Whether the last look took it for over; whether it has changed since; whether spans were left out.
    complete: bool = False
    changed: bool = False
    cut: bool = False
    _ordered: tuple[TraceSpan, ...] | None = None
    _session: str = ""

    def replace(self, spans: dict[str, TraceSpan]) -> None:
        self.spans = spans
        self.grew()

    def grew(self) -> None:
        """To be called when `spans` were changed: what follows from them is worked out anew."""
        self._ordered = None

    @property
    def ordered(self) -> tuple[TraceSpan, ...]:
        """The spans in order of their start."""
        if self._ordered is None:
            self._ordered = _ordered(self.spans.values())
            self._session = next((span.session_id for span in self.spans.values() if span.session_id), "")
        return self._ordered

    @property
    def rooted(self) -> bool:
        """Whether the root arrived: most SDKs send it when the run is over."""
        return any(not span.parent_span_id for span in self.ordered)

    @property
    def session(self) -> str:
        return self._session if self.ordered else ""


class Traces:
    """The traces that were looked at lately. Used by one look at a time."""

    def __init__(self) -> None:
        self._known: OrderedDict[Trace, Known] = OrderedDict()
        self._sessions: dict[Session, dict[str, None]] = defaultdict(dict)
        self._size = 0
        #: Whether the last reading left out payloads for want of room (MOST_PAYLOADS).
        self.crowded = False

    def __getitem__(self, trace: Trace) -> Known:
        return self._known[trace]

    def get(self, trace: Trace) -> Known | None:
        return self._known.get(trace)

    def read(self, touched: Sequence[Touched], now_ns: int) -> None:
        """Reads what is new of these traces and marks those that have changed.

        Raises:
            Unavailable: the store does not answer.
        """
        self.crowded = False
        started = {(one.project, one.trace_id): one.first_start for one in touched}
        missing = [trace for trace in started if trace not in self._known]
        if missing:
            chosen = {"chosen": columns.traces_table(missing)}
            for project, trace_id, start in client.run(queries.load("settle_known"), tables=chosen).result_rows:
                started[project, trace_id] = min(start, started[project, trace_id])
        for trace, start in started.items():
            known = self._known.setdefault(trace, Known(start))
            known.start = min(known.start, start)
            self._known.move_to_end(trace)
        for old in (False, True):
            part = [trace for trace in started if (self._known[trace].start < now_ns - RECENT_NS) == old]
            if part:
                with collection.put_off():
                    self._read(part)

    def read_sessions(self, traces: Iterable[Trace], now_ns: int) -> None:
        """Reads the newest other traces of sessions that were not seen before."""
        new = {
            (project, session)
            for project, trace_id in traces
            if (session := self._known[project, trace_id].session) and (project, session) not in self._sessions
        }
        for project, trace_id in traces:
            known = self._known[project, trace_id]
            if known.session:
                self._sessions[project, known.session][trace_id] = None
        if not new:
            return
        names = sorted(new)
        table = pa.table(
            {"project": columns.text([one[0] for one in names]), "session_id": columns.text([one[1] for one in names])}
        )
        parameters = {"since": nanoseconds(now_ns - SESSION_NS), "most": SESSION_TRACES}
        rows = client.run(queries.load("detect_sessions"), parameters, tables={"sessions": table}).result_rows
        others = [
            Touched(project, trace_id, start, 0, 0, 0)
            for project, _, trace_id, start in rows
            if (project, trace_id) not in self._known
        ]
        if others:
            self.read(others, now_ns)
        for project, session, trace_id, _ in rows:
            self._sessions[project, session][trace_id] = None

    def trajectory(self, trace: Trace, now_ns: int, *, complete: bool) -> Trajectory:
        known = self._known[trace]
        return Trajectory(trace[0], trace[1], known.ordered, complete, now_ns, known.session)

    def session_trajectory(self, trace: Trace, now_ns: int, *, complete: bool) -> Trajectory | None:
        """The trace with the others of its session before it; None when there are none."""
        known = self._known[trace]
        session = known.session
        names = self._sessions.get((trace[0], session), {}) if session else {}
        others = [
            (found.start, trace_id)
            for trace_id in names
            if trace_id != trace[1]
            and (found := self._known.get((trace[0], trace_id))) is not None
            and known.start - SESSION_NS <= found.start <= known.start
        ]
        if not others:
            return None
        spans: list[TraceSpan] = []
        for _, trace_id in sorted(others)[-SESSION_TRACES:]:
            spans += self._known[trace[0], trace_id].ordered
        spans += known.ordered
        return Trajectory(trace[0], trace[1], _ordered(spans), complete, now_ns, session, whole_session=True)

    def forget(self) -> None:
        """Makes room: what was looked at longest ago goes."""
        while self._known and (self._size > MOST_REMEMBERED or len(self._known) > MOST_TRACES):
            (project, trace_id), known = self._known.popitem(last=False)
            self._size -= known.size
            session = (project, known.session)
            if session in self._sessions:
                self._sessions[session].pop(trace_id, None)
                if not self._sessions[session]:
                    del self._sessions[session]

    def _read(self, traces: list[Trace]) -> None:
        since = nanoseconds(min(self._known[trace].start for trace in traces))
        chosen = columns.traces_table(traces).append_column(
            "after", columns.counts(max(0, self._known[trace].after - OVERLAP_NS) for trace in traces)
        )
        parameters = {"since": since, "most": MOST_SPANS}
        answer = client.run(queries.load("detect_spans"), parameters, tables={"chosen": chosen}).result_rows
        # A row of the overlap that was read before is not read again.
        rows = [row for row in map(Row._make, answer) if self._known[row[:2]].versions.get(row.span_id) != row.version]
        wanting = [row for row in rows if row.wants_payload]
        fitting = _fitting(wanting)
        self.crowded |= len(fitting) < sum(_payload_size(row) <= MOST_PAYLOAD for row in wanting)
        payloads = _payloads(fitting, since)
        beginnings = _previews([row for row in wanting if _lacks(row, payloads)], since)
        counted: dict[Trace, int] = defaultdict(int)
        for row in rows:
            known = self._known[row[:2]]
            counted[row[:2]] += 1
            known.after = max(known.after, row.version)
            known.versions[row.span_id] = row.version
            if beginnings and (found := beginnings.get(row[:3])) is not None:
                row = row._replace(input=found[0], output=found[1])
            span = trace_span(row, payloads.get(row[:3]))
            before = known.spans.get(row.span_id)
            if span == before:
                continue
            known.changed = True
            grown = _size(span) - (0 if before is None else _size(before))
            known.spans[span.span_id] = span
            known.grew()
            known.size += grown
            self._size += grown
            known.start = min(known.start, span.start_ns)
        for trace, count in counted.items():
            known = self._known[trace]
            known.cut |= count >= MOST_SPANS
            if len(known.spans) > MOST_SPANS:
                self._cut(known)

    def _cut(self, known: Known) -> None:
        """Keeps the newest spans of a huge trace, and its root."""
        ordered = known.ordered
        roots = [span for span in ordered[:-MOST_SPANS] if not span.parent_span_id][:1]
        known.replace({span.span_id: span for span in [*roots, *ordered[-MOST_SPANS:]]})
        known.versions = {span_id: known.versions[span_id] for span_id in known.spans}
        size = sum(map(_size, known.spans.values()))
        self._size += size - known.size
        known.size = size
        known.cut = True


def _ordered(spans: Iterable[TraceSpan]) -> tuple[TraceSpan, ...]:
    return tuple(sorted(spans, key=_place))


def _place(span: TraceSpan) -> tuple[int, int, str]:
    return span.start_ns, -span.end_ns, span.span_id


def _size(span: TraceSpan) -> int:
    asked = sum(len(one.arguments) for one in span.requested)
    return 1_000 + len(span.input) + len(span.output) + len(span.instructions) + asked


def _lacks(row: Row, payloads: dict[tuple[str, ...], Payload]) -> bool:
    """Whether something went in or out of a span that its payload does not have."""
    payload = payloads.get(row[:3])
    if payload is None:
        return bool(row.input_bytes or row.output_bytes)
    return bool((row.input_bytes and not payload.input) or (row.output_bytes and not payload.output))


def _payload_size(row: Row) -> int:
    return row.input_bytes + row.output_bytes


def _fitting(rows: Sequence[Row]) -> list[Row]:
    """Those whose payloads one reading takes: the newest spans first, as far as MOST_PAYLOADS goes."""
    wanted: list[Row] = []
    left = MOST_PAYLOADS
    for row in rows:
        size = _payload_size(row)
        if size <= min(left, MOST_PAYLOAD):
            left -= size
            wanted.append(row)
    return wanted


def _payloads(rows: Sequence[Row], since: str) -> dict[tuple[str, ...], Payload]:
    """(project, trace, span) → its payload."""
    if not rows:
        return {}
    found = client.run(queries.load("detect_payloads"), {"since": since}, tables={"wanted": _names(rows)}).result_rows
    return {row[:3]: Payload(*row[3:]) for row in found}


def _previews(rows: Sequence[Row], since: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """(project, trace, span) → the beginnings of its input and output."""
    if not rows:
        return {}
    found = client.run(queries.load("detect_previews"), {"since": since}, tables={"wanted": _names(rows)}).result_rows
    return {row[:3]: row[3:] for row in found}


def _names(rows: Sequence[Row]) -> pa.Table:
    return pa.table(
        {name: columns.text([getattr(row, name) for row in rows]) for name in ("project", "trace_id", "span_id")}
    )
