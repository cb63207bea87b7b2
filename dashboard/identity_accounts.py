"""Whom the identity provider's word lets in, and as what.

An account is known by issuer and subject, which never change hands. An e-mail address may: it connects to an account
that is there already only where the operator allows it (`TRACESTORE_OIDC_MATCH_EMAIL`), and never to a superuser's.
Whoever has a password connects the two by themselves, on `/settings/account/`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from allauth.account.internal.emailkit import valid_email_or_none
from allauth.account.internal.userkit import filter_users_by_email
from allauth.socialaccount.providers.base import AuthProcess
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from dashboard import browser_sessions
from dashboard.identity_provider import configured, is_confirmed
from tracestore import audit
from tracestore.access import higher
from tracestore.audit import Actor
from tracestore.models import Invitation, Membership, Organisation, OrganisationMembership

log = structlog.get_logger(__name__)


class Refused(Exception):
    """Somebody is who the provider says, but has no business here. The message is for them."""


def provider_id(issuer: str) -> str:
    """The name of the provider in the database: with another issuer, the same subject is somebody else."""
    return f"oidc-{hashlib.sha256(issuer.encode()).hexdigest()[:16]}"


def admit(request: HttpRequest, login: Any) -> None:
    """Lets a login go on, connecting it to an account where it belongs to one.

    Raises:
        Refused: it may not.
    """
    oidc = configured()
    told: dict[str, Any] = login.account.extra_data
    email = (valid_email_or_none(told.get("email")) or "") if is_confirmed(told) else ""
    if oidc.domains and email.rpartition("@")[2] not in oidc.domains:
        raise Refused(f"Only people with an address at {' or '.join(oidc.domains)} may log in by {oidc.name}.")
    connecting = login.state.get("process") == AuthProcess.CONNECT
    if connecting and login.is_existing and login.user != request.user:
        raise Refused(f"That account at {oidc.name} is connected to another person here already.")
    if connecting or login.is_existing:
        return
    if told.get("email") and "email_verified" in told and not email:
        raise Refused(f"{oidc.name} has not confirmed your e-mail address. Confirm it there, then log in again.")
    people = filter_users_by_email(email) if email else []
    if people:
        connect_by_email(request, login, people)
    elif not oidc.role and not invitations(email).exists():
        raise Refused("There is no account for you here yet. Ask an administrator to invite you.")
    elif oidc.role and not Organisation.objects.filter(slug=oidc.organisation).exists():
        log.error("TRACESTORE_OIDC_ORGANISATION names no organisation", organisation=oidc.organisation)
        raise Refused("New people cannot log in yet: the set-up is not finished. Tell an administrator.")


def connect_by_email(request: HttpRequest, login: Any, people: list[Any]) -> None:
    """Connects to the one account with the address, where that is allowed.

    Its password ends: nobody ever proved to Tracestore that the address is theirs, so whoever set that password may be
    somebody else, who must not stay.
    """
    person = people[0]
    if not configured().match_email or len(people) > 1 or person.is_superuser:
        raise Refused(
            "An account with your e-mail address exists already. Log in as before, "
            "then connect the two under Settings, My account."
        )
    login.connect(request, person)
    person.set_unusable_password()
    person.save(update_fields=["password"])
    browser_sessions.end(request, person)


def give_roles(user: Any, login: Any) -> None:
    """What a new account may do: what it was invited to, else the role that the operator gives to everybody."""
    oidc = configured()
    with transaction.atomic():
        accepted = [one for one in invitations(user.email) if accept(one, user)]
        if not accepted and oidc.role:
            organisation = Organisation.objects.get(slug=oidc.organisation)
            OrganisationMembership.objects.create(user=user, organisation=organisation, role=oidc.role)
    actor = Actor(user.get_username(), "user")
    role = oidc.role if not accepted else ""
    audit.record("user.created", subject=user.get_username(), detail={"by": oidc.name, "role": role}, actor=actor)
    for one in accepted:
        audit.record(
            "invitation.accepted",
            organisation=one.organisation.slug,
            project=one.project.slug if one.project else "",
            subject=user.get_username(),
            detail={"role": one.role},
            actor=actor,
        )


def invitations(email: str) -> QuerySet[Invitation]:
    """The open ones for an address; by the provider's word it is proved, so they need no link."""
    if not email:
        return Invitation.objects.none()
    found = Invitation.objects.filter(email__iexact=email, accepted_at=None, revoked_at=None)
    return found.filter(expires_at__gt=timezone.now()).select_related("organisation", "project")


def accept(invitation: Invitation, user: Any) -> bool:
    """Gives what an invitation offers, unless somebody else was faster."""
    one = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if one.update(accepted_at=timezone.now(), accepted_by=user) != 1:
        return False
    if invitation.project is not None:
        mine, is_new = Membership.objects.get_or_create(
            user=user, project=invitation.project, defaults={"role": invitation.role}
        )
    else:
        mine, is_new = OrganisationMembership.objects.get_or_create(  # type: ignore[assignment]
            user=user, organisation=invitation.organisation, defaults={"role": invitation.role}
        )
    if not is_new:
        mine.role = higher([mine.role, invitation.role])
        mine.save(update_fields=["role"])
    return True
