"""Pages that change something: posted forms, for those whose role in the project allows it."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard.pages import time_range
from dashboard.pages.access import P, PageView, View, elsewhere, error_page, may_administer, project_of, to_login
from tracestore import second_factor
from tracestore.access import projects_of, scopes_in
from tracestore.errors import Forbidden, TracestoreError


def may_respond(request: HttpRequest, project: str) -> bool:
    """Whether the user's role lets them answer a call: acknowledge, snooze, note, silence, halt."""
    return bool({"respond", "admin"} & scopes_in(request.user, project))


def change(view: PageView[P]) -> View[P]:
    """A POST page for members with the scope `admin`; Django's middleware has checked the form's token."""
    return posted(view, may_administer, "This needs the role owner or admin in the project.")


def response(view: PageView[P]) -> View[P]:
    """A POST page for members who may answer a call (the scope `respond`)."""
    return posted(view, may_respond, "This needs the role member, admin or owner in the project.")


def posted(view: PageView[P], may: Callable[[HttpRequest, str], bool], refusal: str) -> View[P]:
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
            if not may(request, project.slug):
                raise Forbidden(refusal)
            return view(request, project.slug, *args, **kwargs)
        except TracestoreError as error:
            return error_page(request, error)

    functools.update_wrapper(answer, view)
    return never_cache(require_POST(answer))
