"""Deletes a closed project when its time has come, and proves it.

It deletes the project's rows table by table, counts again until nothing is left, and deletes the rows of the metadata
database last, with them the project itself: whoever takes it up after a kill finds what was still to do. The proof is
in the order (`ProjectDeletion`) and in the audit log, which stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from tracestore import audit, deletion, project_rows, verdicts
from tracestore.audit import Actor
from tracestore.clickhouse import deleting_projects
from tracestore.deletion_orders import SLOW, SLOW_PATIENCE_SECONDS, SLOW_REST_SECONDS, Turns, Work, pause, rest
from tracestore.errors import Unavailable
from tracestore.models import Deletion, Project, ProjectDeletion

log = structlog.get_logger(__name__)

State = ProjectDeletion.State
#: So long after a project was closed nothing is on its way to it any more: longer than a key is believed
#: (`keys.REVOKED_WITHIN_SECONDS`) and a request of a sender takes.
LAST_SENDERS: Final = timedelta(seconds=30)
#: Rounds of one attempt; each deletes what was written during the one before.
MOST_ROUNDS: Final = 10


@dataclass(slots=True)
class Deleting(Work[ProjectDeletion]):
    """A deletion in work, with the rows that there were, by table."""

    before: dict[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        return {"before": self.before}


def claim(wanted: ProjectDeletion | None = None) -> ProjectDeletion | None:
    """The next one that is due, or the wanted one, taken so that nobody takes it too; None while one is in work."""
    now = timezone.now()
    if Deletion.objects.filter(state=Deletion.State.RUNNING, told_at__gt=now - deletion.SILENT).exists():
        return None
    rows = list(ProjectDeletion.objects.filter(state__in=(State.SCHEDULED, State.DELETING)).order_by("due_at", "pk"))
    if any(row.state == State.DELETING and now - row.told_at < deletion.SILENT for row in rows):
        return None
    for row in rows:
        if (wanted is not None and row.pk != wanted.pk) or not is_due(row):
            continue
        taken = ProjectDeletion.objects.filter(pk=row.pk, state=row.state, told_at=row.told_at)
        if taken.update(state=State.DELETING, told_at=now):
            row.state, row.told_at = State.DELETING, now
            return row
    return None


def is_due(row: ProjectDeletion) -> bool:
    now = timezone.now()
    return row.due_at <= now and row.requested_at <= now - LAST_SENDERS


def carry_out(row: ProjectDeletion) -> ProjectDeletion:
    """Does one that was claimed.

    Raises:
        Unavailable: the store does not answer, or rows keep coming; it stays, to be taken up again.
        Overloaded: the other jobs did not pause; likewise.
    """
    work = Deleting(row, dict(row.before))
    for number in range(MOST_ROUNDS):
        work.tell(f"Round {number + 1}: counting", now=True)
        for table, rows in deleting_projects.counts(row.slug).items():
            work.before[table] = max(work.before.get(table, 0), rows)
        work.tell(f"Round {number + 1}: deleting", now=True)  # once rows are gone nobody can count them
        for table in deleting_projects.TABLES:
            with rest(work):
                work.tell(f"Deleting from {table}")
                deleting_projects.delete(row.slug, table, work.tell)
        with pause(work, SLOW, SLOW_REST_SECONDS, SLOW_PATIENCE_SECONDS), rest(work):
            work.tell("Counting what is left", now=True)
            left = deleting_projects.counts(row.slug)
            if not any(left.values()):
                return _end(work, left)
    raise Unavailable("Rows keep coming: something writes to the project still. It is tried again.")


def _end(work: Deleting, left: dict[str, int]) -> ProjectDeletion:
    """Deletes the metadata, and the project with it; the proof is written in the same transaction."""
    row = work.row
    work.tell("Deleting settings, incidents and keys", now=True)
    with transaction.atomic():
        project = Project.every.select_for_update().filter(slug=row.slug).first()
        if project is not None:
            work.before |= project_rows.counts(project.pk)
            number = project.pk
            project.delete()
            left = left | project_rows.counts(number)
        row.state, row.message, row.before, row.left = State.DONE, "", work.before, left
        row.told_at = row.finished_at = timezone.now()
        row.save(update_fields=("state", "message", "before", "left", "told_at", "finished_at"))
        audit.record(
            "project.deleted", project=row.slug, subject=row.slug, actor=Actor("delete_data", "job"),
            organisation=row.organisation.slug if row.organisation else "",
            detail={"requested_by": row.requested_by, "before": row.before, "left": row.left},
        )  # fmt: skip
    verdicts.forget(row.slug)
    log.info("a project is deleted", project=row.slug, rows=sum(row.before.values()))
    return row


def again(row: ProjectDeletion, reason: str) -> None:
    """Leaves it as it is: taken up again when it has said nothing for a while."""
    ProjectDeletion.objects.filter(pk=row.pk).update(told_at=timezone.now(), message=reason[:300])


def broke(row: ProjectDeletion, reason: str) -> None:
    again(row, f"{reason} It is tried again.")


TURNS: Final = Turns(
    open=(State.SCHEDULED, State.DELETING), claim=claim, carry_out=carry_out, put_back=again, broke=broke
)
