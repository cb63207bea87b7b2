"""Projects: who am I, those of the caller, new ones, other names."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import organisation_shapes as shapes
from dashboard.api import setting_shapes
from dashboard.api.authentication import BrowserAuthentication, KeyAuthentication, identity
from dashboard.api.endpoint import Endpoint
from dashboard.api.people import PersonOrScope, is_person
from dashboard.api.permissions import HasIdentity
from dashboard.api.prices import made
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.access import ROLE_SCOPES, organisations_of, projects_of, role_in
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import Organisation, Project
from tracestore.moments import utc_text
from tracestore.organisations import naming, projects
from tracestore.organisations.rules import NOT_MANAGING, manages


class CurrentProject(Endpoint):
    # Any key may ask: a sender whose key lacks `read` is the one who needs to know.
    permission_classes = (HasIdentity,)

    @extend_schema(
        operation_id="projects_current",
        tags=["projects"],
        summary="Who am I",
        description="The project and scopes behind the credentials of this request.",
        parameters=[PROJECT],
        responses=answers(setting_shapes.CurrentProject, 404),
    )
    def get(self, request: Request) -> Response:
        who = identity(request)
        project = Project.objects.filter(slug=who.project).first()
        return Response(
            {
                "project": who.project,
                "name": project.name if project else who.project,
                "scopes": sorted(who.scopes),
                "credentials": credentials(request),
                "key_prefix": who.key_prefix,
                "user": request.user.get_username() if request.user else "",
            }
        )


def credentials(request: Request) -> str:
    if isinstance(request.successful_authenticator, KeyAuthentication):
        return "key"
    if isinstance(request.successful_authenticator, BrowserAuthentication):
        return "session"
    return "loopback"


class ProjectList(Endpoint):
    permission_classes = (PersonOrScope,)
    project_needed = False
    # Of a login the role in the organisation decides, below.
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="projects_list",
        tags=["projects"],
        summary="List projects",
        description="Those that you may see; of a key the one that it is for.",
        parameters=[PROJECT],
        responses=answers(shapes.ProjectPage),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": [described(request, one) for one in own(request)], "next": None})

    @extend_schema(
        operation_id="projects_create",
        tags=["projects"],
        summary="Make a project",
        description="By a login that is owner or admin in the organisation. The shipped alert rules come with it.",
        parameters=[PROJECT],
        request=shapes.NewProject,
        responses=made(shapes.Project, 201, 400),
    )
    def post(self, request: Request) -> Response:
        if not is_person(request):
            raise Forbidden("This takes a login: a key is bound to one project and makes no others.")
        sent = fields(request.data)
        naming.known_fields(sent, {"name", "slug", "organisation"})
        person = cast(User, request.user)
        organisation = chosen(person, sent.get("organisation"), self.project)
        project = projects.create(organisation, person, sent.get("name"), sent.get("slug"))
        return Response(described(request, project), status=201)


class ProjectItem(Endpoint):
    permission_classes = (PersonOrScope,)

    @extend_schema(
        operation_id="projects_update",
        tags=["projects"],
        summary="Rename a project",
        description="By an owner or admin of it, or a key with `admin`. The slug stays: every stored row has it.",
        parameters=[shapes.PROJECT_SLUG, PROJECT],
        request=shapes.OrganisationFields,
        responses=answers(shapes.Project, 400, 404),
    )
    def patch(self, request: Request, slug: str) -> Response:
        project = next((one for one in own(request) if one.slug == slug), None)
        if project is None:
            raise NotFound("There is no such project for these credentials.")
        if "admin" not in scopes(request, project):
            raise Forbidden("This needs the role owner or admin in the project.")
        sent = fields(request.data)
        naming.known_fields(sent, {"name"})
        projects.rename(project, sent.get("name"))
        return Response(described(request, project))


def own(request: Request) -> list[Project]:
    """The projects of a login, or the one of a key."""
    if is_person(request):
        return projects_of(request.user)
    return list(Project.objects.filter(slug=identity(request).project).select_related("organisation"))


def scopes(request: Request, project: Project) -> frozenset[str]:
    if is_person(request):
        return ROLE_SCOPES.get(role_in(request.user, project.slug), frozenset())
    return identity(request).scopes


def chosen(person: User, named: object, project: str) -> Organisation:
    """The organisation that is named, else that of the current project, else the only one that the person manages.

    Raises:
        Forbidden: they manage none.
        InvalidInput: it is none of theirs.
    """
    own = [one for one, _ in organisations_of(person)]
    managed = [one for one, role in organisations_of(person) if manages(role)]
    if not managed:
        raise Forbidden(NOT_MANAGING)
    if named not in (None, ""):
        found = [one for one in own if one.slug == named]
    else:
        found = [one for one in own if one.projects.filter(slug=project).exists()]
        found = found or (managed if len(managed) == 1 else [])
    if not found:
        known = ", ".join(one.slug for one in managed)
        raise InvalidInput(f"organisation: expected the slug of one of yours: {known}.", field="organisation")
    return found[0]


def described(request: Request, one: Project) -> dict[str, Any]:
    role = role_in(request.user, one.slug) if is_person(request) else ""
    return {
        "slug": one.slug,
        "name": one.name,
        "organisation": one.organisation.slug,
        "role": role or None,
        "scopes": sorted(scopes(request, one)),
        "created_at": utc_text(one.created_at),
    }
