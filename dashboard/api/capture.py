"""How much of what is said the project keeps: read by anybody, changed by an admin."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.endpoint import Endpoint
from dashboard.api.keys import body
from dashboard.api.schema import PROJECT, answers
from tracestore import capture
from tracestore.errors import InvalidInput


class CaptureSettings(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(
        capture.MODES,
        help_text="off: nothing that a model, a tool or a user said; preview: the beginning of each text; full: all.",
    )


class CaptureView(Endpoint):
    @extend_schema(
        operation_id="capture_read",
        tags=["privacy"],
        summary="How much is kept",
        description="How much of prompts, answers, tool arguments, results and errors this project keeps.",
        parameters=[PROJECT],
        responses=answers(CaptureSettings),
    )
    def get(self, request: Request) -> Response:
        return Response({"mode": capture.of(self.project)})

    @extend_schema(
        operation_id="capture_change",
        tags=["privacy"],
        summary="Change how much is kept",
        description="Counts within seconds, for what is received from then on. What is stored already stays: the "
        "retention of payloads ends it, or a deletion.",
        parameters=[PROJECT],
        request=CaptureSettings,
        responses=answers(CaptureSettings, 400),
    )
    def put(self, request: Request) -> Response:
        mode = body(request, {"mode"}).get("mode")
        if not isinstance(mode, str):
            raise InvalidInput(f"mode: expected one of {', '.join(capture.MODES)}.", field="mode")
        return Response({"mode": capture.change(self.project, mode)})
