"""Incidents: list them, read one, acknowledge, resolve, snooze and note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters, incident_shapes
from dashboard.api import incident_representations as represented
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.incident_shapes import SEVERITIES
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED, parse_time
from tracestore.alerts import reading, responding
from tracestore.alerts.models import Incident
from tracestore.alerts.reading import IncidentFilter
from tracestore.errors import InvalidInput
from tracestore.moments import RELATIVE, UNITS

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_LIMIT: Final = 50
MOST: Final = 500
MOST_NOTE: Final = 4000
#: Nobody means to be asleep for longer.
LONGEST_SNOOZE: Final = timedelta(days=30)

NUMBER = OpenApiParameter("number", OpenApiTypes.INT, OpenApiParameter.PATH, description="The incident's `id`.")
LIST_PARAMETERS = [
    OpenApiParameter("state", str, enum=reading.STATES, description="Only in this state; active is not resolved."),
    OpenApiParameter("severity", str, enum=SEVERITIES, description="Only this severity."),
    OpenApiParameter("agent", str, description="Only about this agent."),
    OpenApiParameter("q", str, description="Words of the title or of a label's value."),
    OpenApiParameter("since", str, description=f"Opened at or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="Opened before this time; as `since`."),
    OpenApiParameter("limit", int, description=f"1 to {MOST}; {DEFAULT_LIMIT} unless given."),
    OpenApiParameter("cursor", str, description="`next` of the page before."),
    PROJECT,
]


class IncidentList(Endpoint):
    @extend_schema(
        operation_id="incidents_list",
        tags=["incidents"],
        summary="List incidents",
        description="What somebody should look at, the latest first.",
        parameters=LIST_PARAMETERS,
        responses=answers(incident_shapes.IncidentPage, 400),
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        limit = filters.whole_number(params, "limit", DEFAULT_LIMIT, MOST)
        page = reading.listed(self.project, wanted_of(params), limit=limit, cursor=params.get("cursor") or None)
        return Response({"results": [represented.incident(one) for one in page.results], "next": page.next})


class IncidentItem(Endpoint):
    @extend_schema(
        operation_id="incidents_read",
        tags=["incidents"],
        summary="Read an incident",
        description="One incident with its history, alerts, notifications, and similar incidents of the past.",
        parameters=[NUMBER, PROJECT],
        responses=answers(incident_shapes.WholeIncident, 404),
    )
    def get(self, request: Request, number: int) -> Response:
        return Response(represented.whole(reading.one(self.project, number)))


class Responding(Endpoint):
    """Something that who is on call does; answers with the incident as it then is."""

    required_scope_unsafe = "respond"
    act: Callable[..., Incident]

    def respond(self, request: Request, number: int) -> Response:
        sent = fields(request.data, ("note",))
        one = type(self).act(self.project, number, actor(request), note=text_of(sent, "note"))
        return Response(represented.incident(one))


def described(operation: str, summary: str, description: str) -> Callable[[F], F]:
    schema: Callable[[F], F] = extend_schema(
        operation_id=f"incidents_{operation}",
        tags=["incidents"],
        summary=summary,
        description=description,
        parameters=[NUMBER, PROJECT],
        request=incident_shapes.NoteFields,
        responses=answers(incident_shapes.Incident, 400, 404),
    )
    return schema


class IncidentAcknowledge(Responding):
    act = responding.acknowledge

    @described("acknowledge", "Acknowledge", "Somebody looks at it: reminders and escalation stop. Twice does no harm.")
    def post(self, request: Request, number: int) -> Response:
        return self.respond(request, number)


class IncidentUnacknowledge(Responding):
    act = responding.unacknowledge

    @described("unacknowledge", "Take the acknowledgement back", "Nobody looks at it after all.")
    def post(self, request: Request, number: int) -> Response:
        return self.respond(request, number)


class IncidentResolve(Responding):
    act = responding.resolve

    @described("resolve", "Resolve", "It is over. By itself it resolves when all its alerts are.")
    def post(self, request: Request, number: int) -> Response:
        return self.respond(request, number)


class IncidentReopen(Responding):
    act = responding.reopen

    @described("reopen", "Reopen", "It is not over.")
    def post(self, request: Request, number: int) -> Response:
        return self.respond(request, number)


class IncidentWake(Responding):
    act = responding.wake

    @described("wake", "End the snooze", "It is told again.")
    def post(self, request: Request, number: int) -> Response:
        return self.respond(request, number)


class IncidentSnooze(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="incidents_snooze",
        tags=["incidents"],
        summary="Snooze",
        description="It is not told until then. Either `until`, or `for`, a length from now.",
        parameters=[NUMBER, PROJECT],
        request=incident_shapes.SnoozeFields,
        responses=answers(incident_shapes.Incident, 400, 404),
    )
    def post(self, request: Request, number: int) -> Response:
        sent = fields(request.data, ("until", "for", "note"))
        until = snoozed_until(sent, datetime.now(UTC))
        one = responding.snooze(self.project, number, until, actor(request), note=text_of(sent, "note"))
        return Response(represented.incident(one))


class IncidentNotes(Endpoint):
    required_scope_unsafe = "respond"

    @extend_schema(
        operation_id="incidents_note",
        tags=["incidents"],
        summary="Write a note",
        description="Kept in the history, and shown with similar incidents to come.",
        parameters=[NUMBER, PROJECT],
        request=incident_shapes.NewNote,
        responses=made(incident_shapes.WholeIncident, 201, 400, 404),
    )
    def post(self, request: Request, number: int) -> Response:
        sent = fields(request.data, ("text",))
        responding.note(self.project, number, text_of(sent, "text"), actor(request))
        return Response(represented.whole(reading.one(self.project, number)), status=201)


def wanted_of(params: QueryDict) -> IncidentFilter:
    """The list's query.

    Raises:
        InvalidInput: a parameter has a bad value; names it and says what is expected.
    """
    texts = {name: params.get(name, "").strip() for name in ("state", "severity", "agent", "q")}
    for name, value in texts.items():
        if len(value) > filters.MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {filters.MAX_TEXT} characters.", field=name)
    for name, known in (("state", reading.STATES), ("severity", SEVERITIES)):
        if texts[name] and texts[name] not in known:
            raise InvalidInput(f"{name}={texts[name][:100]!r} is not known: expected {', '.join(known)}.", field=name)
    since, until = filters.bound(params, "since"), filters.bound(params, "until")
    if since is not None and until is not None and since > until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    return IncidentFilter(**texts, since=since, until=until)


def fields(sent: object, known: tuple[str, ...]) -> Mapping[str, Any]:
    """A body's fields; none for no body.

    Raises:
        InvalidInput: it is no object, or has a field that is not known.
    """
    if sent is None or sent == "":
        return {}
    if not isinstance(sent, Mapping):
        raise InvalidInput("The body is not an object: expected the fields as JSON.")
    for name in sent:
        if name not in known:
            raise InvalidInput(f"There is no such field: expected {', '.join(known)}.", field=str(name)[:100])
    return sent


def text_of(sent: Mapping[str, Any], name: str, most: int = MOST_NOTE) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise InvalidInput(f"{name}: expected a text of at most {most:,} characters.", field=name)
    return value.strip()


def snoozed_until(sent: Mapping[str, Any], now: datetime) -> datetime:
    """When a snooze ends.

    Raises:
        InvalidInput: neither or both of `until` and `for`, or a time that is not in the next 30 days.
    """
    if ("until" in sent) == ("for" in sent):
        raise InvalidInput("Expected either until, a time, or for, a length such as 1h.", field="until")
    if "for" in sent:
        length = RELATIVE.fullmatch(text_of(sent, "for", 40))
        if length is None or sent["for"].strip().startswith(("-", "now")):
            raise InvalidInput("for: expected a length such as 15m, 4h or 1d.", field="for")
        seconds = int(length[1]) * UNITS[length[2]]
        if not 0 < seconds <= LONGEST_SNOOZE.total_seconds():
            raise InvalidInput(f"for: expected at most {LONGEST_SNOOZE.days} days.", field="for")
        return now + timedelta(seconds=seconds)
    until = parse_time(text_of(sent, "until", 60), "until", now=now)
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidInput(f"until: expected a time within the next {LONGEST_SNOOZE.days} days.", field="until")
    return until
