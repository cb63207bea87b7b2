"""For how long the project keeps its data, and what it has: read by anybody, changed by an admin."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import setting_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import rfc3339
from tracestore import retention
from tracestore.clickhouse import expiry
from tracestore.errors import InvalidInput
from tracestore.retention import Retention


class RetentionView(Endpoint):
    @extend_schema(
        operation_id="retention_read",
        tags=["retention"],
        summary="What is kept",
        description="The days that this project keeps its data, and what it has stored.",
        parameters=[PROJECT],
        responses=answers(setting_shapes.RetentionAnswer, 404, 503),
    )
    def get(self, request: Request) -> Response:
        return Response(described(self.project))

    @extend_schema(
        operation_id="retention_change",
        tags=["retention"],
        summary="Change what is kept",
        description="All three settings at once; one that is left out or null keeps for ever. What is no longer kept"
        " is deleted within the hour and cannot be brought back.",
        parameters=[PROJECT],
        request=setting_shapes.RetentionSettings,
        responses=answers(setting_shapes.RetentionAnswer, 400, 404, 503),
    )
    def put(self, request: Request) -> Response:
        retention.change(self.project, sent(request.data))
        return Response(described(self.project))


def sent(body: Any) -> Retention:
    """The settings of a request's body.

    Raises:
        InvalidInput: it is no object, has an unknown field, or a value that is no whole number.
    """
    if not isinstance(body, dict):
        raise InvalidInput("The body is not an object: expected the settings as JSON.")
    for name, value in body.items():
        if name not in retention.TABLES:
            known = ", ".join(retention.TABLES)
            raise InvalidInput(f"{str(name)[:100]} is not a setting: expected {known}.", field=str(name)[:100])
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidInput(f"{name}: expected a whole number of days, or null to keep for ever.", field=name)
    return Retention(**body)


def described(project: str) -> dict[str, Any]:
    settings = retention.of(project)
    return {
        **{setting: getattr(settings, setting) for setting in retention.TABLES},
        "stored": [
            {
                "table": table,
                "setting": setting,
                "keeps_days": settings.days(setting),
                "rows": found.rows,
                "first": None if found.first_ns is None else rfc3339(found.first_ns),
                "last": None if found.last_ns is None else rfc3339(found.last_ns),
                "bytes_on_disk": found.bytes_on_disk,
                "estimated": found.shared,
            }
            for setting, tables in retention.TABLES.items()
            for table in tables
            for found in [expiry.stored(project, table)]
        ],
    }
