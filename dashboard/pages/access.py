"""Who sees which project, and what a page looks like when it cannot be made.

Every page goes through `page`: it asks for a login, finds the project among the user's own, and
turns each error that Tracestore raises on purpose into a calm page (or, for htmx, a calm fragment).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.api.errors import STATUSES
from dashboard.pages import time_range
from dashboard.read_budget import read_for
from tracestore import second_factor
from tracestore.access import projects_of, scopes_in
from tracestore.errors import Forbidden, NotFound, TracestoreError
from tracestore.models import Project

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PageView = Callable[Concatenate[HttpRequest, str, P], HttpResponse]

#: The project of this browser session, after `?project=` has named one.
SESSION_KEY = "project"

#: Pages of one's own account, some of which are open to those who must set up a second factor first.
ON_THE_WAY = "/settings/account/"

TITLES = {
    400: "This address cannot be understood",
    403: "Not allowed",
    404: "Not found",
    429: "Too much at once",
    503: "The store does not answer",
}


def project_of(request: HttpRequest, own: list[Project]) -> Project:
    """The project that `?project=` names, else the session's, else the user's first. The request reads on its account.

    Raises:
        NotFound: it is not one of the user's; whether it exists is not told.
        Forbidden: the user is in no project.
    """
    if not own:
        raise Forbidden("You are not a member of any project. Ask an administrator to add you to one.")
    named = request.GET.get("project", "")
    by_slug = {project.slug: project for project in own}
    if named:
        if named not in by_slug:
            raise NotFound("There is no such project among yours.")
        if request.session.get(SESSION_KEY) != named:
            request.session[SESSION_KEY] = named
        chosen = by_slug[named]
    else:
        chosen = by_slug.get(request.session.get(SESSION_KEY, ""), own[0])
    read_for(chosen.slug, "page")
    return chosen


def page(view: PageView[P]) -> View[P]:
    """A GET page for logged-in members; the view gets the project's slug as its second argument."""
    return never_cache(require_GET(for_members(view)))


def form_page(view: PageView[P]) -> View[P]:
    """The same, and its form may be posted to the same address (Django checks the CSRF token)."""
    return never_cache(require_http_methods(["GET", "POST"])(for_members(view)))


def for_members(view: PageView[P]) -> View[P]:
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        if second_factor.is_missing(request.user, request.session):
            return elsewhere(request, "mfa_activate_totp")
        own = projects_of(request.user)
        request.projects = own  # type: ignore[attr-defined]  # read by base.html
        try:
            project = project_of(request, own)
            request.project = project  # type: ignore[attr-defined]
            request.range_query = time_range.kept(request)  # type: ignore[attr-defined]  # read by base.html
            return view(request, project.slug, *args, **kwargs)
        except TracestoreError as error:
            return error_page(request, error)

    functools.update_wrapper(answer, view)
    return answer


def may_administer(request: HttpRequest, project: str) -> bool:
    """Whether the user's role in the project has the scope `admin`."""
    return "admin" in scopes_in(request.user, project)


def to_login(request: HttpRequest) -> HttpResponse:
    return elsewhere(request, settings.LOGIN_URL)


def elsewhere(request: HttpRequest, target: str) -> HttpResponse:
    """Sends the browser to another page first, which leads back."""
    address = resolve_url(target)
    if request.headers.get("HX-Request"):
        # A redirect would be followed and the login form swapped into the page. What a page asks for by itself
        # must not lead away from pages on the way to `target`, which would begin again and again.
        on_the_way = urlsplit(request.headers.get("HX-Current-URL", "")).path.startswith(ON_THE_WAY)
        return HttpResponse(status=204, headers={} if on_the_way else {"HX-Redirect": address})
    return redirect_to_login(request.get_full_path(), address)


def error_page(request: HttpRequest, error: TracestoreError) -> HttpResponse:
    status = STATUSES.get(error.code, 500)
    fragment = bool(request.headers.get("HX-Request"))
    response = render(
        request,
        "dashboard/error_fragment.html" if fragment else "dashboard/error.html",
        {"status": status, "title": TITLES.get(status, "This did not work"), "message": error.message},
        status=status,
    )
    if error.retry_after_s is not None:
        response["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return response
