"""Whether the installation is well: of the project for who may read it, of the whole for its owners and admins."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.authentication import identity
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.api.status_shapes import StatusAnswer
from dashboard.api.times import rfc3339
from tracestore.moments import nanoseconds
from tracestore.status import reading
from tracestore.status.reading import Status


class StatusView(Endpoint):
    @extend_schema(
        operation_id="status_read",
        tags=["status"],
        summary="Status",
        description="Ingest rate, lag and failures of the project, each judged, with a sentence on what to do. With"
        " scope `admin` also jobs, ingest, disk and versions of the whole installation.",
        parameters=[PROJECT],
        responses=answers(StatusAnswer, 404),
    )
    def get(self, request: Request) -> Response:
        whole = "admin" in identity(request).scopes
        return Response(described(reading.status(self.project, whole=whole)))


def described(found: Status) -> dict[str, Any]:
    return {
        "level": found.level,
        "at": rfc3339(nanoseconds(found.at)),
        "sections": [
            {
                "id": section.id,
                "title": section.title,
                "about": "installation" if section.whole else "project",
                "items": [asdict(item) for item in section.items],
            }
            for section in found.sections
        ],
        "minutes": None
        if found.rate is None
        else [
            {"at": datetime.fromtimestamp(minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "spans": spans}
            for minute, spans in sorted(found.rate.minutes.items())
        ],
        "tables": None
        if found.tables is None
        else [{"table": one.name, "rows": one.rows, "bytes_on_disk": one.bytes} for one in found.tables],
    }
