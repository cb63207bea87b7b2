"""How much the project may send: read by anybody, changed by an admin."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import setting_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from tracestore import project_limits
from tracestore.errors import InvalidInput


class LimitsView(Endpoint):
    @extend_schema(
        operation_id="limits_read",
        tags=["limits"],
        summary="How much may be sent",
        description="The limits on what this project may send.",
        parameters=[PROJECT],
        responses=answers(setting_shapes.Limits, 404),
    )
    def get(self, request: Request) -> Response:
        return Response(asdict(project_limits.of(self.project)))

    @extend_schema(
        operation_id="limits_change",
        tags=["limits"],
        summary="Change how much may be sent",
        description="Changes the limits that are sent and leaves the others; null takes one away. Ingest hears of it"
        " within seconds. Who exceeds a limit is told to try again (429, or RESOURCE_EXHAUSTED with RetryInfo).",
        parameters=[PROJECT],
        request=setting_shapes.Limits,
        responses=answers(setting_shapes.Limits, 400, 404),
    )
    def patch(self, request: Request) -> Response:
        if not isinstance(request.data, dict):
            raise InvalidInput("The body is not an object: expected limits as JSON.")
        return Response(asdict(project_limits.change(self.project, request.data)))
