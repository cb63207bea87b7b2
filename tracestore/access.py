"""Who may do what: roles of people in organisations and projects, and the scopes that come with a role.

The role of the organisation counts in all its projects; a project may give a higher one. Of both the higher
counts, so that nobody who owns an organisation can be locked out of a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q

from tracestore.models import Membership, Organisation, OrganisationMembership, Project, Role

#: Roles, the most first.
RANKS: Final[tuple[str, ...]] = (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER)

#: What a role may do through the browser's login. Sending spans always takes a key.
ROLE_SCOPES: Final[dict[str, frozenset[str]]] = {
    Role.OWNER: frozenset({"read", "sql", "admin"}),
    Role.ADMIN: frozenset({"read", "sql", "admin"}),
    # "respond": acknowledge, snooze, resolve, note, halt and release; `admin` may do that too.
    Role.MEMBER: frozenset({"read", "sql", "respond"}),
    Role.VIEWER: frozenset({"read"}),
}


def higher(roles: Sequence[str]) -> str:
    """The one of several roles that allows most; '' of none."""
    return min((role for role in roles if role in RANKS), key=RANKS.index, default="")


def at_least(role: str, wanted: str) -> bool:
    """Whether a role allows all that another does."""
    return role in RANKS and RANKS.index(role) <= RANKS.index(wanted)


def projects_of(user: Any) -> list[Project]:
    """The projects that a user may see, those they belong to longest first."""
    if not getattr(user, "pk", None):
        return []
    # Never one that is to be deleted.
    mine = Q(memberships__user=user) | Q(organisation__memberships__user=user)
    return list(Project.objects.filter(mine).select_related("organisation").distinct().order_by("pk"))


def role_in(user: Any, project: str) -> str:
    """What a user is in a project, by its slug; '' when they may not see it (or it does not exist)."""
    if not getattr(user, "pk", None):
        return ""
    own = Membership.objects.filter(user=user, project__slug=project, project__closed_at=None).values_list(
        "role", flat=True
    )
    whole = OrganisationMembership.objects.filter(
        user=user, organisation__projects__slug=project, organisation__projects__closed_at=None
    )
    return higher([*own, *whole.values_list("role", flat=True)])


def scopes_in(user: Any, project: str) -> frozenset[str]:
    """The scopes of a user in a project, empty when they may not see it."""
    return ROLE_SCOPES.get(role_in(user, project), frozenset())


def organisations_of(user: Any) -> list[tuple[Organisation, str]]:
    """The organisations that a user belongs to, and as what; a member of one project only is in none."""
    if not getattr(user, "pk", None):
        return []
    found = OrganisationMembership.objects.filter(user=user).select_related("organisation").order_by("pk")
    return [(one.organisation, one.role) for one in found]


def role_in_organisation(user: Any, organisation: str) -> str:
    """What a user is in an organisation, by its slug; '' when they are not in it."""
    return next((role for one, role in organisations_of(user) if one.slug == organisation), "")
