"""Logging in by the identity provider: the way there, and the way back."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from dashboard.identity_accounts import provider_id
from dashboard.identity_provider import Callback, Exchange, configured, in_words
from dashboard.login_refusals import refused
from dashboard.pages.own_page import own_page

#: allauth takes an answer for ten minutes.
STATE_SECONDS = 900


def provider(request: HttpRequest) -> Any:
    return get_adapter(request).get_provider(request, provider=provider_id(configured().issuer))


@never_cache
@require_GET
def log_in(request: HttpRequest) -> HttpResponse:
    """A link and no form: the policy lets forms go to this host only, and a browser holds redirects to it too.

    Whoever makes somebody follow the link has them logged in as themselves, no more.
    """
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return begun(request, AuthProcess.LOGIN, wanted if safe else "/")


@require_POST
@own_page
def connect(request: HttpRequest) -> HttpResponse:
    """Connects the account at the provider to the one that is logged in. Never by a link: it would be a stranger's."""
    raise_if_reauthentication_required(request, app="allauth.socialaccount")
    begin = begun(request, AuthProcess.CONNECT, reverse("account"))
    if not isinstance(begin, HttpResponseRedirect):
        return begin
    return render(request, "dashboard/account/go_on.html", {"address": begin.url, "name": configured().name})


def begun(request: HttpRequest, process: str, go_on_to: str) -> HttpResponse:
    """The redirect to the provider, with what the way back is compared with kept in the session."""
    nonce = secrets.token_urlsafe(24)
    found = provider(request)
    if not request.user.is_authenticated:
        # Sessions of those who never come back are not kept for days.
        request.session.set_expiry(STATE_SECONDS)
    try:
        response: HttpResponse = found.redirect(
            request, process, go_on_to, scope=["openid", "email", "profile"], auth_params={"nonce": nonce}, nonce=nonce
        )
    except (RequestException, OAuth2Error) as error:
        return refused(request, in_words("", error), by=found.name, status=503)
    return response


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    found = provider(request)
    response: HttpResponse = Callback.adapter_view(Exchange(request, found.sub_id))(request)
    return response
