"""Projects that are to be deleted: closed at once, deleted after some days, brought back until then.

Closing ends what reads, sends and works: logins see the project no more, keys are refused within seconds, SQL users of
it are ended, jobs leave it out. Its rows go when the time is over (`tracestore.project_deletion_work`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from tracestore import audit, keys, sql_readers, verdicts
from tracestore.errors import InvalidInput, NotFound
from tracestore.first_start import PROJECT as DEFAULT
from tracestore.models import ApiKey, Organisation, Project, ProjectDeletion
from tracestore.moments import utc_text
from tracestore.organisations import naming, organisations, rules
from tracestore.organisations.organisations import lock, role_of

log = structlog.get_logger(__name__)

#: How long a closed project can be brought back.
KEPT: Final = timedelta(days=7)
State = ProjectDeletion.State
NO_SUCH: Final = "There is no such project that is to be deleted."


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends at once when a project is closed."""

    keys: int
    rules: int
    channels: int


def ending(project: Project) -> Ending:
    return Ending(
        sum(key.state == "active" for key in ApiKey.objects.filter(project=project)),
        project.alert_rules.filter(enabled=True, deleted_at=None).count(),
        project.channels.filter(enabled=True, deleted_at=None).count(),
    )


def check(project: Project, actor: User | None) -> None:
    """Whether this may be deleted by the actor.

    Raises:
        Forbidden: the actor does not manage the project's organisation.
        InvalidInput: it is the default project, and the only one or the one of senders without a key.
    """
    rules.check_managing(role_of(actor, project.organisation))
    if project.slug != DEFAULT:
        return
    if not Project.objects.exclude(pk=project.pk).exists():
        raise InvalidInput("The project default is the only one: make another project first.")
    if not settings.ENVIRONMENT.require_api_key:
        raise InvalidInput(
            "What is sent without a key goes to the project default: set TRACESTORE_REQUIRE_API_KEY=true first."
        )


def delete(
    project: Project, actor: User | None, by: str, name: object = None, *, after: timedelta = KEPT
) -> ProjectDeletion:
    """Closes a project, to be deleted `after` so long.

    `by` is who is told as having ordered it; `name`: typed again to confirm it, None where that is asked for elsewhere.

    Raises:
        Forbidden, InvalidInput: as `check`; also when the name is another.
        InvalidInput, Unavailable: its SQL users could not be ended; nothing is closed.
    """
    check(project, actor)
    naming.check_typed(name, project.name)
    now = timezone.now()
    # What a transaction cannot take back comes first: a project with fewer SQL users is better than a closed one that
    # somebody reads.
    readers = [one.user for one in sql_readers.listing() if one.project == project.slug]
    for user in readers:
        sql_readers.revoke(user)
    with transaction.atomic():
        lock(project.organisation)
        check(project, actor)
        if not Project.objects.filter(pk=project.pk).update(closed_at=now):
            raise NotFound("There is no such project.")
        row = ProjectDeletion.objects.create(
            slug=project.slug, name=project.name, organisation=project.organisation, requested_by=by[:150],
            requested_at=now, due_at=now + after,
        )  # fmt: skip
    keys.forget()
    verdicts.forget(project.slug)
    audit.concerns(project.slug, project.organisation.slug)
    if not after:
        ask()
    log.info("a project is closed", project=project.slug, due_at=utc_text(row.due_at), sql_users_ended=len(readers))
    return row


def restore(row: ProjectDeletion, actor: User | None) -> Project:
    """Brings a closed project back as it was, but for its SQL users. Its alerts go on from where they stood.

    Raises:
        Forbidden: the actor does not manage its organisation.
        InvalidInput: its data have begun to go, or it is back already.
    """
    organisation = row.organisation
    if organisation is None:
        raise NotFound(NO_SUCH)
    rules.check_managing(role_of(actor, organisation))
    with transaction.atomic():
        lock(organisation)
        taken = ProjectDeletion.objects.filter(pk=row.pk, state=State.SCHEDULED)
        if not taken.update(state=State.RESTORED, finished_at=timezone.now()):
            row.refresh_from_db()
            raise InvalidInput(f"The deletion of {row.slug} is {row.state}: expected scheduled.")
        Project.every.filter(slug=row.slug).update(closed_at=None)
    audit.concerns(row.slug, organisation.slug)
    return Project.objects.select_related("organisation").get(slug=row.slug)


def hasten(row: ProjectDeletion) -> None:
    """Makes the deletion of a closed project due now. Of one that has begun nothing changes."""
    ProjectDeletion.objects.filter(pk=row.pk, state=State.SCHEDULED).update(due_at=timezone.now())
    ask()


def ask() -> None:
    """Asks the worker. If the queue does not answer, it looks by itself within a minute."""
    from tracestore.celery import app

    try:
        app.send_task("tracestore.delete_data")
    except (OperationalError, OSError) as error:
        log.warning("a deletion waits for its turn", reason=type(error).__name__)


def listed(organisation: Organisation) -> list[ProjectDeletion]:
    """The projects of an organisation that are to be deleted, the next first."""
    going = organisation.project_deletions.filter(state__in=(State.SCHEDULED, State.DELETING))
    return list(going.order_by("due_at", "pk"))


def find(actor: User | None, slug: str) -> ProjectDeletion:
    """The latest deletion of a project of this slug, of an organisation that the actor manages.

    Raises:
        NotFound: there is none in the actor's organisations.
        Forbidden: the actor does not manage that organisation.
    """
    mine = None if actor is None else {one.pk for one, _ in organisations.listed(actor)}
    for row in ProjectDeletion.objects.select_related("organisation").filter(slug=slug).order_by("-pk"):
        if row.organisation is not None and (mine is None or row.organisation_id in mine):
            rules.check_managing(role_of(actor, row.organisation))
            return row
    raise NotFound(NO_SUCH)


def tables_of(row: ProjectDeletion) -> list[tuple[str, int, int | None]]:
    """By table: rows before, and rows left; None before they were counted at the end."""
    left = row.left if row.finished_at else {}
    return [(name, rows, left.get(name)) for name, rows in row.before.items()]
