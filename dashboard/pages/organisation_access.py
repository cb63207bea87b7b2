"""Pages about an organisation: for people, whether or not they are in a project; and which organisation is meant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.pages import time_range
from dashboard.pages.access import View, error_page, project_of, to_login
from tracestore.access import projects_of
from tracestore.errors import Forbidden, TracestoreError
from tracestore.models import Organisation
from tracestore.organisations import organisations

P = ParamSpec("P")
PersonView = Callable[Concatenate[HttpRequest, P], HttpResponse]


def person_page(view: PersonView[P]) -> View[P]:
    """A page or a posted form of somebody who is logged in; who is in no project yet may have one to make."""

    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        own = projects_of(request.user)
        request.projects = own  # type: ignore[attr-defined]  # read by base.html
        try:
            if own:
                request.project = project_of(request, own)  # type: ignore[attr-defined]
            request.range_query = time_range.kept(request)  # type: ignore[attr-defined]  # read by base.html
            return view(request, *args, **kwargs)
        except TracestoreError as error:
            return error_page(request, error)

    functools.update_wrapper(answer, view)
    return never_cache(require_http_methods(["GET", "POST"])(answer))


def person(request: HttpRequest) -> User:
    return cast(User, request.user)


def organisation_of(request: HttpRequest) -> tuple[Organisation, str]:
    """The organisation that the form or `?organisation=` names, else that of the project, else the first; and the role.

    Raises:
        NotFound: it is not one of the user's.
        Forbidden: the user is in none.
    """
    named = request.POST.get("organisation") or request.GET.get("organisation")
    project = getattr(request, "project", None)
    if not named and project is not None:
        named = project.organisation.slug
    if named:
        return organisations.of(person(request), named)
    found = organisations.listed(person(request))
    if not found:
        raise Forbidden("You belong to no organisation. Ask an owner or admin of one to invite you.")
    return found[0]
