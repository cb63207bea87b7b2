"""What the audit log keeps of logins, second factors and sessions, from the signals of Django and allauth.

Here and not in the audit log's own middleware, since a login is more than a request: whose it is shows only
afterwards, and wrong passwords and codes are answered like pages.
"""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.mfa import signals as second_factor_signals
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as identity_signals
from django.contrib.auth import signals as login_signals
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from dashboard import browser_sessions
from tracestore import audit
from tracestore.audit import Actor
from tracestore.second_factor import BY_PROVIDER

#: Attribute of a request whose identity provider says that it has asked for a second factor.
PROVIDER_ASKED = "provider_asked_for_second_factor"
#: Of a name that nobody may have, so much is kept.
NAME_KEPT = 100
WAYS = {"mfa": "second factor", "socialaccount": "identity provider"}


def connect() -> None:
    login_signals.user_logged_in.connect(on_login, dispatch_uid="audit login")
    login_signals.user_logged_out.connect(on_logout, dispatch_uid="audit logout")
    login_signals.user_login_failed.connect(on_wrong_password, dispatch_uid="audit login.failed")
    second_factor_signals.authentication_failed.connect(on_wrong_code, dispatch_uid="audit code failed")
    second_factor_signals.authenticator_added.connect(on_second_factor, dispatch_uid="audit second factor on")
    second_factor_signals.authenticator_removed.connect(off_second_factor, dispatch_uid="audit second factor off")
    second_factor_signals.authenticator_reset.connect(on_new_codes, dispatch_uid="audit new codes")
    identity_signals.social_account_added.connect(on_connected, dispatch_uid="audit connected")


def actor(request: HttpRequest | None, name: str) -> Actor:
    address = request.META.get("REMOTE_ADDR", "") if request is not None else ""
    named = structlog.contextvars.get_contextvars().get("request_id", "")
    return Actor(name, "user", address=address, request_id=str(named))


def failed(request: HttpRequest | None, name: str, *, by: str, reason: str = "") -> None:
    """Somebody was not let in. Nobody has proved to be `name`, so it is what was tried, not who did it."""
    detail = {"by": by} | ({"reason": reason[:200]} if reason else {})
    audit.record("login.failed", subject=name[:NAME_KEPT], detail=detail, actor=actor(request, "unknown"))


def record(action: str, request: HttpRequest, user: Any, **detail: Any) -> None:
    """Something that a person did to their own account."""
    name = user.get_username()
    audit.record(action, subject=name, detail=detail, actor=actor(request, name))


def on_login(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    browser_sessions.begin(request.session)
    request.session[BY_PROVIDER] = bool(getattr(request, PROVIDER_ASKED, False))
    ways = [str(one["method"]) for one in get_authentication_records(request, user)]
    record("login", request, user, by=", ".join(WAYS.get(way, way) for way in ways) or "link")
    # Few enough that nobody waits for it, and no job is needed.
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


def on_logout(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    if user is not None:
        record("logout", request, user)


def on_wrong_password(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    failed(request, str(credentials.get("username") or ""), by="password")


def on_wrong_code(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    failed(request, user.get_username(), by="second factor")


def on_second_factor(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record("second_factor.on", request, user)


def off_second_factor(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record("second_factor.off", request, user)


def on_new_codes(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    record("second_factor.codes", request, user)


def on_connected(sender: Any, request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    record("identity.connected", request, sociallogin.user)
