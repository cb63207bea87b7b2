"""`models/`: what each model was called for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters, price_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED
from dashboard.api.traces import LIMIT
from tracestore.clickhouse import model_usage
from tracestore.errors import InvalidInput


class ModelList(Endpoint):
    @extend_schema(
        operation_id="models_list",
        tags=["models"],
        summary="List models",
        description="Calls, tokens, cost and latency of each model; those without a known price first, then the "
        "dearest.",
        parameters=[
            OpenApiParameter("since", str, description=f"Calls that began at or after this time; {EXPECTED}."),
            OpenApiParameter("until", str, description="Calls that began before this time; as `since`."),
            LIMIT,
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            PROJECT,
        ],
        responses=answers(price_shapes.ModelPage, 400, 503),
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        since, until = filters.bound(params, "since"), filters.bound(params, "until")
        if since is not None and until is not None and since > until:
            raise InvalidInput("since is later than until: expected an earlier time.", field="since")
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        offset = read_cursor(params.get("cursor", ""))
        # One more than asked tells whether there is a next page.
        rows = model_usage.model_usage(self.project, since, until, limit=limit + 1, offset=offset)
        more = cursor(offset + limit) if len(rows) > limit else None
        return Response({"results": [asdict(row) for row in rows[:limit]], "next": more})


def cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"m{offset}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> int:
    if not text:
        return 0
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        if not (found[:1] == "m" and found[1:].isascii() and found[1:].isdecimal() and len(found) < 12):
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("Expected a cursor from the `next` of an earlier answer.", field="cursor") from error
    return int(found[1:])
