"""Pages that change something: posted forms, for those whose role in the project allows it."""

from __future__ import annotations

import functools

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard.api.authentication import ROLE_SCOPES
from dashboard.pages.access import P, PageView, View, error_page, project_of, projects_of, to_login
from tracestore.errors import Forbidden, TracestoreError
from tracestore.models import Membership


def may_change(request: HttpRequest, project: str) -> bool:
    """Whether the user's role in the project has the scope `admin`."""
    membership = Membership.objects.filter(user_id=request.user.pk or 0, project__slug=project).first()
    return membership is not None and "admin" in ROLE_SCOPES.get(membership.role, frozenset())


def change(view: PageView[P]) -> View[P]:
    """A POST page for members with the scope `admin`; Django's middleware has checked the form's token."""

    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        own = projects_of(request)
        request.projects = own  # type: ignore[attr-defined]  # read by base.html
        try:
            project = project_of(request, own)
            request.project = project  # type: ignore[attr-defined]
            if not may_change(request, project.slug):
                raise Forbidden("This needs the role owner or admin in the project.")
            return view(request, project.slug, *args, **kwargs)
        except TracestoreError as error:
            return error_page(request, error)

    functools.update_wrapper(answer, view)
    return never_cache(require_POST(answer))
