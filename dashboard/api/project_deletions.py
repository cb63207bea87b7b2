"""Deleting a project: close it, read how far it is and the proof, bring it back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import organisation_shapes as shapes
from dashboard.api import projects
from dashboard.api.people import OfOrganisations
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.access import projects_of
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import ProjectDeletion
from tracestore.moments import utc_text, utc_text_if
from tracestore.organisations import leaving, naming


class DeletionOfProject(OfOrganisations):
    @extend_schema(
        operation_id="project_deletion_read",
        tags=["projects"],
        summary="Read a project's deletion",
        description="The latest of this slug: when it is due, how far it is, and at the end the rows before and left "
        "in each table. For owners and admins of its organisation.",
        parameters=[shapes.PROJECT_SLUG, PROJECT],
        responses=answers(shapes.ProjectDeletion, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(described(leaving.find(self.person, slug)))

    @extend_schema(
        operation_id="project_deletion_order",
        tags=["projects"],
        summary="Delete a project",
        description=f"By a login that is owner or admin in the organisation; `name` confirms it. At once nobody reads "
        f"the project, its keys are refused within seconds, its jobs stop. After {leaving.KEPT.days} days its data are "
        "deleted from every table; until then it can be brought back.",
        parameters=[shapes.PROJECT_SLUG, PROJECT],
        request=shapes.TypedName,
        responses={
            202: shapes.ProjectDeletion,
            **{code: shape for code, shape in answers(None, 400, 404).items() if code != 200},
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        project = next((one for one in projects_of(self.person) if one.slug == slug), None)
        if project is None:
            raise NotFound("There is no such project for these credentials.")
        leaving.check(project, self.person)
        sent = fields(request.data)
        naming.known_fields(sent, {"name"})
        if sent.get("name") is None:
            raise InvalidInput("name: expected the name of the project, to confirm it.", field="name")
        row = leaving.delete(project, self.person, self.person.get_username(), sent["name"])
        return Response(described(row), status=202)

    @extend_schema(
        operation_id="project_deletion_take_back",
        tags=["projects"],
        summary="Bring a project back",
        description="While its deletion is `scheduled`. All is as it was; SQL users of it are to be made again.",
        parameters=[shapes.PROJECT_SLUG, PROJECT],
        responses=answers(shapes.Project, 400, 404),
    )
    def delete(self, request: Request, slug: str) -> Response:
        project = leaving.restore(leaving.find(self.person, slug), self.person)
        return Response(projects.described(request, project))


def described(row: ProjectDeletion) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "organisation": row.organisation.slug if row.organisation else "",
        "state": row.state,
        "message": row.message,
        "tables": [{"table": name, "before": before, "left": left} for name, before, left in leaving.tables_of(row)],
        "requested_at": utc_text(row.requested_at),
        "requested_by": row.requested_by,
        "due_at": utc_text(row.due_at),
        "finished_at": utc_text_if(row.finished_at),
    }
