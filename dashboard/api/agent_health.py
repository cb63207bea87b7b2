"""Health of agents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import detection_shapes, filters
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED, rfc3339
from tracestore.clickhouse.detecting import health
from tracestore.clickhouse.detecting.health import AgentHealth
from tracestore.errors import InvalidInput, NotFound

#: A state that was not worked out for so long is not told any more.
KNOWN_FOR = timedelta(days=1)
AGENT = OpenApiParameter("agent", OpenApiTypes.STR, OpenApiParameter.PATH)


class HealthList(Endpoint):
    @extend_schema(
        operation_id="health_list",
        tags=["health"],
        summary="List the health of agents",
        description="The latest state of each agent and of each of its versions.",
        parameters=[PROJECT],
        responses=answers(detection_shapes.HealthPage, 503),
    )
    def get(self, request: Request) -> Response:
        found = health.latest(self.project, timezone.now() - KNOWN_FOR)
        return Response({"results": [represented(one) for one in found], "next": None})


class HealthItem(Endpoint):
    @extend_schema(
        operation_id="health_read",
        tags=["health"],
        summary="Read the health of an agent",
        description="Its state, the reasons, what would make it healthy again, and its measures over time.",
        parameters=[
            AGENT,
            OpenApiParameter(
                "since", str, description=f"Measures from this time on, 24 hours unless given; {EXPECTED}."
            ),
            OpenApiParameter("until", str, description="Measures before this time; as `since`."),
            OpenApiParameter("version", str, description="Over time, of this version; all together unless given."),
            PROJECT,
        ],
        responses=answers(detection_shapes.HealthOverTime, 400, 404, 503),
    )
    def get(self, request: Request, agent: str) -> Response:
        params = request.query_params
        now = timezone.now()
        until = filters.bound(params, "until") or now + timedelta(minutes=1)
        since = filters.bound(params, "since") or min(until, now) - KNOWN_FOR
        if since >= until:
            raise InvalidInput("since is not before until: expected an earlier time.", field="since")
        states = {one.agent_version: one for one in health.latest(self.project, now - KNOWN_FOR, agent)}
        if "" not in states:
            raise NotFound("Nothing is known of such an agent in this project in the last day.")
        points = health.over_time(self.project, agent, since, until, version=params.get("version", ""))
        answer = represented(states.pop(""))
        answer["versions"] = [represented(one) for one in states.values()]
        answer["over_time"] = [
            {"at": rfc3339(at), "state": state, "measures": measures} for at, state, measures in points
        ]
        return Response(answer)


def represented(one: AgentHealth) -> dict[str, Any]:
    return {
        "agent": one.agent,
        "agent_version": one.agent_version,
        "state": one.state,
        "at": rfc3339(one.at_ns),
        "reasons": one.reasons,
        "healthy_again": one.healthy_again,
        "measures": dict(one.measures),
    }
