"""Speaking to the identity provider: OpenID Connect's code flow by allauth, with the checks that it leaves out.

Beside state and PKCE, which allauth does: the provider is the one of the environment by its own word, the ID token is
checked whole (`identity_token`), with a nonce, and what the user-info endpoint adds must be of the same subject.
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from requests import RequestException

from dashboard import identity_token
from dashboard.login_events import PROVIDER_ASKED
from tracestore.environment import Oidc

log = structlog.get_logger(__name__)

WELL_KNOWN: Final = "/.well-known/openid-configuration"
#: How long the provider's description of itself is believed; else each visitor of the login page makes us ask for it.
REMEMBERED_SECONDS: Final = 300.0
#: Of all that a provider may say of a person, this is looked at and kept.
KEPT: Final = ("sub", "email", "email_verified", "preferred_username", "name", "given_name", "family_name")

_descriptions: dict[str, tuple[float, dict[str, Any]]] = {}


def configured() -> Oidc:
    """The provider of the environment.

    Raises:
        Http404: there is none, so there are no such pages.
    """
    if settings.ENVIRONMENT.oidc is None:
        raise Http404
    return settings.ENVIRONMENT.oidc


def description(issuer: str) -> dict[str, Any]:
    """The provider's endpoints and keys, as it publishes them.

    Raises:
        OAuth2Error: it calls itself otherwise, or something is missing.
        RequestException: it does not answer.
    """
    at, known = _descriptions.get(issuer, (0.0, {}))
    if known and time.monotonic() - at < REMEMBERED_SECONDS:
        return known
    found = fetched(issuer + WELL_KNOWN)
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise OAuth2Error(f"The provider calls itself {found.get('issuer')!r}, TRACESTORE_OIDC_ISSUER is {issuer!r}.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str):
            raise OAuth2Error(f"The provider does not say its {name}.")
    _descriptions[issuer] = (time.monotonic(), found)
    return found


def fetched(url: str, **headers: str) -> dict[str, Any]:
    """A JSON object from the provider; at most SOCIALACCOUNT_REQUESTS_TIMEOUT seconds of silence."""
    with get_adapter().get_requests_session() as session:
        response = session.get(url, headers=headers)
        response.raise_for_status()
        found = response.json()
    if not isinstance(found, dict):
        raise OAuth2Error("The provider answers with something else than a JSON object.")
    return found


class Exchange(OpenIDConnectOAuth2Adapter):
    """From the code that the browser brought to what the provider says of the person."""

    #: That of the login which began in this browser.
    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        return description(configured().issuer)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("oidc-callback")
        public: str = settings.ENVIRONMENT.public_url
        return public + path if public else request.build_absolute_uri(path)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        known = self.openid_config
        try:
            found = identity_token.claims(
                str(kwargs["response"].get("id_token", "")),
                fetched(known["jwks_uri"]),
                issuer=known["issuer"],
                client_id=app.client_id,
                nonce=self.nonce,
            )
        except identity_token.InvalidToken as error:
            raise OAuth2Error(str(error)) from error
        told = {name: found[name] for name in KEPT if name in found}
        if "email" not in told and known.get("userinfo_endpoint"):
            more = fetched(known["userinfo_endpoint"], authorization=f"Bearer {token.token}")
            if more.get("sub") != found["sub"]:
                raise OAuth2Error("The user-info endpoint speaks of another subject.")
            told |= {name: more[name] for name in KEPT if name in more}
        asked = found.get("amr")
        setattr(request, PROVIDER_ASKED, isinstance(asked, list) and "mfa" in asked)
        return self.get_provider().sociallogin_from_response(request, {name: storable(told[name]) for name in told})


def storable(value: Any) -> Any:
    """Text as any database takes it: neither NUL nor halves of characters."""
    return value.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(value, str) else value


class IdentityProvider(OpenIDConnectProvider):
    oauth2_adapter_class = Exchange

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return super().extract_email_addresses(data) if is_confirmed(data) else []

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """An address that the provider does not vouch for is not kept: it would be taken for the person's."""
        fields: dict[str, Any] = super().extract_common_fields(data)
        return fields if is_confirmed(data) else {**fields, "email": None}


def is_confirmed(data: dict[str, Any]) -> bool:
    return data.get("email_verified") in (True, "true")


class Callback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        if state is not None:
            self.adapter.nonce = state.get("nonce", "")
        return state, response


def in_words(error: Any, exception: Exception | None) -> str:
    """Why a login by the provider came to nothing, for the person. The log says more."""
    name = configured().name
    if error == AuthError.CANCELLED:
        return f"The login by {name} was cancelled."
    log.warning("a login by the identity provider failed", error=str(error), exception=repr(exception)[:500])
    if isinstance(exception, RequestException):
        return f"{name} does not answer. Try again in a minute."
    if exception is not None:
        return f"The answer of {name} cannot be trusted, so nobody was logged in. Tell an administrator if it stays so."
    return "This login was begun in another browser, or more than ten minutes ago. Begin again."
