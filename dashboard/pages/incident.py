"""`/incidents/{number}/`: what, since when, still going, how much, the evidence; and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from dashboard.pages import incident_timeline
from dashboard.pages.access import may_administer, page
from dashboard.pages.changes import may_respond, response
from dashboard.pages.incidents import Row, row_of
from tracestore import audit
from tracestore.alerts import reading, responding, silences
from tracestore.alerts.facts import Evidence, Facts, Run
from tracestore.alerts.matchers import Matcher
from tracestore.alerts.models import Incident
from tracestore.errors import InvalidInput
from tracestore.moments import parse_time

HEX: Final = re.compile(r"[0-9a-f]{8,32}")
#: Labels that say what an incident is about; the others would make a silence too narrow.
ABOUT: Final = ("detector", "agent", "tool", "model", "rule")
LABELS_OF_A_SILENCE: Final = 2
SNOOZES: Final = {"15m": ("15 min", 900), "1h": ("1 h", 3600), "4h": ("4 h", 14_400)}
MORNING: Final = 9
#: Incidents of the same cause that are named one by one.
EFFECTS: Final = 20
#: What a form may ask for, and the word of having done it.
ACTS: Final[dict[str, tuple[Callable[..., Incident], str]]] = {
    "acknowledge": (responding.acknowledge, "Acknowledged."),
    "unacknowledge": (responding.unacknowledge, "Open again: nobody has acknowledged it."),
    "resolve": (responding.resolve, "Resolved."),
    "reopen": (responding.reopen, "Reopened."),
    "wake": (responding.wake, "Awake: it is told again."),
}
OTHERS_DONE: Final = {"snooze": "Snoozed.", "note": "Noted.", "halt": "Halted."}
#: What takes an act back.
UNDO: Final = {"acknowledge": "unacknowledge", "resolve": "reopen", "snooze": "wake"}


@dataclass(frozen=True, slots=True)
class Look:
    """A piece of evidence with where it is: at its span if there is one."""

    evidence: Evidence
    href: str
    finding_href: str


@page
def incident(request: HttpRequest, project: str, number: int) -> HttpResponse:
    one = reading.one(project, number)
    by_htmx = bool(request.headers.get("HX-Request"))
    seen = incident_timeline.digest(one)
    if by_htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    context = shown(request, project, one, seen)
    context |= told(request.GET.get("done", ""))
    return render(request, f"dashboard/incidents/{'live' if by_htmx else 'incident'}.html", context)


@response
def act(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """Does what a button says and shows the incident as it then is, whoever else did something meanwhile."""
    wanted = request.POST.get("do", "")
    before = reading.one(project, number)
    missed = ""
    try:
        done = perform(request, project, number, wanted)
        if done == "acknowledge" and before.state == Incident.State.ACKNOWLEDGED:
            done, missed = "", "Somebody was quicker."
    except InvalidInput as error:
        if error.field != "state":
            raise
        done, missed = "", f"Nothing was changed. {error.message}"
    if not done:
        audit.nothing_done()
    by_htmx = bool(request.headers.get("HX-Request"))
    if done and not by_htmx:
        return redirect(f"{reverse('incident', args=[number])}?{urlencode({'done': done})}")
    one = reading.one(project, number)
    context = shown(request, project, one, incident_timeline.digest(one)) | told(done) | {"missed": missed}
    answer = render(request, f"dashboard/incidents/{'live' if by_htmx else 'incident'}.html", context)
    answer["HX-Trigger"] = "responded"  # the badge of the navigation counts again
    return answer


def perform(request: HttpRequest, project: str, number: int, wanted: str) -> str:
    """Does it and says what it did.

    Raises:
        InvalidInput: there is no such act, or the incident's state does not allow it.
    """
    who = request.user.get_username()
    if wanted in ACTS:
        ACTS[wanted][0](project, number, who)
        return wanted
    if wanted == "note":
        responding.note(project, number, request.POST.get("note", ""), who)
        return "note"
    length = wanted.removeprefix("snooze-")
    if wanted.startswith("snooze-") and (length in SNOOZES or length == "morning"):
        responding.snooze(project, number, snoozed_until(length, request.POST.get("zone", "")), who)
        return "snooze"
    raise InvalidInput(f"Expected one of {', '.join(ACTS)}, snooze, note.", field="do")


def snoozed_until(length: str, zone: str, now: datetime | None = None) -> datetime:
    """The end of a snooze; tomorrow at nine is the reader's, whose zone the form says (else UTC)."""
    now = now or datetime.now(UTC)
    if length != "morning":
        return now + timedelta(seconds=SNOOZES[length][1])
    try:
        there = ZoneInfo(zone)
    except (ValueError, OSError):
        # Unknown, or no name of a zone at all (ZoneInfoNotFoundError is a KeyError).
        there = ZoneInfo("UTC")
    except KeyError:
        there = ZoneInfo("UTC")
    tomorrow = now.astimezone(there) + timedelta(days=1)
    return tomorrow.replace(hour=MORNING, minute=0, second=0, microsecond=0).astimezone(UTC)


def shown(request: HttpRequest, project: str, one: Incident, seen: str) -> dict[str, Any]:
    row = row_of(one)
    now = datetime.now(UTC)
    similar = reading.similar(one)
    done = reading.done(similar)
    looks = [look(found) for found in row.facts.evidence]
    responds = may_respond(request, project)
    return {
        "row": row,
        "incident": one,
        "facts": row.facts,
        "seen": seen,
        "agent": str(one.labels.get("agent", "")),
        "tool": str(one.labels.get("tool", "")),
        "detector": str(one.labels.get("detector", "")),
        "labels": [(name, value) for name, value in sorted(one.labels.items()) if name not in ("agent", "tool")],
        "first_look": next((found for found in looks if found.href), None),
        "looks": looks,
        "runs": [(run, trace_href(run.trace_id), began(run)) for run in row.facts.runs],
        "running": sum(run.running for run in row.facts.runs),
        "alerts": reading.alerts(one),
        "similar": [(row_of(other), done.get(other.pk, [])) for other in similar],
        "effects": reading.effects(one)[:EFFECTS],
        "timeline": incident_timeline.entries(one),
        "silenced": silences.covering(project, one.labels, now) if one.state != Incident.State.RESOLVED else [],
        "halts": list(one.halts.exclude(active_key=None).order_by("-pk")[:5]),
        "runbook": one.runbook_url if one.runbook_url.startswith(("https://", "http://")) else "",
        "snoozes": [(name, words) for name, (words, _) in SNOOZES.items()],
        "silence_href": silence_href(one),
        "haltable": haltable(row),
        "may_respond": responds,
        "may_change": may_administer(request, project),
    }


def told(done: str) -> dict[str, Any]:
    """What the page says of an act; only fixed words, since the address says which."""
    words = {name: word for name, (_, word) in ACTS.items()} | OTHERS_DONE
    return {"done": words.get(done, ""), "undo": UNDO.get(done, "")}


def look(found: Evidence) -> Look:
    finding = reverse("finding", args=[found.finding_id]) if HEX.fullmatch(found.finding_id) else ""
    return Look(found, trace_href(found.trace_id, found.span_id) or finding, finding)


def began(run: Run) -> datetime | None:
    try:
        return parse_time(run.at, "at") if run.at else None
    except InvalidInput:
        return None


def trace_href(trace_id: str, span_id: str = "") -> str:
    if not HEX.fullmatch(trace_id):
        return ""
    return reverse("trace", args=[trace_id]) + (f"?{urlencode({'span': span_id})}" if span_id else "")


def silence_href(one: Incident) -> str:
    """The form of a silence, filled with what the incident is about."""
    named = [name for name in ABOUT if one.labels.get(name)][:LABELS_OF_A_SILENCE]
    lines = "\n".join(str(Matcher(name, str(one.labels[name]))) for name in named or sorted(one.labels)[:1])
    return f"{reverse('silences')}?{urlencode({'matchers': lines, 'comment': f'Incident {one.pk}'})}#new"


def haltable(row: Row) -> bool:
    """Whether there is anything that could be told to stop."""
    facts: Facts = row.facts
    runs: tuple[Run, ...] = facts.runs
    return bool(row.incident.labels.get("agent") or row.incident.labels.get("tool") or runs)
