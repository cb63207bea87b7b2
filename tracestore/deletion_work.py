"""Does an order to delete, and proves it.

It finds the traces, deletes their rows table by table, takes out what on-call's records quote, and counts again. Spans
that arrive meanwhile are found by another round. It is done when nothing is left; what arrives after that is stored.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.utils import timezone

from tracestore import audit, deletion_quotes, verdicts
from tracestore.audit import Actor
from tracestore.clickhouse import deleting
from tracestore.clickhouse.deleting import Subject
from tracestore.deletion import Kind, State, again, claim, fail
from tracestore.deletion_orders import SLOW, SLOW_PATIENCE_SECONDS, SLOW_REST_SECONDS, Turns, Work, pause, rest
from tracestore.deletion_quotes import Named
from tracestore.models import Deletion

log = structlog.get_logger(__name__)

#: Rounds of one order; each finds what arrived during the one before.
MOST_ROUNDS: Final = 10
#: Where an order in work keeps the traces that it has found, in place of what is left: their rows may be gone when
#: a worker that was killed is replaced, and what is left of them is to be counted all the same.
FOUND: Final = "traces"


@dataclass(slots=True)
class Deleting(Work[Deletion]):
    """An order in work, with what it has found and deleted."""

    subject: Subject
    traces: list[str] = field(default_factory=list)
    #: Names of the saved searches that went.
    searches: list[str] = field(default_factory=list)
    deleted: Counter[str] = field(default_factory=Counter)
    #: The hours of all of them, in ns.
    hours: set[int] = field(default_factory=set)

    def figures(self) -> dict[str, Any]:
        return {"traces": len(self.traces), "deleted": dict(self.deleted), "searches": self.searches}


def carry_out(row: Deletion) -> Deletion:
    """Does an order that was claimed, and says in its row how it ended.

    Raises:
        Unavailable: the store does not answer; the order stays, to be taken up again.
        Overloaded: the other jobs did not pause; likewise.
    """
    subject = Subject(row.project.slug, row.kind, row.value)  # type: ignore[arg-type]  # one of the three
    before = list(row.left.get(FOUND, ()))
    work = Deleting(row, subject, list(before), list(row.searches), Counter(row.deleted))
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


def _round(work: Deleting, traces: list[str], number: int) -> None:
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


def _left(work: Deleting) -> Counter[str]:
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


def _named(work: Deleting) -> Named:
    return Named(frozenset(work.traces), "" if work.row.kind == Kind.TRACE else work.subject.value)


def _end(work: Deleting, state: str, message: str, left: Counter[str]) -> Deletion:
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


TURNS: Final = Turns(open=(State.WAITING, State.RUNNING), claim=claim, carry_out=carry_out, put_back=again, broke=fail)
