"""Orders to delete all that is kept of a trace, a session or a user. Doing them is `tracestore.deletion_work`.

An order is a row of `Deletion`; the worker takes it up, and takes it up again when it was killed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from tracestore.clickhouse.deleting import Subject
from tracestore.errors import InvalidInput, NotFound, Overloaded
from tracestore.models import Deletion, Project, ProjectDeletion

log = structlog.get_logger(__name__)

#: What an order names, as the API and the command call it → the kind.
FIELDS: Final = {f"{kind}_id": str(kind) for kind in Deletion.Kind}
MOST_VALUE: Final = 300
#: Orders of a project that may wait or run at once.
MOST_WAITING: Final = 100
#: An order in work that told nothing for so long was left by a worker that was killed.
SILENT: Final = timedelta(seconds=60)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")

Kind = Deletion.Kind
State = Deletion.State


def subject_of(project: str, kind: str, value: Any) -> Subject:
    """Whose data is meant.

    Raises:
        InvalidInput: there is no such kind, or no such id is possible.
    """
    if kind not in Kind.values:
        raise InvalidInput(f"Expected one of {', '.join(FIELDS)}.", field="kind")
    field_name = f"{kind}_id"
    if not isinstance(value, str) or not 1 <= len(value) <= MOST_VALUE or "\x00" in value:
        raise InvalidInput(f"{field_name}: expected a text of 1 to {MOST_VALUE} characters.", field=field_name)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field_name}: expected a text in Unicode.", field=field_name) from None
    if kind == Kind.TRACE:
        value = value.strip().lower()
        if _TRACE_ID.fullmatch(value) is None:
            raise InvalidInput("trace_id: expected 32 hexadecimal digits.", field="trace_id")
    return Subject(project, kind, value)  # type: ignore[arg-type]  # one of the three


def order(subject: Subject, by: str) -> Deletion:
    """Stores an order and asks the worker for it. If the queue does not answer, it is taken up within a minute.

    Raises:
        NotFound: there is no such project.
        Overloaded: too many are waiting.
    """
    from tracestore.celery import app

    project = Project.objects.filter(slug=subject.project).first()
    if project is None:
        raise NotFound("There is no such project.")
    same = going().filter(project=project, kind=subject.kind, value=subject.value).first()
    if same is not None:
        return same
    if going().filter(project=project).count() >= MOST_WAITING:
        raise Overloaded(f"{MOST_WAITING} deletions are waiting. Order the next one later.", retry_after_s=30)
    row = Deletion.objects.create(project=project, kind=subject.kind, value=subject.value, requested_by=by[:150])
    try:
        app.send_task("tracestore.delete_data")
    except (OperationalError, OSError) as error:
        log.warning("a deletion waits for its turn", number=row.pk, reason=type(error).__name__)
    return row


def going() -> QuerySet[Deletion]:
    """The orders that wait or are in work."""
    return Deletion.objects.filter(state__in=(State.WAITING, State.RUNNING))


def find(project: str, number: int) -> Deletion:
    """Raises: NotFound, the project has no such order."""
    row = Deletion.objects.select_related("project").filter(project__slug=project, pk=number).first()
    if row is None:
        raise NotFound("There is no such deletion in this project.")
    return row


def tables_of(row: Deletion) -> list[tuple[str, int, int | None]]:
    """By table: rows that are gone, and rows left; None before they were counted at the end."""
    left = row.left if row.finished_at else {}
    return [(name, row.deleted.get(name, 0), left.get(name)) for name in (left or row.deleted)]


def touched_since(moment: datetime) -> bool:
    """Whether data were being deleted after a moment: what a process remembers of runs may be of deleted ones."""
    whole = ProjectDeletion.objects.filter(told_at__gt=moment, state__in=("deleting", "done"))
    return Deletion.objects.filter(told_at__gt=moment).exclude(state=State.WAITING).exists() or whole.exists()


def claim(wanted: Deletion | None = None) -> Deletion | None:
    """The next order to be done, or the wanted one, taken so that nobody takes it too; None while one is in work."""
    now = timezone.now()
    if ProjectDeletion.objects.filter(state=ProjectDeletion.State.DELETING, told_at__gt=now - SILENT).exists():
        return None
    rows = list(going().select_related("project").order_by("pk"))
    if any(row.state == State.RUNNING and now - row.told_at < SILENT for row in rows):
        return None
    for row in rows:
        if wanted is not None and row.pk != wanted.pk:
            continue
        taken = Deletion.objects.filter(pk=row.pk, state=row.state, told_at=row.told_at)
        if taken.update(state=State.RUNNING, told_at=now):
            row.state, row.told_at = State.RUNNING, now
            return row
    return None


def again(row: Deletion, reason: str) -> None:
    """Puts an order back that cannot be done now; it is taken up again."""
    Deletion.objects.filter(pk=row.pk).update(state=State.WAITING, told_at=timezone.now(), message=reason[:300])


def fail(row: Deletion, reason: str) -> None:
    """Gives an order up."""
    Deletion.objects.filter(pk=row.pk).update(
        state=State.FAILED, told_at=timezone.now(), finished_at=timezone.now(), message=reason[:300], left={}
    )
