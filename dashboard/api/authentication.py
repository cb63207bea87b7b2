"""Who asks: a key, a logged-in browser, or this machine itself on an open installation.

Tried in that order (settings.REST_FRAMEWORK). Each gives `request.auth`, the `Identity` that every
view takes its project from, so that no view can read a project that the caller did not prove.
"""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from tracestore import keys, second_factor
from tracestore.access import projects_of, scopes_in
from tracestore.environment import is_loopback
from tracestore.keys import Identity

DEFAULT_PROJECT = "default"

LOOPBACK_SCOPES = frozenset({"read", "sql", "ingest"})

#: A proxy on this machine makes everybody look local; it gives itself away by one of these.
FORWARDING_HEADERS = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


def identity(request: Request) -> Identity:
    """The caller's identity; permissions have made sure that there is one."""
    return cast(Identity, request.auth)


def wanted_project(request: Request) -> str:
    """The project that the caller names, or '' for "the one I belong to"."""
    return request.query_params.get("project") or request.META.get("HTTP_X_TRACESTORE_PROJECT", "")


def require_project(request: Request, project: str) -> None:
    """Refuses a caller who names another project than the one the credentials are for.

    404 like any other thing of a foreign project: whether it exists is not told.
    """
    named = wanted_project(request)
    if named not in ("", project):
        raise exceptions.NotFound("There is no such project for these credentials.")


class KeyAuthentication(BaseAuthentication):
    """`authorization: Bearer KEY` or `x-api-key: KEY`. A key that is sent decides: a wrong one is 401."""

    def authenticate(self, request: Request) -> tuple[None, Identity] | None:
        key = sent_key(request.META)
        if key is None:
            return None
        found = keys.identify(key) if key else None
        if found is None:
            raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
        require_project(request, found.project)
        return None, found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="tracestore"'


def sent_key(meta: dict[str, Any]) -> str | None:
    """The key of a request, '' when it is empty, None when no key was sent."""
    scheme, _, credentials = meta.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return cast(str, credentials.strip())
    key = meta.get("HTTP_X_API_KEY")
    return None if key is None else cast(str, key.strip())


class BrowserAuthentication(SessionAuthentication):
    """The browser's login, with CSRF enforced for unsafe methods.

    The project is `?project=`, else the header `x-tracestore-project`, else the user's first.
    """

    def authenticate(self, request: Request) -> tuple[Any, Identity] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        if second_factor.is_missing(user, request._request.session):
            raise exceptions.PermissionDenied("Set up a second factor first, under /settings/account/.")
        named = wanted_project(request)
        own = projects_of(user)
        project = next((one.slug for one in own if one.slug == named), "") if named else own[0].slug if own else ""
        if not project:
            if named:
                raise exceptions.NotFound("There is no such project for these credentials.")
            if getattr((request.parser_context or {}).get("view"), "project_needed", True):
                raise exceptions.PermissionDenied("This user is not a member of any project.")
        return user, Identity(project, scopes_in(user, project))


class LoopbackAuthentication(BaseAuthentication):
    """Anybody on this machine, where the installation is open (`TRACESTORE_REQUIRE_API_KEY` false).

    Never admin. A left-over session cookie is not a credential here: cookies of `localhost` are
    shared by all ports, so a browser sends those of unrelated programs too.
    """

    def authenticate(self, request: Request) -> tuple[None, Identity] | None:
        if settings.ENVIRONMENT.require_api_key or not is_local(request._request):
            return None
        if "HTTP_AUTHORIZATION" in request.META:
            return None
        if request.method not in SAFE_METHODS and from_another_site(request._request):
            return None
        require_project(request, DEFAULT_PROJECT)
        return None, Identity(DEFAULT_PROJECT, LOOPBACK_SCOPES)


def is_local(request: HttpRequest) -> bool:
    if any(header in request.META for header in FORWARDING_HEADERS):
        return False
    return is_loopback(request.META.get("REMOTE_ADDR", ""))


def from_another_site(request: HttpRequest) -> bool:
    """Whether a page of another origin makes the browser send this.

    Without a login there is no CSRF token to check, and such a page runs on this machine.
    """
    if request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return True
    origin = request.META.get("HTTP_ORIGIN")
    return origin is not None and origin != f"{request.scheme}://{request.get_host()}"
