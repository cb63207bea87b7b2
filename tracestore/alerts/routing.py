"""Routing: which channels are told of an incident, how often again, and who is told if nobody acknowledges.

Routes are tried in order; the first whose matchers all hold takes the incident, unless it continues. A channel that
no route names gets every incident of its least severity and above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import matchers
from tracestore.alerts.models import Channel, Incident, Route
from tracestore.alerts.severities import rank
from tracestore.alerts.transitions import GOING_ON
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project

log = structlog.get_logger(__name__)

FIELDS: Final = ("name", "matchers", "channels", "continues", "repeat_s", "escalation", "position")
#: Alertmanager's repeat_interval.
REPEAT_S: Final = 4 * 3600
SHORTEST_REPEAT_S: Final = 60
LONGEST_S: Final = 30 * 86_400
MOST: Final = 100
MOST_STEPS: Final = 10
MOST_CHANNELS: Final = 50


@dataclass(frozen=True, slots=True)
class Step:
    """So long after it was opened, and still nobody has acknowledged: tell these."""

    after_s: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A channel that is told, and how often again (0: not again). `escalation` is that of the route."""

    channel: Channel
    repeat_s: int = REPEAT_S
    escalation: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an incident goes. `escalation` is that of all routes that took it, in the order of time."""

    told: tuple[Told, ...]
    escalation: tuple[Step, ...]
    routes: tuple[Route, ...]


def route(project_id: int, severity: str, labels: Mapping[str, str]) -> Routed:
    """Where an incident of this severity and these labels goes. Fail-open: if no route takes it and every channel is
    named by a route, all are told that want its severity.
    """
    channels = {one.pk: one for one in Channel.objects.filter(project_id=project_id, enabled=True, deleted_at=None)}
    routes = list(Route.objects.filter(project_id=project_id).order_by("position", "pk").prefetch_related("channels"))
    named = {one.pk for row in routes for one in row.channels.all()}
    named |= {number for row in routes for step in row.escalation for number in step["channels"]}
    told: dict[int, Told] = {}
    steps: set[Step] = set()
    taken: list[Route] = []
    matched = {**labels, "severity": severity}
    for row in routes:
        if not matchers.matches(matchers.stored(row.matchers), matched):
            continue
        taken.append(row)
        later = tuple(
            Step(step["after_s"], tuple(channels[number] for number in step["channels"] if number in channels))
            for step in row.escalation
        )
        steps.update(later)
        for one in row.channels.all():
            if one.pk in channels:
                told.setdefault(one.pk, Told(channels[one.pk], row.repeat_s, later))
        if not row.continues:
            break
    wanting = [one for one in channels.values() if rank(severity) >= rank(one.min_severity)]
    for one in wanting:
        if one.pk not in named:
            told.setdefault(one.pk, Told(one))
    if not taken and not told:
        told = {one.pk: Told(one) for one in wanting}
    in_order = sorted(steps, key=lambda step: (step.after_s, [one.pk for one in step.channels]))
    return Routed(tuple(told[number] for number in sorted(told)), tuple(in_order), tuple(taken))


def channels_for(project_id: int, severity: str, labels: Mapping[str, str]) -> list[Told]:
    """The channels that are told of such an incident."""
    return list(route(project_id, severity, labels).told)


def listed(project_slug: str) -> list[Route]:
    """In the order in which they are tried."""
    rows = Route.objects.filter(project__slug=project_slug).order_by("position", "pk")
    return list(rows.prefetch_related("channels"))


def one(project_slug: str, number: int) -> Route:
    """Raises: NotFound."""
    found = Route.objects.select_related("project").filter(project__slug=project_slug, pk=number).first()
    if found is None:
        raise NotFound("There is no such route.")
    return found


def create(project_slug: str, fields: Mapping[str, Any], actor: str, now: datetime | None = None) -> Route:
    """A route, the last one unless `position` is given.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be what it is; there are too many.
        NotFound: there is no such project.
    """
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    if "name" not in fields:
        raise InvalidInput("name: expected a name for the route.", field="name")
    rows = Route.objects.filter(project=project)
    if rows.count() >= MOST:
        raise InvalidInput(f"There are {MOST} routes: expected one of them to be deleted first.")
    last = rows.aggregate(last=Max("position"))["last"]
    row = Route(project=project, position=0 if last is None else last + 1, repeat_s=REPEAT_S)
    return _saved(row, fields, actor, now)


def change(project_slug: str, number: int, fields: Mapping[str, Any], actor: str, now: datetime | None = None) -> Route:
    """Changes the fields that are given.

    Raises: as `create`.
    """
    return _saved(one(project_slug, number), fields, actor, now)


def delete(project_slug: str, number: int, actor: str, now: datetime | None = None) -> dict[str, Any]:
    """Deletes it. Returns its fields: `create` with them brings it back.

    Raises: NotFound.
    """
    row = one(project_slug, number)
    fields = as_fields(row)
    row.delete()
    _changed(row, "deleted", actor, now)
    return fields


def move(project_slug: str, number: int, position: int, actor: str, now: datetime | None = None) -> list[Route]:
    """Puts it at a place in the order, counted from 0; beyond the end is the end. Returns all in order.

    Raises:
        NotFound: there is no such route.
        InvalidInput: the position is no number from 0 on.
    """
    row = one(project_slug, number)
    _place(row, _position(position))
    _changed(row, "moved", actor, now)
    return listed(project_slug)


def as_fields(row: Route) -> dict[str, Any]:
    """What `create` takes. Not for people: numbers of channels instead of names."""
    return {
        "name": row.name,
        "matchers": row.matchers,
        "channels": sorted(row.channels.values_list("pk", flat=True)),
        "continues": row.continues,
        "repeat_s": row.repeat_s,
        "escalation": row.escalation,
        "position": row.position,
    }


def recheck(project_id: int, now: datetime) -> None:
    """Has the next tick look at all incidents that are not over: who has not been told of them may be to be told now.
    For changes of routes and channels.
    """
    Incident.objects.filter(project_id=project_id, state__in=GOING_ON).update(next_notice_at=now)


def _saved(row: Route, fields: Mapping[str, Any], actor: str, now: datetime | None) -> Route:
    new = row.pk is None
    for name in fields:
        if name not in FIELDS:
            raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=str(name)[:100])
    if "name" in fields:
        if not isinstance(fields["name"], str) or not 0 < len(fields["name"].strip()) <= 120:
            raise InvalidInput("name: expected 1 to 120 characters.", field="name")
        row.name = fields["name"].strip()
    if "matchers" in fields:
        row.matchers = matchers.as_json(matchers.parse(fields["matchers"]))
    if "continues" in fields:
        if not isinstance(fields["continues"], bool):
            raise InvalidInput("continues: expected true or false.", field="continues")
        row.continues = fields["continues"]
    if "repeat_s" in fields:
        row.repeat_s = _seconds(fields["repeat_s"], "repeat_s", nothing=True)
    if "escalation" in fields:
        row.escalation = _escalation(row.project_id, fields["escalation"])
    place = _position(fields["position"]) if "position" in fields else None
    channels = _channels(row.project_id, fields["channels"], "channels") if "channels" in fields else None
    try:
        with transaction.atomic():
            row.save()
            if channels is not None:
                row.channels.set(channels)
            if place is not None:
                _place(row, place)
    except IntegrityError as error:
        raise InvalidInput(f"name: there is a route {row.name!r} already.", field="name") from error
    audit.concerns(row.pk)
    _changed(row, "created" if new else "changed", actor, now)
    return row


def _changed(row: Route, what: str, actor: str, now: datetime | None) -> None:
    log.info("route " + what, project=row.project.slug, route=row.name, actor=actor)
    recheck(row.project_id, now or timezone.now())


def _place(row: Route, position: int) -> None:
    with transaction.atomic():
        others = list(Route.objects.filter(project_id=row.project_id).exclude(pk=row.pk).order_by("position", "pk"))
        others.insert(position, row)
        for place, each in enumerate(others):
            if each.position != place:
                each.position = place
                each.save(update_fields=["position"])


def _position(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= 1_000_000:
        raise InvalidInput("position: expected a number from 0 on.", field="position")
    return given


def _seconds(given: object, field: str, *, nothing: bool = False) -> int:
    number = given if isinstance(given, int) and not isinstance(given, bool) else -1
    if SHORTEST_REPEAT_S <= number <= LONGEST_S or (nothing and number == 0):
        return number
    raise InvalidInput(
        f"{field}: expected {'0 or ' if nothing else ''}{SHORTEST_REPEAT_S} to {LONGEST_S} seconds.", field=field
    )


def _channels(project_id: int, given: object, field: str) -> list[int]:
    expected = f"{field}: expected a list of at most {MOST_CHANNELS} numbers of channels."
    if not isinstance(given, list) or len(given) > MOST_CHANNELS:
        raise InvalidInput(expected, field=field)
    if any(not isinstance(one, int) or isinstance(one, bool) or not 0 < one < 2**63 for one in given):
        raise InvalidInput(expected, field=field)
    there = set(
        Channel.objects.filter(project_id=project_id, pk__in=given, deleted_at=None).values_list("pk", flat=True)
    )
    for number in given:
        if number not in there:
            raise InvalidInput(f"{field}: there is no channel {number}.", field=field)
    return sorted(there)


def _escalation(project_id: int, given: object) -> list[dict[str, Any]]:
    expected = f'escalation: expected a list of at most {MOST_STEPS} such as {{"after_s": 900, "channels": [1]}}.'
    if not isinstance(given, list) or len(given) > MOST_STEPS:
        raise InvalidInput(expected, field="escalation")
    steps: list[dict[str, Any]] = []
    for step in given:
        if not isinstance(step, Mapping) or set(step) != {"after_s", "channels"}:
            raise InvalidInput(expected, field="escalation")
        channels = _channels(project_id, step["channels"], "escalation")
        if not channels:
            raise InvalidInput("escalation: expected at least one channel in each step.", field="escalation")
        steps.append({"after_s": _seconds(step["after_s"], "escalation"), "channels": channels})
    if any(later["after_s"] <= earlier["after_s"] for earlier, later in pairwise(steps)):
        raise InvalidInput("escalation: expected each step later than the one before.", field="escalation")
    return steps
