"""Circuit breakers: listed with their history, opened and released by hand."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import verdict_shapes
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.halts import incident_of, texts
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from tracestore.alerts import breakers
from tracestore.alerts.models import Breaker

BREAKER_ID = OpenApiParameter("breaker_id", OpenApiTypes.INT, OpenApiParameter.PATH)
MOST_LISTED = 500


def as_listed(one: Breaker, changes: int = 10) -> dict[str, Any]:
    names = ("agent", "tool", "state", "by_hand", "reason")
    return {
        "id": one.pk,
        **{name: getattr(one, name) for name in names},
        "rule": one.rule_id,
        "incident": one.incident_id,
        "opened_at": one.opened_at,
        "trial_at": one.trial_at,
        "trial_trace": one.trial_trace,
        "changes": [
            {"version": change.version, "from_state": change.from_state, "to_state": change.to_state, "at": change.at,
             "actor": change.actor, "reason": change.reason}
            for change in breakers.history(one, changes)
        ],
    }  # fmt: skip


class BreakerList(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="breakers_list",
        tags=["breakers"],
        summary="List breakers",
        description="All that were ever open, those that are first, with their latest changes.",
        parameters=[PROJECT],
        responses=answers(verdict_shapes.BreakerPage),
    )
    def get(self, request: Request) -> Response:
        found = breakers.listed(self.project)[:MOST_LISTED]
        return Response({"results": [as_listed(one) for one in found], "next": None})

    @extend_schema(
        operation_id="breakers_open",
        tags=["breakers"],
        summary="Open a breaker by hand",
        description="Halts an agent, whoever calls a tool, or a tool of an agent, until it is released.",
        parameters=[PROJECT],
        request=verdict_shapes.BreakerFields,
        responses=made(verdict_shapes.Breaker, 201, 400, 404),
    )
    def post(self, request: Request) -> Response:
        sent = texts(request, ("agent", "tool", "reason"), others=("incident",))
        opened = breakers.open_by_hand(
            self.project,
            sent["agent"],
            sent["tool"],
            sent["reason"],
            actor(request),
            incident_of(self.project, request),
        )
        return Response(as_listed(opened), status=201)


class BreakerItem(Endpoint):
    @extend_schema(
        operation_id="breakers_read",
        tags=["breakers"],
        summary="Read a breaker",
        description="With its last 50 changes.",
        parameters=[BREAKER_ID, PROJECT],
        responses=answers(verdict_shapes.Breaker, 404),
    )
    def get(self, request: Request, breaker_id: int) -> Response:
        return Response(as_listed(breakers.one(self.project, breaker_id), 50))


class BreakerRelease(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="breakers_release",
        tags=["breakers"],
        summary="Release a breaker",
        description="Closes it, whoever opened it; what the rule finds after that opens it again.",
        parameters=[BREAKER_ID, PROJECT],
        request=verdict_shapes.Reason,
        responses=answers(verdict_shapes.Breaker, 400, 404),
    )
    def post(self, request: Request, breaker_id: int) -> Response:
        reason = texts(request, ("reason",))["reason"]
        return Response(as_listed(breakers.release(self.project, breaker_id, actor(request), reason)))
