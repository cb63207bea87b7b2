"""`/settings/account/`: one's own password, second factor, account at the identity provider, and logins."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard import browser_sessions, login_events
from dashboard.identity_accounts import provider_id
from dashboard.login_limit import failures
from dashboard.pages.own_page import own_page
from tracestore import second_factor
from tracestore.errors import NotFound

#: What `?done=` says has happened.
DONE = {
    "password": "The password is changed. Everywhere else you are logged out.",
    "ended": "That login has ended.",
}


def shown(request: HttpRequest, form: Any = None, status: int = 200, wait: int = 0) -> HttpResponse:
    user: Any = request.user
    oidc = settings.ENVIRONMENT.oidc
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    context = {
        "done": DONE.get(request.GET.get("done", ""), ""),
        "form": form,
        "wait": wait,
        "has_password": user.has_usable_password() and (settings.ENVIRONMENT.password_login or user.is_superuser),
        "second_factor": second_factor.has_one(user),
        "required": second_factor.is_required(user),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "oidc": oidc,
        "connected": oidc is not None
        and SocialAccount.objects.filter(user=user, provider=provider_id(oidc.issuer)).exists(),
        "places": browser_sessions.places(request),
        "idle_days": settings.SESSION_COOKIE_AGE // 86_400,
        "longest_days": browser_sessions.LONGEST.days,
    }
    return render(request, "dashboard/account/account.html", context, status=status)


def account_view(request: HttpRequest) -> HttpResponse:
    return shown(request)


def password_view(request: HttpRequest) -> HttpResponse:
    """A new password; every other login of the person ends, since an old password may be why it is changed."""
    user: Any = request.user
    attempt = (user.get_username(), request.META.get("REMOTE_ADDR", ""))
    if wait := failures.wait(*attempt):
        return shown(request, status=429, wait=wait)
    form = PasswordChangeForm(user, request.POST)
    if not user.has_usable_password() or not form.is_valid():
        if "old_password" in form.errors:
            failures.note(*attempt)
            login_events.failed(request, user.get_username(), by="password")
        return shown(request, form, status=400)
    form.save()
    update_session_auth_hash(request, user)
    browser_sessions.moved(request.session)
    browser_sessions.end(request, user)
    login_events.record("password.changed", request, user)
    return redirect(f"{request.path.removesuffix('password/')}?done=password")


def end_view(request: HttpRequest) -> HttpResponse:
    """Ends the login whose number is posted as `end`, or all but this one (`others`).

    Raises:
        NotFound: it is none of the person's.
    """
    wanted = request.POST.get("end", "")
    if wanted != "others" and not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 18):
        raise NotFound("There is no such login among yours; it may have ended already.")
    ended = browser_sessions.end(request, request.user, None if wanted == "others" else int(wanted))
    if not ended and wanted != "others":
        raise NotFound("There is no such login among yours; it may have ended already.")
    if ended:
        login_events.record("sessions.ended", request, request.user, count=ended)
    return redirect(f"{request.path.removesuffix('sessions/')}?done=ended")


account = require_GET(own_page(account_view))
password = require_POST(own_page(password_view))
end_sessions = require_POST(own_page(end_view))
