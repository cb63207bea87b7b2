"""Near-live detection: looks at traces that changed, at those that went silent, and stores what is found.

One look at a time (a lease in `tracestore/tasks.py`). Everything it knows beside the watermarks is in
memory and can be lost: looking again says the same. How it runs, its bounds and what happens when it
fails: docs/detection.md.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from tracestore import closed, detector_runs
from tracestore.clickhouse.detecting import findings, looking, norms
from tracestore.clickhouse.detecting.looking import Touched
from tracestore.clickhouse.detecting.trajectories import Trace, Traces
from tracestore.detector_settings import SettingsBook
from tracestore.detectors import registry
from tracestore.detectors.detector import Norms, TraceDetector
from tracestore.detectors.running import Said, Tallies, judge

log = structlog.get_logger(__name__)

SECOND_US: Final = 1_000_000
#: Traces of one look, and the time that judging them may take: what is left is for the next look. Where the store is
#: busy, reading many traces takes hardly longer than reading a few: looks that are behind take more, while they can.
PASS_TRACES: Final = 250
MOST_PASS_TRACES: Final = 1_000
PASS_SECONDS: Final = 1.5
#: As long sessions may take after that; what is not reached is looked at with the session's next trace.
SESSIONS_SECONDS: Final = 0.5
#: Traces of the log that are asked for: the oldest, and of more the latest. Where the first so many were all looked at
#: before, the next number: behind a long one there are only the traces of OVERLAP_US to pass over.
LOG_TRACES: Final = (2_500, 10_000, 50_000)
#: The log is read again from so long before the watermark: a write shows up after the moment it says.
OVERLAP_US: Final = 5 * SECOND_US
#: After a longer absence the looks begin so long ago; `manage.py detect` does the rest.
MOST_BEHIND_US: Final = 3_600 * SECOND_US
#: Ages of silence at which a trace without a root is looked at again. The last is the end: it is over.
SILENCES_US: Final = tuple(seconds * SECOND_US for seconds in (60, 300, 600, 900, 1_800, 3_600, 14_400, 86_400))
SILENT_TRACES: Final = 500
#: What was looked at need not be again unless it changed: so long behind the watermark, until it was settled, and so
#: many traces at most.
SEEN_US: Final = 120 * SECOND_US
MOST_SEEN: Final = 100_000
NORMS_SECONDS: Final = 3_600.0


@dataclass(slots=True)
class Looked:
    """What a look did. `more` says that traces are waiting; `lag_seconds` how old what it ended with is."""

    traces: int = 0
    findings: int = 0
    withdrawn: int = 0
    more: bool = False
    lag_seconds: float = 0.0


@dataclass(slots=True)
class NormsBook:
    """The norms of each project, an hour old at most. Those of before go on counting while a read fails."""

    read: Callable[[str], Norms] = norms.norms
    _known: dict[str, tuple[float, Norms]] = field(default_factory=dict)

    def of(self, project: str) -> Norms:
        found = self._known.get(project)
        if found is None or time.monotonic() - found[0] >= NORMS_SECONDS:
            try:
                found = (time.monotonic(), self.read(project))
            except Exception as error:
                log.warning("norms cannot be read", project=project, reason=type(error).__name__)
                # Not asked again at once: a store that is down would make each look wait for it.
                before = found[1] if found else Norms()
                found = (time.monotonic() - NORMS_SECONDS + 60, before)
            self._known[project] = found
        return found[1]


def _goes_on(row: Touched) -> tuple[bool, int]:
    return row.writes > 1, row.last


class Looker:
    """The live pass of a worker, with what it remembers."""

    def __init__(self, detectors: Sequence[TraceDetector] | None = None) -> None:
        self._detectors = detectors
        self.traces = Traces()
        self.settings = SettingsBook()
        self.norms = NormsBook()
        self._seen: OrderedDict[Trace, tuple[int, int]] = OrderedDict()
        self._most = 0

    @property
    def detectors(self) -> Sequence[TraceDetector]:
        return registry.trace_detectors() if self._detectors is None else self._detectors

    def look(self) -> Looked:
        """One look at the traces that changed since the last.

        Raises:
            Unavailable: the store does not answer; the next look begins where this one did.
        """
        now, watermark = looking.begin("traces")
        after = max(watermark - OVERLAP_US, now - MOST_BEHIND_US)
        if watermark and after > watermark:
            log.warning("looks were away for long", skipped_seconds=(after - watermark) // SECOND_US)
        waiting, until = self._waiting(after)
        chosen = waiting
        most = max(self._most, PASS_TRACES)
        if len(waiting) > most:
            # Behind: those that were written to more than once, which go on, and the latest; and the oldest, so that
            # none waits for ever.
            first = set(sorted(waiting, key=_goes_on)[-(most // 2) :])
            oldest = [row for row in waiting if row not in first]
            chosen = oldest[: most - len(first)] + [row for row in waiting if row in first]
        done, left = self._judge(chosen, now, over=False)
        for row in chosen:
            trace = (row.project, row.trace_id)
            if trace not in left:
                self._seen[trace] = (row.touched, row.last)
                self._seen.move_to_end(trace)
        remaining = [row.last for row in waiting if self._is_news(row)]
        self._most = most // 2 if left or self.traces.crowded else min(MOST_PASS_TRACES, 2 * len(chosen))
        done.more = bool(remaining) or (until is not None and until > watermark)
        if chosen or until is not None or now - watermark > SECOND_US * 60:
            ends = [now - OVERLAP_US, *remaining, *([] if until is None else [until])]
            watermark = max(watermark, min(ends))
            looking.mark("traces", watermark)
        self._forget(watermark - SEEN_US)
        done.lag_seconds = (now - waiting[0].last) / SECOND_US if waiting else 0.0
        return done

    def look_at_silent(self) -> Looked:
        """One look at the traces without a root whose silence has reached an age of SILENCES_US."""
        now = looking.now()
        before = max(looking.looked_until("silent"), now - MOST_BEHIND_US)
        total = Looked()
        shut = closed.slugs()
        for age in SILENCES_US:
            over = age == SILENCES_US[-1]
            found = looking.silent(before - age, now - age, SILENT_TRACES)
            rows = [row for row in found if row.project not in shut]
            done, _ = self._judge(rows, now, over=over, anew=True)
            total.traces += done.traces
            total.findings += done.findings
            total.withdrawn += done.withdrawn
        looking.mark("silent", now)
        return total

    def _waiting(self, after: int) -> tuple[list[Touched], int | None]:
        """What happened since a moment and was not looked at, oldest first; and, where there is more than that, the
        moment (µs) up to which all of it is there."""
        shut = closed.slugs()

        def news(rows: Sequence[Touched]) -> list[Touched]:
            return [row for row in rows if row.project not in shut and self._is_news(row)]

        for limit in LOG_TRACES:
            rows = looking.changed(after, limit)
            waiting = news(rows)
            if len(rows) < limit:
                return waiting, None
            if len(waiting) >= MOST_PASS_TRACES:
                break
        known = {(row.project, row.trace_id) for row in rows}
        latest = looking.changed(after, MOST_PASS_TRACES, latest=True)
        waiting += news([row for row in latest if (row.project, row.trace_id) not in known])
        return waiting, rows[-1].last

    def _forget(self, before: int) -> None:
        while self._seen and (len(self._seen) > MOST_SEEN or next(iter(self._seen.values()))[1] < before):
            self._seen.popitem(last=False)

    def _is_news(self, row: Touched) -> bool:
        """Whether a row of the log says something that was not looked at."""
        seen = self._seen.get((row.project, row.trace_id))
        if seen is None:
            return True
        touched, last = seen
        if row.last <= last:
            return False
        known = self.traces.get((row.project, row.trace_id))
        # A trace that came whole in one write is not changed by settling.
        return row.touched > touched or row.writes > 1 or known is None or not known.complete

    def _judge(self, rows: Sequence[Touched], now: int, *, over: bool, anew: bool = False) -> tuple[Looked, set[Trace]]:
        """Reads these traces, runs all detectors on those that have changed (`anew`: on all), stores what they say.

        Runs that go on come first. Stops when its time is over; gives the traces that are left for another time.
        """
        if not rows:
            return Looked(), set()
        now_ns = now * 1_000
        self.traces.read(rows, now_ns)
        traces = []
        for row in rows:
            trace = (row.project, row.trace_id)
            known = self.traces[trace]
            complete = over or known.rooted
            # It stays marked as changed until what is said of it is stored.
            known.changed = bool(known.spans) and (known.changed or anew or complete != known.complete)
            known.complete = complete
            if known.changed:
                traces.append(trace)
        across = [detector for detector in self.detectors if getattr(detector, "reads_sessions", False)]
        if across:
            self.traces.read_sessions(traces, now_ns)
        tallies = Tallies()
        said: dict[Trace, Said] = {}
        end = time.monotonic() + PASS_SECONDS
        for trace in sorted(set(traces), key=lambda trace: (self.traces[trace].complete, self.traces[trace].start)):
            said[trace] = self._said(trace, now_ns, tallies)
            if time.monotonic() > end:
                break
        left = set(traces) - said.keys()
        if across:
            self._judge_sessions(across, said, now_ns, tallies)
        for trace, of_trace in said.items():
            if self.traces[trace].cut:
                for finding in of_trace.findings.values():
                    finding.evidence.setdefault(
                        "read", f"the newest {len(self.traces[trace].spans)} spans of the trace"
                    )
        written = findings.update(said, {trace: self.traces[trace].start for trace in said})
        for _, finding in written.findings:
            tallies.one(finding.detector).findings += 1
        detector_runs.count(tallies)
        for trace in said:
            self.traces[trace].changed = False
        self.traces.forget()
        return Looked(len(said), len(written.findings), written.withdrawn), left

    def _said(self, trace: Trace, now_ns: int, tallies: Tallies) -> Said:
        trajectory = self.traces.trajectory(trace, now_ns, complete=self.traces[trace].complete)
        return judge(trajectory, self.detectors, self.settings.of(trace[0]).of, self.norms.of(trace[0]), tallies)

    def _judge_sessions(
        self, across: Sequence[TraceDetector], said: dict[Trace, Said], now_ns: int, tallies: Tallies
    ) -> None:
        """Adds what is said of the traces of a session together; once a session, from its newest trace of the look."""
        newest: dict[tuple[str, str], Trace] = {}
        for trace in said:
            known = self.traces[trace]
            if known.session:
                of_session = (trace[0], known.session)
                before = newest.get(of_session)
                if before is None or self.traces[before].start <= known.start:
                    newest[of_session] = trace
        names = {detector.id for detector in across}
        alone: set[Trace] = set()
        finished: dict[Trace, set[str]] = {}
        end = time.monotonic() + SESSIONS_SECONDS
        for trace in sorted(newest.values(), key=lambda trace: self.traces[trace].complete):
            session = self.traces.session_trajectory(trace, now_ns, complete=self.traces[trace].complete)
            if session is None:
                alone.add(trace)
                continue
            if time.monotonic() > end:
                continue
            together = judge(session, across, self.settings.of(trace[0]).of, self.norms.of(trace[0]), tallies)
            finished |= dict.fromkeys(((trace[0], span.trace_id) for span in session.spans), together.finished)
            for name, finding in together.findings.items():
                # What is said of a trace that is not looked at now was said when it was.
                of_trace = said.get((trace[0], finding.trace_id))
                if of_trace is not None:
                    of_trace.findings.setdefault(name, finding)
        # What was said of a session stays until its traces have been judged together again.
        for trace, of_trace in said.items():
            if self.traces[trace].session and trace not in alone:
                of_trace.finished -= names - finished.get(trace, set())
