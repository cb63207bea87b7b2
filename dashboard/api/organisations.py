"""Organisations: listed, made, read, renamed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import organisation_shapes as shapes
from dashboard.api.people import OfOrganisations
from dashboard.api.prices import made
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.access import projects_of
from tracestore.models import Organisation
from tracestore.moments import utc_text
from tracestore.organisations import leaving, naming, organisations, rules


class OrganisationList(OfOrganisations):
    @extend_schema(
        operation_id="organisations_list",
        tags=["organisations"],
        summary="List organisations",
        description="Those that you belong to or have a project in. This takes a login, as all under `organisations/`.",
        parameters=[PROJECT],
        responses=answers(shapes.OrganisationPage),
    )
    def get(self, request: Request) -> Response:
        found = organisations.listed(self.person)
        return Response({"results": [described(one, role) for one, role in found], "next": None})

    @extend_schema(
        operation_id="organisations_create",
        tags=["organisations"],
        summary="Make an organisation",
        description="Who owns an organisation may make another one, and owns it.",
        parameters=[PROJECT],
        request=shapes.NewOrganisation,
        responses=made(shapes.WholeOrganisation, 201, 400),
    )
    def post(self, request: Request) -> Response:
        sent = fields(request.data)
        naming.known_fields(sent, {"name", "slug"})
        new = organisations.create(self.person, sent.get("name"), sent.get("slug"))
        return Response(whole(new, "owner", self.person), status=201)


class OrganisationItem(OfOrganisations):
    @extend_schema(
        operation_id="organisations_read",
        tags=["organisations"],
        summary="Read an organisation",
        description="One organisation with those of its projects that you may see.",
        parameters=[shapes.SLUG, PROJECT],
        responses=answers(shapes.WholeOrganisation, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        found, role = organisations.of(self.person, slug)
        return Response(whole(found, role, self.person))

    @extend_schema(
        operation_id="organisations_update",
        tags=["organisations"],
        summary="Rename an organisation",
        description="By an owner or admin. The slug stays.",
        parameters=[shapes.SLUG, PROJECT],
        request=shapes.OrganisationFields,
        responses=answers(shapes.WholeOrganisation, 400, 404),
    )
    def patch(self, request: Request, slug: str) -> Response:
        found, role = organisations.of(self.person, slug)
        sent = fields(request.data)
        naming.known_fields(sent, {"name"})
        organisations.rename(found, self.person, sent.get("name"))
        return Response(whole(found, role, self.person))

    @extend_schema(
        operation_id="organisations_delete",
        tags=["organisations"],
        summary="Delete an organisation",
        description="By an owner, when it has no projects left, also none that are being deleted. Its people keep "
        "their accounts. Answers with what it was.",
        parameters=[shapes.SLUG, PROJECT],
        responses=answers(shapes.WholeOrganisation, 400, 404),
    )
    def delete(self, request: Request, slug: str) -> Response:
        found, role = organisations.of(self.person, slug)
        was = whole(found, role, self.person)
        organisations.delete(found, self.person)
        return Response(was)


def described(one: Organisation, role: str) -> dict[str, Any]:
    return {"slug": one.slug, "name": one.name, "role": role or None, "created_at": utc_text(one.created_at)}


def whole(one: Organisation, role: str, person: User) -> dict[str, Any]:
    own = [{"slug": p.slug, "name": p.name} for p in projects_of(person) if p.organisation_id == one.pk]
    closed = leaving.listed(one) if rules.manages(role) else []
    return described(one, role) | {
        "projects": own,
        "to_be_deleted": [{"slug": row.slug, "name": row.name, "due_at": utc_text(row.due_at)} for row in closed],
    }
