"""Organisations: made, renamed, and found by those who belong to them."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from tracestore import audit
from tracestore.access import organisations_of, projects_of, role_in_organisation
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import AuditEntry, Organisation, OrganisationMembership, Project, Role
from tracestore.organisations import naming, rules

#: Projects that an error names.
MOST_NAMED: Final = 10
NO_SUCH: Final = "There is no such organisation among yours."


def listed(person: User) -> list[tuple[Organisation, str]]:
    """The organisations that a person belongs to or has a project in, and as what; '' for who has projects only."""
    found = organisations_of(person)
    seen = {one.pk for one, _ in found}
    for project in projects_of(person):
        if project.organisation.pk not in seen:
            seen.add(project.organisation.pk)
            found.append((project.organisation, ""))
    return found


def of(person: User, slug: str) -> tuple[Organisation, str]:
    """An organisation and what the person is in it; '' for who has projects of it only.

    Raises: NotFound, if it is none of theirs; whether it exists is not told.
    """
    for organisation, role in listed(person):
        if organisation.slug == slug:
            return organisation, role
    raise NotFound(NO_SUCH)


def role_of(actor: User | None, organisation: Organisation) -> str:
    """What the actor is in an organisation; the operator may do what an owner may."""
    return Role.OWNER if actor is None else role_in_organisation(actor, organisation.slug)


def may_found(actor: User) -> bool:
    """Who owns an organisation may make another: else everybody who was invited to look could."""
    return any(role == Role.OWNER for _, role in organisations_of(actor))


def create(actor: User | None, name: object, slug: object = None, owner: User | None = None) -> Organisation:
    """Makes an organisation, owned by `owner` (the actor unless said).

    Raises:
        Forbidden: the actor owns none yet.
        InvalidInput: names the field; also a slug that is taken, or an owner who cannot log in.
    """
    if actor is not None and not may_found(actor):
        raise Forbidden("Only who owns an organisation may make another one.")
    first = owner or actor
    if first is None or not first.is_active:
        raise InvalidInput("owner: expected a user who can log in.", field="owner")
    called = naming.checked_name(name)
    chosen = naming.checked_slug(slug, called)
    # The audit log names organisations by their slugs: who had it next would read what is about the one before.
    if AuditEntry.objects.filter(action="organisation.deleted", subject=chosen).exists():
        raise naming.taken()
    try:
        with transaction.atomic():
            made = Organisation.objects.create(slug=chosen, name=called)
            OrganisationMembership.objects.create(organisation=made, user=first, role=Role.OWNER)
    except IntegrityError:
        raise naming.taken() from None
    audit.concerns(made.slug, made.slug)
    return made


def rename(organisation: Organisation, actor: User | None, name: object) -> None:
    """Raises: Forbidden, InvalidInput."""
    rules.check_managing(role_of(actor, organisation))
    organisation.name = naming.checked_name(name)
    organisation.save(update_fields=["name"])
    audit.concerns(organisation.slug, organisation.slug)


def delete(organisation: Organisation, actor: User | None, name: object = None) -> None:
    """Deletes an organisation without projects; its people keep their accounts, its audit log stays.

    `name`: typed again to confirm it; None where that is asked for elsewhere.

    Raises:
        Forbidden: the actor does not own it.
        InvalidInput: it has projects, which are named; or the name is another.
    """
    if role_of(actor, organisation) != Role.OWNER:
        raise Forbidden("Only an owner of the organisation may delete it.")
    naming.check_typed(name, organisation.name)
    with transaction.atomic():
        lock(organisation)
        check_empty(organisation)
        slug = organisation.slug
        organisation.delete()
    audit.concerns(slug, slug)


def check_empty(organisation: Organisation) -> None:
    """Raises: InvalidInput, if it has projects, also closed ones whose data are still there; names them."""
    left = list(Project.every.filter(organisation=organisation).order_by("slug"))
    if left:
        named = ", ".join(f"{one.slug} (being deleted)" if one.closed_at else one.slug for one in left[:MOST_NAMED])
        more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
        raise InvalidInput(f"The organisation has projects: {named}{more}. Expected none: delete them first.")


def lock(organisation: Organisation) -> None:
    """Until the transaction ends, nobody else changes who is in it.

    A write that changes nothing: PostgreSQL locks the row, SQLite the file.
    """
    Organisation.objects.filter(pk=organisation.pk).update(name=F("name"))
