"""Who has a second factor, who must have one, and taking it away from those who lost it."""

from __future__ import annotations

from typing import Any, Final

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from tracestore.models import Role

#: In the session of somebody whose identity provider has asked for a second factor.
BY_PROVIDER: Final = "second_factor_by_provider"
ADMINISTRATORS: Final = (Role.OWNER, Role.ADMIN)


def has_one(user: Any) -> bool:
    """Whether the user's logins here ask for a code."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists())


def is_required(user: Any) -> bool:
    """Whether `TRACESTORE_REQUIRE_MFA` asks this user for one."""
    who = settings.ENVIRONMENT.require_mfa
    if who != "admins":
        return bool(who == "true")
    of_something = Q(memberships__role__in=ADMINISTRATORS) | Q(organisation_memberships__role__in=ADMINISTRATORS)
    return bool(user.is_superuser or User.objects.filter(of_something, pk=user.pk).exists())


def is_missing(user: Any, session: Any) -> bool:
    """Whether this login may do nothing but set up a second factor."""
    if settings.ENVIRONMENT.require_mfa == "false":
        return False
    return not session.get(BY_PROVIDER) and is_required(user) and not has_one(user)


def reset(user: User) -> bool:
    """Takes the second factor and its recovery codes away, and forgets wrong codes. Whether there was one."""
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    ratelimit.clear(None, action="login_failed", key=f"mfa-auth-user-{user.pk}")
    return bool(deleted)
