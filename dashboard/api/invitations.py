"""Invitations of an organisation: listed, made, sent again, taken back. A link is in an answer once."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import organisation_shapes as shapes
from dashboard.api.people import OfOrganisations
from dashboard.api.prices import made
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from dashboard.join_links import link
from tracestore.models import Invitation
from tracestore.moments import utc_text, utc_text_if
from tracestore.organisations import invitation_mail, invitations, organisations


class InvitationList(OfOrganisations):
    @extend_schema(
        operation_id="invitations_list",
        tags=["organisations"],
        summary="List invitations",
        description="The newest first, ended ones too. For owners and admins.",
        parameters=[shapes.SLUG, PROJECT],
        responses=answers(shapes.InvitationPage, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        found, _ = organisations.of(self.person, slug)
        return Response({"results": [described(one) for one in invitations.listed(found, self.person)], "next": None})

    @extend_schema(
        operation_id="invitations_create",
        tags=["organisations"],
        summary="Invite somebody",
        description="The answer holds the link, for the only time. It works once, for a week, for whoever has it.",
        parameters=[shapes.SLUG, PROJECT],
        request=shapes.InvitationFields,
        responses=made(shapes.MadeInvitation, 201, 400, 404),
    )
    def post(self, request: Request, slug: str) -> Response:
        found, _ = organisations.of(self.person, slug)
        return Response(told(request, *invitations.create(found, self.person, fields(request.data))), status=201)


class InvitationItem(OfOrganisations):
    @extend_schema(
        operation_id="invitations_revoke",
        tags=["organisations"],
        summary="Take an invitation back",
        description="Its link stops working at once.",
        parameters=[shapes.SLUG, shapes.INVITATION_ID, PROJECT],
        responses=answers(shapes.Invitation, 404),
    )
    def delete(self, request: Request, slug: str, invitation_id: int) -> Response:
        found, _ = organisations.of(self.person, slug)
        return Response(described(invitations.revoke(found, self.person, invitation_id)))


class InvitationResend(OfOrganisations):
    @extend_schema(
        operation_id="invitations_resend",
        tags=["organisations"],
        summary="Send an invitation again",
        description="With a new link, for another week; the old link ends.",
        parameters=[shapes.SLUG, shapes.INVITATION_ID, PROJECT],
        request=None,
        responses=answers(shapes.MadeInvitation, 400, 404),
    )
    def post(self, request: Request, slug: str, invitation_id: int) -> Response:
        found, _ = organisations.of(self.person, slug)
        return Response(told(request, *invitations.resend(found, self.person, invitation_id)))


def told(request: Request, one: Invitation, token: str) -> dict[str, Any]:
    """The invitation with its link, which is sent by the way if it can be."""
    address = link(request._request, token)
    sending = invitation_mail.send(one, address)
    return described(one) | {"link": address, "sent": sending.sent, "not_sent": sending.reason}


def described(one: Invitation) -> dict[str, Any]:
    return {
        "id": one.pk,
        "email": one.email,
        "role": one.role,
        "project": one.project.slug if one.project else None,
        "state": invitations.state(one),
        "invited_by": one.invited_by,
        "created_at": utc_text(one.created_at),
        "expires_at": utc_text(one.expires_at),
        "accepted_at": utc_text_if(one.accepted_at),
        "accepted_by": one.accepted_by.get_username() if one.accepted_by else None,
    }
