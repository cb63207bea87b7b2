"""Silences and maintenance windows: what is kept but not told."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import incident_representations as represented
from dashboard.api import incident_shapes
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.incidents import fields
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from tracestore.alerts import silences
from tracestore.alerts.models import Silence
from tracestore.errors import InvalidInput

NUMBER = OpenApiParameter("number", OpenApiTypes.INT, OpenApiParameter.PATH, description="The silence's `id`.")
ACTIVE = OpenApiParameter("active", bool, description="`true`: only what holds now; `false`: only what does not.")


class SilenceList(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="silences_list",
        tags=["silences"],
        summary="List silences",
        description="Silences and maintenance windows, ended ones too.",
        parameters=[ACTIVE, PROJECT],
        responses=answers(incident_shapes.SilencePage, 400),
    )
    def get(self, request: Request) -> Response:
        said = request.query_params.get("active", "").lower()
        if said not in ("", "true", "false"):
            raise InvalidInput("active: expected true or false.", field="active")
        holding = active_ones(self.project)
        rows = [one for one in silences.listed(self.project) if not said or (one.pk in holding) == (said == "true")]
        return Response({"results": [represented.silence(one, active=one.pk in holding) for one in rows], "next": None})

    @extend_schema(
        operation_id="silences_create",
        tags=["silences"],
        summary="Silence",
        description="Incidents whose labels match are kept but not told while it holds.",
        parameters=[PROJECT],
        request=incident_shapes.SilenceFields,
        responses=made(incident_shapes.Silence, 201, 400),
    )
    def post(self, request: Request) -> Response:
        one = silences.create(self.project, fields(request.data, silences.FIELDS), actor(request))
        return Response(shown(self.project, one), status=201)


class SilenceItem(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="silences_read",
        tags=["silences"],
        summary="Read a silence",
        description="One silence or maintenance window.",
        parameters=[NUMBER, PROJECT],
        responses=answers(incident_shapes.Silence, 404),
    )
    def get(self, request: Request, number: int) -> Response:
        return Response(shown(self.project, silences.one(self.project, number)))

    @extend_schema(
        operation_id="silences_update",
        tags=["silences"],
        summary="Change a silence",
        description="Only the fields that are sent change.",
        parameters=[NUMBER, PROJECT],
        request=incident_shapes.SilenceFields,
        responses=answers(incident_shapes.Silence, 400, 404),
    )
    def patch(self, request: Request, number: int) -> Response:
        one = silences.change(self.project, number, fields(request.data, silences.FIELDS), actor(request))
        return Response(shown(self.project, one))

    @extend_schema(
        operation_id="silences_end",
        tags=["silences"],
        summary="End a silence",
        description="It holds no more, and stays in the list as ended.",
        parameters=[NUMBER, PROJECT],
        responses=answers(incident_shapes.Silence, 404),
    )
    def delete(self, request: Request, number: int) -> Response:
        return Response(shown(self.project, silences.end(self.project, number, actor(request))))


class SilencePreview(Endpoint):
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="silences_preview",
        tags=["silences"],
        summary="What a silence would cover",
        description="The open and acknowledged incidents whose labels match.",
        parameters=[PROJECT],
        request=incident_shapes.SilencePreviewFields,
        responses=answers(incident_shapes.SilencePreview, 400),
    )
    def post(self, request: Request) -> Response:
        sent = fields(request.data, ("matchers",))
        return Response({"incidents": represented.in_short(silences.preview(self.project, sent.get("matchers", [])))})


def active_ones(project: str) -> set[int]:
    return {one.pk for one in silences.listed(project, active=True)}


def shown(project: str, one: Silence) -> dict[str, Any]:
    return represented.silence(one, active=one.pk in active_ones(project))
