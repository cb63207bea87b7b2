"""Who is in an organisation and in its single projects: listed, given another role, removed.

Roles are changed under a lock of the organisation, and read again under it: of two owners who remove each other at
the same moment, the second is told that no owner would be left (or that they are not one any more).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tracestore import audit
from tracestore.access import higher
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Invitation, Membership, Organisation, OrganisationMembership, Project, Role
from tracestore.organisations import rules
from tracestore.organisations.organisations import lock, role_of

NO_SUCH: Final = "There is no such member in this organisation."
LAST_OWNER: Final = "An organisation keeps at least one owner who can log in: make somebody else an owner first."


@dataclass(frozen=True, slots=True)
class Member:
    """A person and their roles: in the organisation ('' for none), and in single projects."""

    user: User
    role: str
    projects: tuple[tuple[Project, str], ...]


def listed(organisation: Organisation) -> list[Member]:
    """Everybody who is in the organisation or in one of its projects, by name."""
    whole = dict(OrganisationMembership.objects.filter(organisation=organisation).values_list("user_id", "role"))
    single: dict[int, list[tuple[Project, str]]] = {}
    rows = Membership.objects.filter(project__organisation=organisation, project__closed_at=None)
    for row in rows.select_related("project").order_by("project__slug"):
        single.setdefault(row.user_id, []).append((row.project, row.role))
    people = User.objects.filter(pk__in={*whole, *single}).order_by("username")
    return [Member(user, whole.get(user.pk, ""), tuple(single.get(user.pk, ()))) for user in people]


def find(organisation: Organisation, user_id: int) -> User:
    """Raises: NotFound, if the person has no role in the organisation and none in its projects."""
    here = Q(organisation_memberships__organisation=organisation) | Q(memberships__project__organisation=organisation)
    user = User.objects.filter(here, pk=user_id).distinct().first()
    if user is None:
        raise NotFound(NO_SUCH)
    return user


def project_of(organisation: Organisation, slug: object) -> Project:
    """Raises: InvalidInput, if the organisation has no project of this slug."""
    known = isinstance(slug, str) and slug.isprintable()
    found = organisation.projects.filter(slug=slug, closed_at=None).first() if known else None
    if found is None:
        raise InvalidInput("project: expected the slug of a project of this organisation.", field="project")
    return found


def change_role(
    organisation: Organisation, actor: User | None, user_id: int, role: str, project: Project | None = None
) -> None:
    """Gives somebody who is here already another role, in the organisation or in one of its projects; '' takes it away.

    Raises:
        NotFound: there is no such member.
        Forbidden: the actor may not (see `rules`).
        InvalidInput: no owner would be left.
    """
    with transaction.atomic():
        lock(organisation)
        user = find(organisation, user_id)
        whole = _role(organisation, user)
        held = higher([whole, _role_in(project, user)]) if project else whole
        rules.check_change(role_of(actor, organisation), held, role, own=user == actor)
        if project is None:
            _write(organisation, user, role)
            if whole == Role.OWNER:
                _check_owner_left(organisation)
            _withdraw(organisation, user)
        else:
            _write_in(project, user, role)
    audit.concerns(f"{user.get_username()} in {project.slug}" if project else user.get_username(), organisation.slug)


def remove(organisation: Organisation, actor: User | None, user_id: int) -> User:
    """Takes all roles here from somebody: in the organisation and in each of its projects. Oneself: leaving.

    Raises:
        NotFound: there is no such member.
        Forbidden: the actor may not (see `rules`).
        InvalidInput: no owner would be left.
    """
    with transaction.atomic():
        lock(organisation)
        user = find(organisation, user_id)
        whole = _role(organisation, user)
        single = Membership.objects.filter(user=user, project__organisation=organisation)
        held = higher([whole, *single.values_list("role", flat=True)])
        rules.check_change(role_of(actor, organisation), held, "", own=user == actor)
        single.delete()
        _write(organisation, user, "")
        if whole == Role.OWNER:
            _check_owner_left(organisation)
        _withdraw(organisation, user)
    audit.concerns(user.get_username(), organisation.slug)
    return user


def grant(organisation: Organisation, user: User, role: str, project: Project | None = None) -> None:
    """The higher of the role that somebody has and the one that is given. In a transaction."""
    lock(organisation)
    whole = _role(organisation, user)
    if project is None:
        _write(organisation, user, higher([whole, role]))
    elif higher([whole, role]) != whole:
        _write_in(project, user, higher([_role_in(project, user), role]))


def _role(organisation: Organisation, user: User) -> str:
    rows = OrganisationMembership.objects.filter(organisation=organisation, user=user)
    return rows.values_list("role", flat=True).first() or ""


def _role_in(project: Project, user: User) -> str:
    return Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first() or ""


def _write(organisation: Organisation, user: User, role: str) -> None:
    if role:
        OrganisationMembership.objects.update_or_create(organisation=organisation, user=user, defaults={"role": role})
    else:
        OrganisationMembership.objects.filter(organisation=organisation, user=user).delete()


def _write_in(project: Project, user: User, role: str) -> None:
    if role:
        Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    else:
        Membership.objects.filter(project=project, user=user).delete()


def _check_owner_left(organisation: Organisation) -> None:
    owners = OrganisationMembership.objects.filter(organisation=organisation, role=Role.OWNER)
    if not owners.filter(user__is_active=True).exists():
        raise InvalidInput(LAST_OWNER, field="role")


def _withdraw(organisation: Organisation, user: User) -> None:
    """Ends open invitations that somebody could not make any more: they must not let them in again."""
    may = rules.may_offer(_role(organisation, user))
    made = Invitation.objects.filter(organisation=organisation, invited_by=user.get_username())
    made.filter(accepted_at=None, revoked_at=None).exclude(role__in=may).update(revoked_at=timezone.now())
