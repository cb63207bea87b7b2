"""Halts: the record of all that were told, ordered and lifted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters, verdict_shapes
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.saved_views import fields
from dashboard.api.schema import PROJECT, answers
from dashboard.api.traces import LIMIT
from tracestore.alerts import halts
from tracestore.alerts.models import Halt, Incident
from tracestore.errors import InvalidInput, NotFound
from tracestore.moments import parse_time

HALT_ID = OpenApiParameter("halt_id", OpenApiTypes.INT, OpenApiParameter.PATH)


def as_listed(one: Halt, active: bool) -> dict[str, Any]:
    names = (
        "by", "subject", "source", "reason", "actor", "since", "until", "told", "last_told_at", "lifted_at",
        "lifted_by", "lift_reason",
    )  # fmt: skip
    return {
        "id": one.pk, **{name: getattr(one, name) for name in names}, "incident": one.incident_id, "active": active
    }  # fmt: skip


def is_active(one: Halt) -> bool:
    return halts.active(one.project.slug).filter(pk=one.pk).exists()


class HaltList(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="halts_list",
        tags=["halts"],
        summary="List halts",
        description="Each stretch in which a run, session or agent was told to halt, the newest first.",
        parameters=[
            OpenApiParameter("active", bool, description="Only those that hold now."),
            LIMIT,
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            PROJECT,
        ],
        responses=answers(verdict_shapes.HaltPage, 400),
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        only = params.get("active", "false").lower()
        if only not in ("true", "false"):
            raise InvalidInput("active: expected true or false.", field="active")
        held = set(halts.active(self.project).values_list("pk", flat=True)[:1000])
        rows = halts.of(self.project).order_by("-pk")
        if only == "true":
            rows = rows.filter(pk__in=held)
        if cursor := params.get("cursor", ""):
            if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
                raise InvalidInput("cursor: expected `next` of the page before.", field="cursor")
            rows = rows.filter(pk__lt=int(cursor))
        found = list(rows[: limit + 1])
        more = str(found[limit - 1].pk) if len(found) > limit else None
        return Response({"results": [as_listed(one, one.pk in held) for one in found[:limit]], "next": more})

    @extend_schema(
        operation_id="halts_create",
        tags=["halts"],
        summary="Halt a run, session or agent",
        description="Its next question is answered with `halt`, within a second, until then or until it is lifted.",
        parameters=[PROJECT],
        request=verdict_shapes.HaltFields,
        responses=made(verdict_shapes.Halt, 201, 400, 404),
    )
    def post(self, request: Request) -> Response:
        sent = texts(request, ("by", "subject", "reason"), others=("until", "incident"))
        until = fields(request.data or {}).get("until")
        if until is not None and not isinstance(until, str):
            raise InvalidInput("until: expected a time as a text.", field="until")
        found = halts.halt(
            self.project, sent["by"], sent["subject"], sent["reason"], actor(request),
            parse_time(until, "until") if until else None, incident_of(self.project, request), timezone.now(),
        )  # fmt: skip
        return Response(as_listed(found, True), status=201)


class HaltItem(Endpoint):
    @extend_schema(
        operation_id="halts_read",
        tags=["halts"],
        summary="Read a halt",
        description="Why, from when until when, and how often it was told.",
        parameters=[HALT_ID, PROJECT],
        responses=answers(verdict_shapes.Halt, 404),
    )
    def get(self, request: Request, halt_id: int) -> Response:
        found = halts.one(self.project, halt_id)
        return Response(as_listed(found, is_active(found)))


class HaltLift(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="halts_lift",
        tags=["halts"],
        summary="Lift a halt",
        description="What was found before halts this subject no more; budgets and breakers not for an hour.",
        parameters=[HALT_ID, PROJECT],
        request=verdict_shapes.Reason,
        responses=answers(verdict_shapes.Halt, 400, 404),
    )
    def post(self, request: Request, halt_id: int) -> Response:
        reason = texts(request, ("reason",))["reason"]
        return Response(as_listed(halts.lift(self.project, halt_id, actor(request), reason), False))


def texts(request: Request, names: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
    """The texts of a body, '' where one is missing.

    Raises:
        InvalidInput: a field is unknown or no text; names it.
    """
    sent = fields(request.data or {})
    for name, value in sent.items():
        if name not in (*names, *others):
            known = ", ".join((*names, *others))
            raise InvalidInput(f"There is no such field: expected some of {known}.", field=str(name)[:100])
        if name in names and not isinstance(value, str):
            raise InvalidInput(f"{name}: expected a text.", field=str(name))
    return {name: sent.get(name, "") for name in names}


def incident_of(project: str, request: Request) -> Incident | None:
    """The incident that a body names, if it does.

    Raises:
        InvalidInput: it is no number. NotFound: there is no such incident.
    """
    number = fields(request.data or {}).get("incident")
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
        raise InvalidInput("incident: expected its number.", field="incident")
    found = Incident.objects.filter(project__slug=project, pk=number).first()
    if found is None:
        raise NotFound("There is no such incident in this project.")
    return found
