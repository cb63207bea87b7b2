"""Projects of an organisation: made and renamed. A project's slug never changes, since rows carry it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tracestore import audit
from tracestore.alerts.rules import ensure_builtin
from tracestore.errors import InvalidInput
from tracestore.models import Organisation, Project, ProjectDeletion
from tracestore.organisations import naming, rules
from tracestore.organisations.organisations import lock, role_of

#: Projects of one organisation: each costs a set of alert rules that are evaluated all the time.
MOST: Final = 500
#: So long after the last row of a deleted project is gone its slug stays taken: what it was lies in files that are
#: about to go, and in what processes remember.
SLUG_RESTS: Final = timedelta(days=1)


def create(organisation: Organisation, actor: User | None, name: object, slug: object = None) -> Project:
    """Makes a project with the shipped alert rules.

    Raises:
        Forbidden: the actor does not manage the organisation.
        InvalidInput: names the field; also a slug that is taken (by a project that is to be deleted, too), or too many
            projects.
    """
    called = naming.checked_name(name)
    chosen = naming.checked_slug(slug, called)
    with transaction.atomic():
        lock(organisation)
        rules.check_managing(role_of(actor, organisation))
        if organisation.projects.count() >= MOST:
            raise InvalidInput(f"The organisation has {MOST} projects: expected no more.")
        lately = timezone.now() - SLUG_RESTS
        gone = ProjectDeletion.objects.filter(slug=chosen, state=ProjectDeletion.State.DONE)
        # Of another organisation never: the audit log names what it was by its slug.
        if gone.filter(finished_at__gt=lately).exists() or gone.exclude(organisation=organisation).exists():
            raise naming.taken()
        try:
            with transaction.atomic():
                made = Project.objects.create(slug=chosen, name=called, organisation=organisation)
        except IntegrityError:
            raise naming.taken() from None
        ensure_builtin(chosen)
    audit.concerns(chosen, organisation.slug)
    return made


def rename(project: Project, name: object) -> None:
    """Who may is said by the project's own roles: the scope `admin` in it. Raises: InvalidInput."""
    project.name = naming.checked_name(name)
    project.save(update_fields=["name"])
    audit.concerns(project.slug, project.organisation.slug)
