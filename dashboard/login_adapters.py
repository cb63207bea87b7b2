"""What allauth does differently here: nobody signs up, nothing is mailed, codes are kept encrypted."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard import browser_sessions, identity_accounts
from dashboard.identity_provider import IdentityProvider, configured, in_words
from dashboard.login_refusals import refused
from tracestore.sealing import box

#: What `SocialApp` calls the provider; with the issuer in it, so that accounts of another issuer are others.
PROVIDER = "openid_connect"
#: Somebody with neither password nor second factor cannot be asked for one again; a login this fresh counts.
FRESH_SECONDS = 600
#: Of the key that second factors are sealed under (`tracestore.sealing`).
PURPOSE = b"tracestore second factors 1"


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is closed: people come by invitation, by the identity provider, or are made by an operator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def is_safe_url(self, url: str) -> bool:
        """This very host; allauth would allow all of ALLOWED_HOSTS."""
        request = context.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def get_client_ip(self, request: HttpRequest) -> str:
        return browser_sessions.address(request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Pages say themselves what has happened."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """No message of allauth's is sent."""

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return refused(request, "This account is disabled. Ask an administrator.")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        request = context.request
        if get_reauthentication_flows(request.user):
            return True
        return time.time() - browser_sessions.began(request.session) > FRESH_SECONDS


class SecondFactorAdapter(DefaultMFAAdapter):
    """The secrets of second factors lie encrypted in the database, under a key made from the secret key."""

    def encrypt(self, text: str) -> str:
        return box(settings.SECRET_KEY, PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return box(settings.SECRET_KEY, PURPOSE).decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # The secret key was changed: no code is right any more, as no API key is. An operator resets it.
            return base64.b32encode(secrets.token_bytes(20)).decode()


class IdentityAdapter(DefaultSocialAccountAdapter):
    """Accounts of the identity provider. Who may come in says `identity_accounts`."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """The provider of the environment, and none from the database."""
        oidc = settings.ENVIRONMENT.oidc
        if oidc is None or provider not in (None, PROVIDER, identity_accounts.provider_id(oidc.issuer)):
            return []
        return [
            SocialApp(
                provider=PROVIDER,
                provider_id=identity_accounts.provider_id(oidc.issuer),
                name=oidc.name,
                client_id=oidc.client_id,
                secret=oidc.client_secret,
                settings={"server_url": oidc.issuer},
            )
        ]

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        return IdentityProvider(request, app=self.get_app(request, provider=provider, client_id=client_id))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """`pre_social_login` has let them in."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        try:
            identity_accounts.admit(request, sociallogin)
        except identity_accounts.Refused as error:
            raise ImmediateHttpResponse(refused(request, str(error), by=configured().name)) from error

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        user = super().save_user(request, sociallogin, form)
        identity_accounts.give_roles(user, sociallogin)
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Every way in which the provider's answer cannot be used ends on one calm page."""
        raise ImmediateHttpResponse(refused(request, in_words(error, exception), by=configured().name))

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return "/settings/account/"
