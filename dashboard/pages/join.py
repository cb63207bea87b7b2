"""`/join/TOKEN/`: whoever holds the link of an invitation accepts it, by the account that they have or make here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.pages.login import log_in
from dashboard.pages.organisation import address
from dashboard.pages.organisation_access import person
from tracestore.access import projects_of
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Invitation
from tracestore.organisations import invitations


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """One page for every link that does not work, which does not say whose it was."""
    wrong = InvalidInput("")
    try:
        one = invitations.opened(token)
        if request.method == "POST":
            try:
                if request.user.is_authenticated:
                    return redirect(first_page(request.user, invitations.accept(token, person(request))))
                sent = request.POST
                made = invitations.register(token, sent.get("username"), sent.get("password", ""))
                return log_in(request, made, go_on_to=first_page(made, one))
            except InvalidInput as error:
                wrong = error
    except NotFound:
        return render(request, "dashboard/organisation/join_closed.html", status=404)
    context = {"invitation": one, "wrong": wrong, "here": request.path, "typed": request.POST.get("username", "")}
    # Not 400 when something is wrong: Django logs the address of such an answer, and this link still works.
    return render(request, "dashboard/organisation/join.html", context)


def first_page(user: Any, one: Invitation) -> str:
    """The project that the invitation is about, else one of the organisation, else the organisation itself."""
    own = [project for project in projects_of(user) if project.organisation_id == one.organisation_id]
    chosen = one.project or (own[0] if own else None)
    if chosen is None:
        return address(one.organisation)
    return f"{reverse('home')}?{urlencode({'project': chosen.slug})}"
