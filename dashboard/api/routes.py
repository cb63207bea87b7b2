"""Routes: which incidents go to which channels, in which order they are tried."""

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
from dashboard.api.incident_shapes import SEVERITIES
from dashboard.api.incidents import fields
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from tracestore.alerts import routing
from tracestore.alerts.routing import Routed
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project

NUMBER = OpenApiParameter("number", OpenApiTypes.INT, OpenApiParameter.PATH, description="The route's `id`.")


class RouteList(Endpoint):
    @extend_schema(
        operation_id="routes_list",
        tags=["routes"],
        summary="List routes",
        description="In the order in which they are tried. Without any, each channel gets what it is meant for.",
        parameters=[PROJECT],
        responses=answers(incident_shapes.RoutePage),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": [represented.route(one) for one in routing.listed(self.project)], "next": None})

    @extend_schema(
        operation_id="routes_create",
        tags=["routes"],
        summary="Make a route",
        description="It is tried last until it is moved.",
        parameters=[PROJECT],
        request=incident_shapes.RouteFields,
        responses=made(incident_shapes.Route, 201, 400),
    )
    def post(self, request: Request) -> Response:
        one = routing.create(self.project, fields(request.data, routing.FIELDS), actor(request))
        return Response(represented.route(one), status=201)


class RouteItem(Endpoint):
    @extend_schema(
        operation_id="routes_read",
        tags=["routes"],
        summary="Read a route",
        description="One route.",
        parameters=[NUMBER, PROJECT],
        responses=answers(incident_shapes.Route, 404),
    )
    def get(self, request: Request, number: int) -> Response:
        return Response(represented.route(routing.one(self.project, number)))

    @extend_schema(
        operation_id="routes_update",
        tags=["routes"],
        summary="Change a route",
        description="Only the fields that are sent change.",
        parameters=[NUMBER, PROJECT],
        request=incident_shapes.RouteFields,
        responses=answers(incident_shapes.Route, 400, 404),
    )
    def patch(self, request: Request, number: int) -> Response:
        one = routing.change(self.project, number, fields(request.data, routing.FIELDS), actor(request))
        return Response(represented.route(one))

    @extend_schema(
        operation_id="routes_delete",
        tags=["routes"],
        summary="Delete a route",
        description="Answers with the route that was.",
        parameters=[NUMBER, PROJECT],
        responses=answers(incident_shapes.Route, 404),
    )
    def delete(self, request: Request, number: int) -> Response:
        answer = represented.route(routing.one(self.project, number))
        routing.delete(self.project, number, actor(request))
        return Response(answer)


class RouteOrder(Endpoint):
    @extend_schema(
        operation_id="routes_order",
        tags=["routes"],
        summary="Order the routes",
        description="The ids of all routes, the one that is tried first first.",
        parameters=[PROJECT],
        request=incident_shapes.RouteOrder,
        responses=answers(incident_shapes.RoutePage, 400),
    )
    def post(self, request: Request) -> Response:
        wanted = fields(request.data, ("order",)).get("order")
        present = [one.pk for one in routing.listed(self.project)]
        if (
            not isinstance(wanted, list)
            or any(type(one) is not int for one in wanted)
            or sorted(wanted) != sorted(present)
        ):
            raise InvalidInput(f"order: expected each of {present} once.", field="order")
        for place, number in enumerate(wanted):
            routing.move(self.project, number, place, actor(request))
        return Response({"results": [represented.route(one) for one in routing.listed(self.project)], "next": None})


class RouteTrial(Endpoint):
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="routes_try",
        tags=["routes"],
        summary="Who would be told",
        description="Of an incident of this severity with these labels, by the routes as they are.",
        parameters=[PROJECT],
        request=incident_shapes.RouteTry,
        responses=answers(incident_shapes.RouteTried, 400),
    )
    def post(self, request: Request) -> Response:
        sent = fields(request.data, ("severity", "labels"))
        return Response(tried(who(self.project, sent.get("severity", "warning"), sent.get("labels", {}))))


def who(project: str, severity: object, labels: object) -> Routed:
    """Where such an incident would go.

    Raises:
        InvalidInput: the severity is not known or the labels are no object of texts.
    """
    if severity not in SEVERITIES:
        raise InvalidInput(f"severity: expected {', '.join(SEVERITIES)}.", field="severity")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise InvalidInput("labels: expected an object of texts.", field="labels")
    owner = Project.objects.filter(slug=project).first()
    if owner is None:
        raise NotFound("There is no such project.")
    return routing.route(owner.pk, str(severity), {"project": project} | labels)


def tried(found: Routed) -> dict[str, Any]:
    return {
        "routes": [one.pk for one in found.routes],
        "told": [
            {"channel": one.channel.pk, "name": one.channel.name, "kind": one.channel.kind, "repeat_s": one.repeat_s}
            for one in found.told
        ],
        "escalation": [
            {"after_s": step.after_s, "channels": [one.pk for one in step.channels]} for step in found.escalation
        ],
    }
