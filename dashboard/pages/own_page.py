"""Pages of a person and not of a project: who may see no project yet can still set a password and a second factor."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from dashboard.pages import time_range
from dashboard.pages.access import elsewhere, error_page, project_of, to_login
from tracestore import second_factor
from tracestore.access import projects_of
from tracestore.errors import Forbidden, NotFound, TracestoreError

#: For those with neither password nor second factor, whom nothing can be asked for again.
STALE = Forbidden("This asks for a fresh login: log out, log in again, and come back within ten minutes.")

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def own_page(view: View[P]) -> View[P]:
    """For everybody who is logged in, wholly."""
    return framed(view, without_second_factor=False)


def page_on_the_way(view: View[P]) -> View[P]:
    """For those, too, who must set up a second factor before anything else."""
    return framed(view, without_second_factor=True)


def framed(view: View[P], *, without_second_factor: bool) -> View[P]:
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        if not without_second_factor and second_factor.is_missing(request.user, request.session):
            return elsewhere(request, "mfa_activate_totp")
        own = projects_of(request.user)
        request.projects = own  # type: ignore[attr-defined]  # read by base.html
        request.range_query = time_range.kept(request)  # type: ignore[attr-defined]  # read by base.html
        try:
            request.project = project_of(request, own)  # type: ignore[attr-defined]
        except (Forbidden, NotFound):
            request.project = None  # type: ignore[attr-defined]
        try:
            return view(request, *args, **kwargs)
        except TracestoreError as error:
            return error_page(request, error)
        except ReauthenticationRequired:
            if get_adapter(request).get_reauthentication_methods(request.user):
                raise  # allauth's middleware leads to the page that asks
            return error_page(request, STALE)
        except PermissionDenied:
            return error_page(request, STALE)

    functools.update_wrapper(answer, view)
    return never_cache(answer)
