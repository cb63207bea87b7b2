"""Does an order to delete, and proves it.

It finds the traces, deletes their rows table by table, takes out what on-call's records quote, and counts again. Spans
that arrive meanwhile are found by another round. It is done when nothing is left; what arrives after that is stored.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from django.utils import timezone

from tracestore import audit, deletion_quotes, leases, verdicts
from tracestore.audit import Actor
from tracestore.clickhouse import deleting
from tracestore.clickhouse.deleting import Subject
from tracestore.deletion import Kind, State, again, claim, fail
from tracestore.deletion_quotes import Named
from tracestore.errors import Overloaded, Unavailable
from tracestore.models import Deletion

log = structlog.get_logger(__name__)

#: Rounds of one order; each finds what arrived during the one before.
MOST_ROUNDS: Final = 10
#: Where an order in work keeps the traces that it has found, in place of what is left: their rows may be gone when
#: a worker that was killed is replaced, and what is left of them is to be counted all the same.
FOUND: Final = "traces"
#: Jobs that read rows, work, and write rows again: they rest while rows are deleted, or would bring some back.
RESTING: Final = ("agent_health", "evaluate_alerts", "detect_traces", "settle_traces")
#: The one whose passes may take minutes. Nothing waits for it but the last count, which a pass that had read before
#: could make untrue. Its lease lasts so long (`tasks.WINDOWS_LEASE_SECONDS`) if it was killed.
SLOW: Final = "judge_windows"
SLOW_PATIENCE_SECONDS: Final = 1_200.0
#: How long that one rests: histories are counted again meanwhile.
SLOW_REST_SECONDS: Final = 300
#: If a worker is killed while it deletes, those jobs rest for so long. A mutation that takes longer may meet one of
#: them; what it brings back is counted, and the next round deletes it.
REST_SECONDS: Final = 30
#: How long it waits for them to pause.
PATIENCE_SECONDS: Final = 120.0
TELL_SECONDS: Final = 0.5


class Telling(Protocol):
    """Work that takes long, and says that it goes on."""

    def tell(self, message: str = "", *, now: bool = False) -> None: ...


@dataclass(slots=True)
class Work:
    """An order in work, and what it has told of itself."""

    row: Deletion
    subject: Subject
    traces: list[str] = field(default_factory=list)
    #: Names of the saved searches that went.
    searches: list[str] = field(default_factory=list)
    deleted: Counter[str] = field(default_factory=Counter)
    #: The hours of all of them, in ns.
    hours: set[int] = field(default_factory=set)
    told: float = 0.0

    def tell(self, message: str = "", *, now: bool = False) -> None:
        """Writes down how far it is, at most every TELL_SECONDS unless `now`."""
        if message:
            self.row.message = message
        if now or time.monotonic() - self.told >= TELL_SECONDS:
            self.told = time.monotonic()
            Deletion.objects.filter(pk=self.row.pk).update(
                told_at=timezone.now(),
                message=self.row.message,
                traces=len(self.traces),
                deleted=dict(self.deleted),
                searches=self.searches,
            )


def carry_out(row: Deletion) -> Deletion:
    """Does an order that was claimed, and says in its row how it ended.

    Raises:
        Unavailable: the store does not answer; the order stays, to be taken up again.
        Overloaded: the other jobs did not pause; likewise.
    """
    subject = Subject(row.project.slug, row.kind, row.value)  # type: ignore[arg-type]  # one of the three
    before = list(row.left.get(FOUND, ()))
    work = Work(row, subject, list(before), list(row.searches), Counter(row.deleted))
    left: Counter[str] = Counter()
    for number in range(MOST_ROUNDS):
        known = set(work.traces)
        new = [one for one in deleting.traces_of(subject) if one not in known]
        if number and not new and not left.total():
            return _end(work, State.DONE, "", left)
        work.traces += new
        Deletion.objects.filter(pk=row.pk).update(left={FOUND: work.traces})
        # What is left is of any round before, or of the worker before.
        _round(work, work.traces if left.total() or not number else new, number)
        left = _left(work)
    if not left.total() and (row.kind == Kind.TRACE or not deleting.traces_of(subject)):
        return _end(work, State.DONE, "", left)
    return _end(work, State.FAILED, "Spans keep arriving. Stop what sends them, then order it again.", left)


def _round(work: Work, traces: list[str], number: int) -> None:
    """Deletes table by table, those that tell the traces of a session last: a run that is killed finds them again."""
    work.tell(f"Round {number + 1}: {len(traces)} traces", now=True)
    subject = work.subject
    findings = deleting.findings_of(subject, traces)
    hours = deleting.hours_of(subject.project, traces)
    work.hours.update(hours)
    parts = list(deleting.chunks(traces))
    for table in deleting.TABLES:
        for place, some in enumerate(parts):
            with rest(work):
                work.tell(f"Deleting from {table}, part {place + 1} of {len(parts)}", now=place == 0)
                work.deleted[table] += deleting.delete(subject, some, table, work.tell)
        if table == "stored_findings":
            with rest(work):
                # Told before they go: a worker that is killed in between leaves their names.
                work.searches += [one for one in deletion_quotes.searches(subject.project, _named(work))
                                  if one not in work.searches]  # fmt: skip
                work.tell(now=True)
                work.deleted += deletion_quotes.take_out(subject.project, _named(work), findings, work.tell)
        elif table == "stored_histories":
            deleting.forget_histories(subject.project, hours, work.tell)


def _left(work: Work) -> Counter[str]:
    """Table → rows that are still there, of the traces of all rounds; and records that quote them.

    Before it, the histories of their hours are counted again: a pass that had read them before may have stored some.
    """
    with pause(work, SLOW, SLOW_REST_SECONDS, SLOW_PATIENCE_SECONDS):
        work.tell("Counting the histories of detectors again", now=True)
        deleting.forget_histories(work.subject.project, sorted(work.hours), work.tell)
        deleting.count_histories(sorted(work.hours), time.time_ns(), work.tell)
        with rest(work):
            work.tell("Counting what is left", now=True)
            found = Counter(deleting.counts(work.subject, work.traces))
            found.update(deletion_quotes.left(work.subject.project, _named(work)))
            return found


def _named(work: Work) -> Named:
    return Named(frozenset(work.traces), "" if work.row.kind == Kind.TRACE else work.subject.value)


def _end(work: Work, state: str, message: str, left: Counter[str]) -> Deletion:
    row = work.row
    row.state, row.message, row.traces, row.left = state, message, len(work.traces), dict(left)
    row.searches = work.searches
    row.deleted = {name: work.deleted[name] for name in left}
    row.told_at = row.finished_at = timezone.now()
    row.save(update_fields=("state", "message", "traces", "searches", "left", "deleted", "told_at", "finished_at"))
    verdicts.forget(work.subject.project)
    audit.record(
        f"data.{'deleted' if state == State.DONE else 'deletion_failed'}", project=work.subject.project,
        subject=f"deletion {row.pk}", detail={"kind": row.kind, "traces": row.traces},
        actor=Actor("delete_data", "job"),
    )  # fmt: skip
    log.info("deleted", number=row.pk, kind=row.kind, state=state, traces=row.traces, rows=sum(row.deleted.values()))
    return row


@contextmanager
def rest(work: Telling) -> Iterator[None]:
    """Waits until the jobs that write rows again pause, and keeps them pausing for the block."""
    with ExitStack() as held:
        for name in RESTING:
            held.enter_context(pause(work, name, REST_SECONDS, PATIENCE_SECONDS))
        yield


@contextmanager
def pause(work: Telling, name: str, seconds: float, patience: float) -> Iterator[None]:
    """The same for one job.

    Raises:
        Overloaded: it did not pause for so long.
    """
    end = time.monotonic() + patience
    while True:
        with leases.hold(name, seconds=seconds) as held:
            if held:
                yield
                return
        if time.monotonic() > end:
            raise Overloaded(f"The job {name} of the worker did not pause. It is tried again.")
        work.tell(f"Waiting for the job {name} to pause")
        time.sleep(0.05)


def perform_next() -> bool:
    """Does the next order, if there is one to be done now; whether another may follow.

    An order that cannot be done now is put back.
    """
    row = claim()
    if row is None:
        return False
    try:
        _perform(row)
    except (Unavailable, Overloaded):
        return False
    return True


def perform(row: Deletion) -> Deletion:
    """Does this order, or waits while a worker does it or another one.

    Raises:
        Unavailable, Overloaded: as `carry_out`; the order stays.
    """
    while row.state in (State.WAITING, State.RUNNING):
        taken = claim(row)
        if taken is not None:
            return _perform(taken)
        time.sleep(0.2)
        row.refresh_from_db()
    return row


def _perform(row: Deletion) -> Deletion:
    try:
        return carry_out(row)
    except (Unavailable, Overloaded) as error:
        again(row, error.message)
        raise
    except Exception:
        fail(row, "An internal error occurred. The worker's log tells more.")
        raise
