"""The verdicts of a web process, answered from memory. Nothing is shared between processes.

Each second the refresher reads how all subjects asked about in the last minute stand (one query a kind, one for
findings) and what their projects have in force. A subject that nobody asked about before is read in line, for at most
half a second. Whatever cannot be known lets a run go on (docs/brake.md, "Fail-open"); what is in force in the
metadata counts all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from django.db import DatabaseError

from tracestore.alerts import brake_changes, breakers, halts
from tracestore.alerts.halts import Told
from tracestore.clickhouse.detecting import verdicts
from tracestore.detectors.standing import Run, Standing, Subject
from tracestore.errors import Unavailable
from tracestore.moments import nanoseconds
from tracestore.verdicts.decision import Brakes, Cause, Decision, Trial, decide
from tracestore.verdicts.in_force import brakes_of

log = structlog.get_logger(__name__)

#: A subject is kept fresh for so long after it was asked about.
ASKED_SECONDS: Final = 60.0
#: What was read of a subject is believed for so long.
FRESH_SECONDS: Final = 5.0
#: What a project has in force is believed for so long without being read anew.
IN_FORCE_SECONDS: Final = 2.0
#: How long a first question waits for the store.
PATIENCE_SECONDS: Final = 0.5
#: Subjects kept at most; those asked about longest ago go first.
MOST_SUBJECTS: Final = 10_000
#: Before its start is known a subject is looked for so far before it was first asked about; later from its start on.
#: The hour is for a root span that comes last and began first.
BEFORE_NS: Final = 3_600 * 10**9
#: Reasons why nothing is known.
NOT_YET: Final = "No judgement yet"

ReadStandings = Callable[[Mapping[Subject, int], int], dict[Subject, Standing]]
ReadBrakes = Callable[[Collection[str], datetime], dict[str, Brakes]]


@dataclass(slots=True)
class Verdict:
    """`verdict` is continue, warn or halt; cost in dollars (None: unknown), steps (model calls) and tokens so far.

    `halt_id` is the record of the halt; `until` when it ends by itself, where that is known; `checked_at` when the
    evidence was read, `fresh_s` how old it is.
    """

    verdict: str = "continue"
    reasons: list[str] = field(default_factory=list)
    cost_usd: float | None = None
    steps: int = 0
    tokens: int = field(default=0, compare=False)
    halt_id: int | None = field(default=None, compare=False)
    until: str | None = field(default=None, compare=False)
    checked_at: str | None = field(default=None, compare=False)
    fresh_s: float | None = field(default=None, compare=False)


@dataclass(slots=True)
class Entry:
    """What is known of a subject. Times are of the board's clock (seconds), `checked_ns` since 1970."""

    first_asked_ns: int
    asked_at: float
    standing: Standing | None = None
    read_at: float = -1e9
    checked_ns: int = 0
    failure: str = ""
    #: Halts told since they were last written down, why, and the row of those written down.
    told: int = 0
    why: Cause | None = None
    halt_id: int | None = None
    #: Only who asked for a certain tool was halted: nobody may ask for that again.
    of_tool: bool = False
    #: The latest decision for each tool that was named, with what it was made of.
    decisions: dict[str, tuple[tuple[float, int, bool, int], Decision]] = field(default_factory=dict)


@dataclass(slots=True)
class InForce:
    """`reading` counts the readings."""

    brakes: Brakes
    read_at: float
    change: int
    reading: int


class Board:
    """`live`: a refresher keeps it fresh, so that it may answer from memory; else each question reads."""

    def __init__(
        self,
        read: ReadStandings | None = None,
        read_brakes: ReadBrakes | None = None,
        clock: Callable[[], float] = time.monotonic,
        live: bool = False,
    ) -> None:
        self._read: ReadStandings = read or (lambda wanted, now_ns: verdicts.standings(wanted, now_ns))
        self._read_brakes: ReadBrakes = read_brakes or brakes_of
        self._clock = clock
        self.live = live
        self._entries: dict[Subject, Entry] = {}
        self._in_force: dict[str, InForce] = {}
        self._readings = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4, "verdict") if live else None
        self._away_until = 0.0

    def ask(self, subject: Subject, tool: str = "", now: datetime | None = None, *, looking: bool = False) -> Verdict:
        """The verdict; reads what is not known. Never raises for a store that is away.

        `looking`: a page shows it; nobody is halted by that, and no trial is taken.
        """
        now = now or datetime.now(UTC)
        entry = self._entry(subject, now)
        held = self._held(subject.project, now)
        if not self.live or self._clock() - entry.read_at > FRESH_SECONDS:
            self._read_in_line(subject, entry, now)
        decision = self._decided(subject, entry, held, now, tool)
        if looking:
            return self._answer(entry, decision)
        if decision.trial is not None:
            decision = self._try(subject, entry, decision, decision.trial, now, tool)
        self._count(entry, decision, tool)
        return self._answer(entry, decision)

    def known(self, subject: Subject, tool: str = "") -> Verdict | None:
        """The verdict if memory has it; None when something must be read or written first. Never waits."""
        with self._lock:
            entry = self._entries.get(subject)
            held = self._in_force.get(subject.project)
        if entry is None or held is None or not self._holds(held):
            return None
        if self._clock() - entry.read_at > FRESH_SECONDS:
            return None
        entry.asked_at = self._clock()
        now = datetime.now(UTC)
        decision = self._decided(subject, entry, held, now, tool)
        if decision.trial is not None:
            return None
        self._count(entry, decision, tool)
        return self._answer(entry, decision)

    def refresh(self, now: datetime) -> None:
        """Reads what was asked about lately, and writes down which halts were told."""
        began = self._clock()
        with self._lock:
            for subject in [key for key, one in self._entries.items() if began - one.asked_at > ASKED_SECONDS]:
                if not self._entries[subject].told:
                    del self._entries[subject]
            entries = {key: one for key, one in self._entries.items() if began - one.asked_at <= ASKED_SECONDS}
            projects = {subject.project for subject in self._entries}
            self._in_force = {key: one for key, one in self._in_force.items() if key in projects}
        if not entries and not projects:
            return
        self._refresh_brakes(projects, now)
        try:
            found = (
                self._read({key: _since(one, now) for key, one in entries.items()}, nanoseconds(now)) if entries else {}
            )
        except Unavailable as error:
            for one in entries.values():
                one.failure = error.message
            self._away_until = self._clock() + FRESH_SECONDS
        else:
            self._away_until = 0.0
            for subject, standing in found.items():
                self._learn(entries[subject], standing, now)
        self._write_down(now)

    def forget(self, project: str) -> None:
        """What was found of the runs of a project has changed by somebody's word: the next question reads it."""
        with self._lock:
            for subject, entry in self._entries.items():
                if subject.project == project:
                    entry.read_at = -1e9

    # What is known

    def _entry(self, subject: Subject, now: datetime) -> Entry:
        with self._lock:
            entry = self._entries.get(subject)
            if entry is None:
                if len(self._entries) >= MOST_SUBJECTS:
                    oldest = sorted(self._entries, key=lambda key: self._entries[key].asked_at)
                    for key in oldest[: MOST_SUBJECTS // 10]:
                        del self._entries[key]
                entry = self._entries[subject] = Entry(nanoseconds(now), self._clock())
            entry.asked_at = self._clock()
            return entry

    def _read_in_line(self, subject: Subject, entry: Entry, now: datetime) -> None:
        if self.live and self._clock() < self._away_until:
            return  # the refresher has just seen that the store is away
        since = nanoseconds(now) - verdicts.BACK_NS[subject.by]
        try:
            if self._pool is None:
                found = self._read({subject: since}, nanoseconds(now))
            else:
                found = self._pool.submit(self._read, {subject: since}, nanoseconds(now)).result(PATIENCE_SECONDS)
        except Unavailable as error:
            entry.failure = error.message
            if not self.live:
                entry.standing, entry.read_at = None, -1e9  # each question counts for itself
        except TookTooLong:
            entry.failure = ""
        else:
            self._learn(entry, found.get(subject, Standing()), now)

    def _learn(self, entry: Entry, standing: Standing, now: datetime) -> None:
        entry.standing, entry.read_at, entry.checked_ns = standing, self._clock(), nanoseconds(now)
        entry.failure = ""
        entry.decisions.clear()

    def _holds(self, held: InForce) -> bool:
        return held.change == brake_changes.latest() and self._clock() - held.read_at <= IN_FORCE_SECONDS

    def _held(self, project: str, now: datetime) -> InForce:
        held = self._in_force.get(project)
        if self.live and held is not None and self._holds(held):
            return held
        self._refresh_brakes({project}, now)
        return self._in_force.get(project) or InForce(Brakes(), 0.0, 0, 0)

    def _refresh_brakes(self, projects: Collection[str], now: datetime) -> None:
        if not projects:
            return
        change, at = brake_changes.latest(), self._clock()
        try:
            found = self._read_brakes(projects, now)
        except DatabaseError as error:
            # What was known goes on counting.
            log.warning("what is in force cannot be read", error=type(error).__name__)
            return
        with self._lock:
            for project, brakes in found.items():
                self._readings += 1
                self._in_force[project] = InForce(brakes, at, change, self._readings)

    # What follows

    def _decided(self, subject: Subject, entry: Entry, held: InForce, now: datetime, tool: str) -> Decision:
        fresh = self._clock() - entry.read_at <= FRESH_SECONDS
        basis = (entry.read_at, held.reading, fresh, int(now.timestamp()))
        kept = entry.decisions.get(tool)
        if kept is not None and kept[0] == basis:
            return kept[1]
        standing = entry.standing
        if standing is not None and not fresh:
            # Old findings and figures say nothing, but who the run is stays true.
            standing = Standing([_only_who(run) for run in standing.runs])
        decision = decide(subject, standing, held.brakes, nanoseconds(now), tool)
        if len(entry.decisions) > 20:
            entry.decisions.clear()
        entry.decisions[tool] = basis, decision
        return decision

    def _try(
        self, subject: Subject, entry: Entry, decision: Decision, trial: Trial, now: datetime, tool: str
    ) -> Decision:
        """Takes the trial of a breaker, or learns that another run has it."""
        breaker, trace_id = trial
        try:
            won = breakers.take_trial(breaker.id, trace_id, now)
        except DatabaseError:
            won = True  # fail open
        self._refresh_brakes({subject.project}, now)
        if won:
            return Decision(decision.word, decision.causes)
        held = self._in_force.get(subject.project)
        again = decide(subject, entry.standing, held.brakes if held else Brakes(), nanoseconds(now), tool)
        return Decision(again.word, again.causes)

    def _count(self, entry: Entry, decision: Decision, tool: str) -> None:
        if decision.first is not None:
            with self._lock:
                entry.told += 1
                entry.why, entry.of_tool = decision.first, bool(tool)

    def _answer(self, entry: Entry, decision: Decision) -> Verdict:
        fresh = self._clock() - entry.read_at <= FRESH_SECONDS
        reasons = decision.reasons
        if not fresh:
            reasons = [*reasons, f"No judgement: {entry.failure}" if entry.failure else NOT_YET]
        answer = Verdict(decision.word, reasons)
        if entry.standing is not None:
            answer.cost_usd, answer.steps = entry.standing.cost_usd, entry.standing.steps
            answer.tokens = entry.standing.tokens
        if entry.checked_ns:
            answer.checked_at = _text(entry.checked_ns)
            answer.fresh_s = round(max(self._clock() - entry.read_at, 0.0), 3)
        first = decision.first
        if first is not None:
            answer.halt_id = first.halt if first.halt is not None else entry.halt_id
            answer.until = _text(first.until_ns) if first.until_ns else None
        return answer

    # The record

    def _write_down(self, now: datetime) -> None:
        """One row a stretch, at most one write a subject and second; a failure is tried again a second later."""
        told: dict[Subject, Told] = {}
        over: list[Subject] = []
        with self._lock:
            entries = dict(self._entries)
        for subject, entry in entries.items():
            if entry.told and (why := entry.why) is not None:
                told[subject] = Told(entry.told, why.source, why.reason, now, why.incident, why.halt)
            elif entry.halt_id is not None and not entry.of_tool and self._goes_on(subject, entry, now):
                over.append(subject)
        if not told and not over:
            return
        try:
            found = halts.record(told)
            halts.over(over, now)
        except DatabaseError as error:
            log.warning("halts cannot be written down", error=type(error).__name__)
            return
        for subject, number in found.items():
            with self._lock:
                entries[subject].told -= told[subject].count
                # That of a halt by hand is told with its cause, and ended by who lifts it.
                entries[subject].halt_id = number if told[subject].halt is None else None
        for subject in over:
            entries[subject].halt_id = None

    def _goes_on(self, subject: Subject, entry: Entry, now: datetime) -> bool:
        """Whether it is known that it would not be halted now."""
        held = self._in_force.get(subject.project)
        if held is None or self._clock() - entry.read_at > FRESH_SECONDS:
            return False
        return self._decided(subject, entry, held, now, "").first is None


def _since(entry: Entry, now: datetime) -> int:
    """From when on the spans of a subject are read again. Of an agent those of late count, whenever it began."""
    began = [run.start_ns for run in entry.standing.runs] if entry.standing is not None else []
    return min([entry.first_asked_ns, *began]) - BEFORE_NS


def _only_who(run: Run) -> Run:
    """Who a run is, without what it has used."""
    return Run(
        run.trace_id, start_ns=run.start_ns, end_ns=run.start_ns, over=True, agents=run.agents, sessions=run.sessions,
        users=run.users,
    )  # fmt: skip


def _text(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
