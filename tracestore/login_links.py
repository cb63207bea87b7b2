"""One-time links that log their first visitor in; `manage.py up` prints one.

Only a digest is stored. Using a link is one compare-and-swap on `used_at`, so that of two visitors
who open it at the same moment exactly one gets in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from tracestore.keys import digest
from tracestore.models import LoginLink

LIFETIME = timedelta(minutes=30)


def make_login_link(user: User, lifetime: timedelta = LIFETIME) -> str:
    """A token for `/login/link/<token>/`, good for one visit within `lifetime`."""
    token = secrets.token_urlsafe(32)
    LoginLink.objects.create(digest=digest(token), user=user, expires_at=timezone.now() + lifetime)
    return token


def use_login_link(token: str) -> User | None:
    """The active user whom the link logs in, for its first use only; None when it is spent or unknown."""
    now = timezone.now()
    fresh = LoginLink.objects.filter(digest=digest(token), used_at=None, expires_at__gt=now, user__is_active=True)
    link = fresh.select_related("user").first()
    if link is None or LoginLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now) != 1:
        return None
    return link.user
