"""What the page of an organisation does with people: other roles, and removing them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from dashboard.pages.organisation import form
from dashboard.pages.organisation_access import person
from tracestore.models import Organisation
from tracestore.organisations import members, naming


@form("members")
def change_role(request: HttpRequest, organisation: Organisation, member: int) -> str:
    """In the organisation, or in the project that the form names."""
    role = naming.checked_role(request.POST.get("role", "?"), none=True)
    named = request.POST.get("in", "")
    project = members.project_of(organisation, named) if named else None
    name = members.find(organisation, member).get_username()
    members.change_role(organisation, person(request), member, role, project)
    where = f"in {project.name}" if project else "in the organisation"
    return f"{name} is {role} {where}." if role else f"{name} has no role {where} any more."


@form("single")
def give_role(request: HttpRequest, organisation: Organisation) -> str:
    """A role in one project, by the form that names the member in a field."""
    chosen = request.POST.get("member", "")
    number = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else 0
    project = members.project_of(organisation, request.POST.get("in"))
    role = naming.checked_role(request.POST.get("role"))
    name = members.find(organisation, number).get_username()
    members.change_role(organisation, person(request), number, role, project)
    return f"{name} is {role} in {project.name}."


@form("members")
def remove(request: HttpRequest, organisation: Organisation, member: int) -> str | HttpResponse:
    gone = members.remove(organisation, person(request), member)
    if gone == request.user:
        return redirect("home")
    return f"{gone.get_username()} is removed."
