"""`/incidents/`: what somebody should look at, open ones first; acknowledged from the list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from dashboard.api.incident_shapes import SEVERITIES, STATES
from dashboard.api.incidents import wanted_of
from dashboard.pages.access import page
from dashboard.pages.changes import may_respond, response
from dashboard.pages.time_range import TimeRange, time_range
from tracestore import audit
from tracestore.alerts import reading, responding
from tracestore.alerts.facts import Facts, from_json
from tracestore.alerts.models import AlertRule, Channel, Incident
from tracestore.alerts.reading import IncidentFilter
from tracestore.clickhouse.aggregates.period import Period
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.moments import EARLIEST

#: Incidents of one state that are shown; the API has all.
SHOWN: Final = 200
SHOWN_RESOLVED: Final = 100
#: Resolved ones are looked for among those that opened so long before the time began.
LONGEST: Final = timedelta(days=7)
#: Filters of the address beside the time.
FILTERS: Final = ("state", "severity", "agent", "q")


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as a row says it. `where`: what it is about, in the order agent, tool, model, detector."""

    incident: Incident
    facts: Facts
    where: tuple[str, ...]

    @property
    def going_on(self) -> bool:
        return self.facts.going_on and self.incident.state != Incident.State.RESOLVED

    @property
    def snoozed(self) -> bool:
        until = self.incident.snoozed_until
        return until is not None and until > datetime.now(UTC) and self.incident.state != Incident.State.RESOLVED


@dataclass(frozen=True, slots=True)
class Group:
    state: str
    title: str
    rows: list[Row]
    more: bool


@page
def incident_list(request: HttpRequest, project: str) -> HttpResponse:
    context = listed(request, project)
    if request.headers.get("HX-Request"):
        if request.GET.get("seen") == context["seen"]:
            return HttpResponse(status=204)
        return render(request, "dashboard/incidents/rows.html", context)
    if context["nothing"]:
        context |= taught(project)
    return render(request, "dashboard/incidents/list.html", context)


@response
def acknowledge(request: HttpRequest, project: str) -> HttpResponse:
    """Acknowledges one of the list, or takes that back; answers with the list as it then is."""
    done, missed = "", ""
    for name, act in (("acknowledge", responding.acknowledge), ("unacknowledge", responding.unacknowledge)):
        if number := request.POST.get(name, ""):
            try:
                one = act(project, known(number), request.user.get_username())
                done, missed = name, ""
            except InvalidInput:
                # Somebody else was quicker: the list that comes back shows what they did.
                audit.nothing_done()
                one = reading.one(project, known(number))
                missed = one.state
            break
    else:
        raise InvalidInput("Expected the number of an incident.", field="acknowledge")
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('incidents')}?{request.GET.urlencode()}")
    context = listed(request, project) | {"acted": one, "done": done, "missed": missed}
    answer = render(request, "dashboard/incidents/rows.html", context)
    answer["HX-Trigger"] = "responded"  # the badge of the navigation counts again
    return answer


@page
def open_count(request: HttpRequest, project: str) -> HttpResponse:
    """The badge of the navigation."""
    return render(request, "dashboard/incidents/badge.html", {"counts": reading.counts(project)})


def listed(request: HttpRequest, project: str) -> dict[str, Any]:
    """What the rows need: they alone are read again while the page is open."""
    chosen, wanted = range_of(request, project), wanted_of(request.GET)
    wanted = replace(wanted, since=None, until=None)
    groups = [group(project, state, title, wanted, chosen) for state, title in titles(chosen)]
    groups = [one for one in groups if not wanted.state or one.state == wanted.state]
    pairs = {name: value for name in FILTERS if (value := getattr(wanted, name))}
    rows = [row for one in groups for row in one.rows]
    return {
        "range": chosen,
        "range_keeps": list(pairs.items()),
        "wanted": wanted,
        "filtered": bool(pairs),
        "query": urlencode(pairs | chosen.pairs),
        "groups": [one for one in groups if one.rows],
        "counts": reading.counts(project),
        "resolved": next((len(one.rows) for one in groups if one.state == Incident.State.RESOLVED), 0),
        "nothing": not rows and not pairs,
        "agents": agents(rows, wanted.agent),
        "severities": SEVERITIES[::-1],
        "states": STATES,
        "seen": digest(rows),
        "may_respond": may_respond(request, project),
    }


def titles(chosen: TimeRange) -> tuple[tuple[str, str], ...]:
    resolved = f"Resolved, {chosen.words}" if chosen.words != "All time" else "Resolved"
    return ((Incident.State.OPEN, "Open"), (Incident.State.ACKNOWLEDGED, "Acknowledged"), (STATES[2], resolved))


def group(project: str, state: str, title: str, wanted: IncidentFilter, chosen: TimeRange) -> Group:
    """The incidents of a state: all that are under way, but only the resolved ones of the chosen time."""
    over = state == Incident.State.RESOLVED
    if wanted.state and wanted.state != state:
        return Group(state, title, [], more=False)
    asked = replace(wanted, state=state)
    if over:
        since, until = chosen.period.since, chosen.period.until
        asked = replace(asked, since=max(since - LONGEST, EARLIEST), until=until)
        found = reading.listed(project, asked, limit=reading.MOST)
        ended = [one for one in found.results if one.resolved_at and since <= one.resolved_at < until]
        return Group(state, title, [row_of(one) for one in ended[:SHOWN_RESOLVED]], more=len(ended) > SHOWN_RESOLVED)
    found = reading.listed(project, asked, limit=SHOWN)
    return Group(state, title, sorted(map(row_of, found.results), key=urgency), more=found.next is not None)


def urgency(row: Row) -> tuple[bool, int, bool]:
    """What is snoozed comes last, critical first, an effect after its cause; else the latest first."""
    return row.snoozed, -SEVERITIES.index(row.incident.severity), row.incident.cause_id is not None


def urgent(project: str, count: int) -> list[Row]:
    """The open incidents that need somebody first; snoozed ones do not."""
    found = reading.listed(project, IncidentFilter(state=Incident.State.OPEN), limit=SHOWN).results
    return sorted((row for row in map(row_of, found) if not row.snoozed), key=urgency)[:count]


def row_of(one: Incident) -> Row:
    labels = [str(one.labels.get(name, "")) for name in ("agent", "tool", "model", "detector")]
    return Row(one, from_json(one.facts), tuple(label for label in labels if label))


def agents(rows: Iterable[Row], chosen: str) -> list[str]:
    found = {str(row.incident.labels.get("agent", "")) for row in rows} | {chosen}
    return sorted(found - {""})


def digest(rows: Iterable[Row]) -> str:
    """Changes whenever a row says something else; relative times do not count."""
    said = [(row.incident.pk, row.incident.version, row.incident.last_seen_at, row.snoozed, row.facts) for row in rows]
    return hashlib.blake2s(repr(said).encode(errors="replace"), digest_size=8).hexdigest()


def range_of(request: HttpRequest, project: str) -> TimeRange:
    """The time on top. Incidents are there while the store is not: then all time began long ago."""
    try:
        return time_range(request, project)
    except Unavailable:
        return TimeRange("", "", Period(project, EARLIEST, datetime.now(UTC)), False, "All time")


def known(number: str) -> int:
    if not (number.isascii() and number.isdecimal() and len(number) < 12):
        raise NotFound("There is no such incident in this project.")
    return int(number)


def taught(project: str) -> dict[str, Any]:
    """What a page without incidents says: that somebody watches, and who would be told."""
    rules = AlertRule.objects.filter(project__slug=project, deleted_at=None)
    channels = Channel.objects.filter(project__slug=project, deleted_at=None)
    told = channels.filter(enabled=True).order_by("name")
    return {"rules": rules.filter(enabled=True).count(), "channels": list(told)}
