"""Deleting a project or an organisation: what it would be, its name typed again, and a project brought back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from dashboard.pages import organisation as whole
from dashboard.pages.organisation_access import organisation_of, person, person_page
from dashboard.pages.project_leaving import shown_deletion
from tracestore.access import projects_of
from tracestore.clickhouse import deleting_projects
from tracestore.errors import Forbidden, InvalidInput, NotFound, Unavailable
from tracestore.models import Organisation, Project, ProjectDeletion, Role
from tracestore.organisations import leaving, organisations, rules


@person_page
def delete_project(request: HttpRequest, slug: str) -> HttpResponse:
    """What would go, and the form that closes the project."""
    organisation, role = organisation_of(request)
    project = project_named(request, slug)
    if project.organisation_id != organisation.pk:
        organisation, role = organisations.of(person(request), project.organisation.slug)
    if not rules.manages(role):
        raise Forbidden(rules.NOT_MANAGING)
    complaint, refused = "", ""
    try:
        leaving.check(project, person(request))
    except InvalidInput as error:
        refused = error.message
    if request.method == "POST":
        try:
            typed = request.POST.get("confirmed", "")
            row = leaving.delete(project, person(request), person(request).get_username(), typed)
        except InvalidInput as error:
            complaint = "" if error.message == refused else error.message
        else:
            request.session[whole.SAID] = f"{row.name} is closed, and will be deleted in {leaving.KEPT.days} days."
            return redirect(whole.address(organisation))
    context: dict[str, Any] = {
        "organisation": organisation,
        "named": project,
        "ending": leaving.ending(project),
        "spans": rows_of(project),
        "days": leaving.KEPT.days,
        "refused": refused,
        "complaint": complaint,
    }
    return render(
        request, "dashboard/organisation/delete.html", context, status=400 if request.method == "POST" else 200
    )


def rows_of(project: Project) -> int | None:
    """Rows of spans; None while the store cannot tell."""
    try:
        return deleting_projects.count(project.slug, "stored_spans")
    except Unavailable:
        return None


def project_named(request: HttpRequest, slug: str) -> Project:
    """Raises: NotFound, if it is none of the user's."""
    found = next((one for one in projects_of(request.user) if one.slug == slug), None)
    if found is None:
        raise NotFound("There is no such project among yours.")
    return found


@whole.form("restore")
def restore_project(request: HttpRequest, organisation: Organisation, slug: str) -> str:
    restored = leaving.restore(leaving.find(person(request), slug), person(request))
    return f"{restored.name} is back as it was. SQL users of it are to be made again."


@whole.form("leave")
def delete_organisation(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    organisations.delete(organisation, person(request), request.POST.get("confirmed", ""))
    request.session[whole.SAID] = f"The organisation {organisation.name} is deleted."
    return redirect(reverse("organisation") if organisations.listed(person(request)) else "account")


@require_GET
@person_page
def progress(request: HttpRequest, number: int) -> HttpResponse:
    """How far a deletion is: the fragment that its own poll replaces."""
    row = ProjectDeletion.objects.select_related("organisation").filter(pk=number).first()
    mine = {one.pk for one, role in organisations.listed(person(request)) if role in (Role.OWNER, Role.ADMIN)}
    if row is None or row.organisation_id not in mine:
        raise NotFound(leaving.NO_SUCH)
    return render(request, "dashboard/organisation/deletion.html", {"one": shown_deletion(row)})
