"""Invitations: an offer of a role, to whoever holds its link first. Made, listed, sent again, revoked, accepted.

The link's token is 32 random bytes, told once; only its digest is stored, so there is nothing to guess and nothing
to read out of a database. Accepting is one compare-and-swap on `accepted_at`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts.notify.mail import ADDRESS
from tracestore.errors import InvalidInput, NotFound
from tracestore.keys import digest
from tracestore.models import Invitation, Organisation
from tracestore.organisations import members, naming, people, rules
from tracestore.organisations.organisations import lock, role_of

LIFETIME: Final = timedelta(days=7)
#: Open ones of an organisation.
MOST: Final = 200
FIELDS: Final = frozenset({"email", "role", "project"})
#: What whoever holds a link that does not work is told, whatever the reason.
CLOSED: Final = "This invitation does not work: it was used, taken back, or is more than a week old."


def state(one: Invitation, now: datetime | None = None) -> str:
    """open, accepted, revoked or expired."""
    if one.accepted_at is not None:
        return "accepted"
    if one.revoked_at is not None:
        return "revoked"
    return "open" if one.expires_at > (now or timezone.now()) else "expired"


def listed(organisation: Organisation, actor: User) -> QuerySet[Invitation]:
    """All of them, the newest first. Raises: Forbidden, if the actor does not manage the organisation."""
    rules.check_managing(role_of(actor, organisation))
    return organisation.invitations.select_related("project", "accepted_by").order_by("-pk")


def create(
    organisation: Organisation, actor: User, fields: Mapping[str, Any], now: datetime | None = None
) -> tuple[Invitation, str]:
    """Makes an invitation into the organisation, or into one `project`. Returns it and its token, for the only time.

    Raises:
        Forbidden: the actor may not give this role.
        InvalidInput: names the field; also when an open one to the same address is there, or too many are open.
    """
    naming.known_fields(fields, FIELDS)
    role = naming.checked_role(fields.get("role"))
    email = _email(fields.get("email"))
    named = fields.get("project")
    project = members.project_of(organisation, named) if named not in (None, "") else None
    at = now or timezone.now()
    with transaction.atomic():
        lock(organisation)
        rules.check_change(role_of(actor, organisation), "", role, own=False)
        waiting = organisation.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=at)
        if email and waiting.filter(email__iexact=email, project=project).exists():
            raise InvalidInput("email: is invited already: expected another, or send it again.", field="email")
        if waiting.count() >= MOST:
            raise InvalidInput(f"{MOST} invitations are open: expected one of them to be taken back first.")
        token = secrets.token_urlsafe(32)
        made = Invitation.objects.create(
            organisation=organisation, project=project, email=email, role=role, digest=digest(token),
            invited_by=actor.get_username(), created_at=at, expires_at=at + LIFETIME,
        )  # fmt: skip
    audit.concerns(made.pk, organisation.slug)
    return made, token


def resend(organisation: Organisation, actor: User, number: int, now: datetime | None = None) -> tuple[Invitation, str]:
    """A new token for another week; the old link ends. Also of one that has expired or was taken back.

    Raises:
        NotFound: there is no such invitation here.
        Forbidden: the actor may not give its role.
        InvalidInput: it was accepted.
    """
    at = now or timezone.now()
    with transaction.atomic():
        lock(organisation)
        one = find(organisation, actor, number)
        rules.check_change(role_of(actor, organisation), "", one.role, own=False)
        token = secrets.token_urlsafe(32)
        changed = {
            "digest": digest(token), "expires_at": at + LIFETIME, "revoked_at": None,
            "invited_by": actor.get_username(),
        }  # fmt: skip
        if Invitation.objects.filter(pk=one.pk, accepted_at=None).update(**changed) != 1:
            raise InvalidInput("It was accepted: expected an open invitation.")
    one.refresh_from_db()
    audit.concerns(one.pk, organisation.slug)
    return one, token


def revoke(organisation: Organisation, actor: User, number: int) -> Invitation:
    """Takes an open one back; doing it again changes nothing. Raises: NotFound, Forbidden."""
    one = find(organisation, actor, number)
    Invitation.objects.filter(pk=one.pk, accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
    one.refresh_from_db()
    audit.concerns(one.pk, organisation.slug)
    return one


def find(organisation: Organisation, actor: User, number: int) -> Invitation:
    """Raises: NotFound, Forbidden."""
    one = listed(organisation, actor).filter(pk=number).first()
    if one is None:
        raise NotFound("There is no such invitation in this organisation.")
    return one


def opened(token: str, now: datetime | None = None) -> Invitation:
    """The open invitation of a link. Raises: NotFound, with the same words whatever is wrong with it."""
    into = Q(project=None) | Q(project__closed_at=None)
    rows = Invitation.objects.select_related("organisation", "project").filter(into, digest=digest(token))
    one = rows.filter(accepted_at=None, revoked_at=None, expires_at__gt=now or timezone.now()).first()
    if one is None:
        raise NotFound(CLOSED)
    return one


def accept(token: str, user: User, now: datetime | None = None) -> Invitation:
    """Gives the user the offered role, unless they have a higher one. Of two at once, one gets in.

    Raises: NotFound, as `opened`.
    """
    at = now or timezone.now()
    with transaction.atomic():
        one = opened(token, at)
        lock(one.organisation)
        still = Invitation.objects.filter(pk=one.pk, digest=one.digest, accepted_at=None, revoked_at=None)
        if still.update(accepted_at=at, accepted_by=user) != 1:
            raise NotFound(CLOSED)
        members.grant(one.organisation, user, one.role, one.project)
    audit.concerns(one.pk, one.organisation.slug)
    return one


def register(token: str, name: object, password: str, now: datetime | None = None) -> User:
    """Makes an account for whoever holds the link, and accepts for it; neither without the other.

    Raises:
        NotFound: as `opened`.
        InvalidInput: names `username` or `password`.
    """
    with transaction.atomic():
        one = opened(token, now)
        user = people.create(name, password, one.email)
        accept(token, user, now)
    return user


def _email(value: object) -> str:
    given = value.strip() if isinstance(value, str) else value
    if given in (None, ""):
        return ""
    if not isinstance(given, str) or len(given) > 254 or not ADDRESS.fullmatch(given):
        raise InvalidInput("email: expected an address such as ada@example.org, or nothing.", field="email")
    return given
