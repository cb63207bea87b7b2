"""Organisations: made, renamed, and found by those who belong to them."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from tracestore import audit
from tracestore.access import organisations_of, projects_of, role_in_organisation
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import Organisation, OrganisationMembership, Role
from tracestore.organisations import naming, rules

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


def lock(organisation: Organisation) -> None:
    """Until the transaction ends, nobody else changes who is in it.

    A write that changes nothing: PostgreSQL locks the row, SQLite the file.
    """
    Organisation.objects.filter(pk=organisation.pk).update(name=F("name"))
