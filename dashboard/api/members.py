"""People of an organisation: listed, given another role, removed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import organisation_shapes as shapes
from dashboard.api.people import OfOrganisations
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.errors import Forbidden
from tracestore.models import Organisation
from tracestore.organisations import members, naming, organisations
from tracestore.organisations.members import Member


class MemberList(OfOrganisations):
    @extend_schema(
        operation_id="members_list",
        tags=["organisations"],
        summary="List members",
        description="Everybody who is in the organisation or in one of its projects. Only its members may ask.",
        parameters=[shapes.SLUG, PROJECT],
        responses=answers(shapes.MemberPage, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        found, role = organisations.of(self.person, slug)
        if not role:
            raise Forbidden("Only members of the organisation see who else is in it.")
        return Response({"results": [described(one) for one in members.listed(found)], "next": None})


class MemberItem(OfOrganisations):
    @extend_schema(
        operation_id="members_update",
        tags=["organisations"],
        summary="Change a role",
        description="In the organisation, or in one `project` of it. By an owner or admin; only owners make or unmake "
        "owners, nobody raises themselves, and an owner has to be left.",
        parameters=[shapes.SLUG, shapes.USER_ID, PROJECT],
        request=shapes.MemberFields,
        responses=answers(shapes.Member, 400, 404),
    )
    def patch(self, request: Request, slug: str, user_id: int) -> Response:
        found, _ = organisations.of(self.person, slug)
        sent = fields(request.data)
        naming.known_fields(sent, {"role", "project"})
        role = naming.checked_role(sent.get("role", "?"), none=True)
        named = sent.get("project")
        project = members.project_of(found, named) if named is not None else None
        members.change_role(found, self.person, user_id, role, project)
        return Response(one_of(found, user_id))

    @extend_schema(
        operation_id="members_remove",
        tags=["organisations"],
        summary="Remove a member",
        description="From the organisation and all its projects. Removing yourself is leaving.",
        parameters=[shapes.SLUG, shapes.USER_ID, PROJECT],
        responses=answers(shapes.Member, 400, 404),
    )
    def delete(self, request: Request, slug: str, user_id: int) -> Response:
        found, _ = organisations.of(self.person, slug)
        return Response(described(Member(members.remove(found, self.person, user_id), "", ())))


def one_of(organisation: Organisation, user_id: int) -> dict[str, Any]:
    """The member as they are now; without roles if they are none any more."""
    here = next((one for one in members.listed(organisation) if one.user.pk == user_id), None)
    return described(here or Member(User.objects.get(pk=user_id), "", ()))


def described(one: Member) -> dict[str, Any]:
    return {
        "id": one.user.pk,
        "username": one.user.get_username(),
        "role": one.role or None,
        "projects": [{"project": project.slug, "role": role} for project, role in one.projects],
        "active": one.user.is_active,
    }
