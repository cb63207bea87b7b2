"""`/settings/organisation/`: its name, projects, people and invitations; each form has an address of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from dashboard.pages import project_leaving as leaving
from dashboard.pages.access import View
from dashboard.pages.organisation_access import P, organisation_of, person, person_page
from tracestore.access import projects_of, role_in, scopes_in
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import Invitation, Organisation, Role
from tracestore.moments import nanoseconds
from tracestore.organisations import invitations, members, organisations, projects, rules
from tracestore.organisations import leaving as deletions

#: What each role may do, as the page says it; each may do what stands below it too.
ROLES: Final = (
    (Role.OWNER, "Makes and unmakes owners, deletes the organisation."),
    (
        Role.ADMIN,
        "Sets everything up: settings, keys, rules, channels. Makes and deletes projects, invites, changes roles.",
    ),
    (Role.MEMBER, "Answers incidents, halts runs, judges findings, asks SQL."),
    (Role.VIEWER, "Reads everything, and keeps searches of their own."),
)
#: What was done last, until the page has said it.
SAID: Final = "organisation_said"
#: Invitations that the page shows; the API has all.
SHOWN: Final = 50

Action = Callable[..., str | HttpResponse]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What was wrong with which form, and what had been typed into it."""

    form: str
    message: str
    field: str
    sent: Mapping[str, str]


@require_GET
@person_page
def organisation_page(request: HttpRequest) -> HttpResponse:
    return shown(request, *organisation_of(request))


def form(name: str) -> Callable[[Action], View[P]]:
    """An address that a form of the page is posted to. The view does it and returns what to say, or an answer."""

    def of(view: Action) -> View[P]:
        @person_page
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            organisation, role = organisation_of(request)
            if request.method != "POST":
                return redirect(address(organisation))
            try:
                done = view(request, organisation, *args, **kwargs)
            except InvalidInput as error:
                wrong = Complaint(name, error.message, error.field, request.POST.dict())
                return shown(request, organisation, role, wrong, status=400)
            if isinstance(done, HttpResponse):
                return done
            request.session[SAID] = done
            return redirect(address(organisation))

        functools.update_wrapper(answer, view)
        return answer

    return of


def address(organisation: Organisation) -> str:
    return f"{reverse('organisation')}?{urlencode({'organisation': organisation.slug})}"


@form("found")
def create(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """Another organisation beside the one that is shown."""
    made = organisations.create(person(request), request.POST.get("name"), request.POST.get("slug"))
    request.session[SAID] = f"{made.name} is made, and you own it. Make its first project below."
    return redirect(address(made))


@form("name")
def rename(request: HttpRequest, organisation: Organisation) -> str:
    organisations.rename(organisation, person(request), request.POST.get("name"))
    return "The name is saved."


@form("project")
def create_project(request: HttpRequest, organisation: Organisation) -> str:
    made = projects.create(organisation, person(request), request.POST.get("name"), request.POST.get("slug"))
    return f"The project {made.name} is made. To send to it, make a key in it."


@form("projects")
def rename_project(request: HttpRequest, organisation: Organisation, slug: str) -> str:
    found = next((one for one in projects_of(request.user) if one.slug == slug), None)
    if found is None or found.organisation_id != organisation.pk:
        raise NotFound("There is no such project among yours.")
    if "admin" not in scopes_in(request.user, slug):
        raise Forbidden("This needs the role owner or admin in the project.")
    projects.rename(found, request.POST.get("name"))
    return "The project's name is saved."


def shown(
    request: HttpRequest,
    organisation: Organisation,
    role: str,
    wrong: Complaint | None = None,
    *,
    invited: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, with what its visitor may see; after an invitation with its link, for the only time."""
    me = person(request)
    manages = rules.manages(role)
    here = [one for one in projects_of(me) if one.organisation_id == organisation.pk]
    context: dict[str, Any] = {
        "organisation": organisation,
        "others": [one for one, _ in organisations.listed(me) if one.pk != organisation.pk],
        "role": role,
        "manages": manages,
        "may_found": organisations.may_found(me),
        "roles": ROLES,
        "offers": rules.may_offer(role),
        "projects": [(one, role_in(me, one.slug), "admin" in scopes_in(me, one.slug)) for one in here],
        "members": members.listed(organisation) if role else [],
        "me": me,
        "closed": [leaving.shown_deletion(one) for one in deletions.listed(organisation)] if manages else [],
        "gone": [leaving.shown_deletion(one) for one in leaving.gone(organisation)] if manages else [],
        "owns": role == Role.OWNER,
        "invitations": [row(one) for one in invitations.listed(organisation, me)[:SHOWN]] if manages else [],
        "wrong": wrong,
        "invited": invited,
        "said": request.session.pop(SAID, ""),
    }
    return render(request, "dashboard/organisation/organisation.html", context, status=status)


def row(one: Invitation) -> dict[str, Any]:
    state = invitations.state(one)
    at = one.accepted_at or one.revoked_at or one.expires_at
    return {"one": one, "state": state, "at_ns": nanoseconds(at), "may_resend": state != "accepted"}
