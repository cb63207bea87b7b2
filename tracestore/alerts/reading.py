"""Reads incidents: the list, one, its history, and what was like it."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from tracestore.alerts.models import Alert, Incident, Severity, Transition
from tracestore.alerts.transitions import GOING_ON, SYSTEM
from tracestore.clickhouse.rows import Page
from tracestore.errors import InvalidInput, NotFound
from tracestore.moments import EARLIEST

MOST: Final = 500
MOST_TEXT: Final = 200
MOST_ALERTS: Final = 500
#: Beside the states: what is not over.
STATES: Final = (*Incident.State.values, "active")


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents; '' and None mean any. `state` may also be "active": open or acknowledged.

    `since` <= opened < `until`. `q` is looked for in title and labels; a number (or #number) finds that incident.
    """

    state: str = ""
    severity: str = ""
    agent: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""


def listed(
    project_slug: str, wanted: IncidentFilter | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Incident]:
    """The latest opened first. A cursor stays valid while new ones come.

    Raises:
        InvalidInput: a part of the filter or the cursor has a bad value.
    """
    if not 0 < limit <= MOST:
        raise InvalidInput(f"limit: expected 1 to {MOST}.", field="limit")
    rows = _matching(project_slug, wanted or IncidentFilter())
    if cursor:
        at, number = _read_cursor(cursor)
        rows = rows.filter(Q(opened_at__lt=at) | Q(opened_at=at, pk__lt=number))
    found = list(rows.order_by("-opened_at", "-pk").select_related("project", "rule", "cause")[: limit + 1])
    return Page(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None)


def one(project_slug: str, number: int) -> Incident:
    """Raises: NotFound."""
    rows = Incident.objects.select_related("project", "rule", "cause").filter(project__slug=project_slug)
    # Beyond the range of the column, SQLite refuses the query.
    found = rows.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound("There is no such incident.")
    return found


def counts(project_slug: str) -> dict[str, int]:
    """`open`, `acknowledged`, and `critical` of these two."""
    found: dict[str, int] = Incident.objects.filter(project__slug=project_slug, state__in=GOING_ON).aggregate(
        open=Count("pk", Q(state=Incident.State.OPEN)),
        acknowledged=Count("pk", Q(state=Incident.State.ACKNOWLEDGED)),
        critical=Count("pk", Q(severity=Severity.CRITICAL)),
    )
    return found


def history(incident: Incident) -> list[Transition]:
    """All that happened, oldest first."""
    return list(Transition.objects.filter(incident=incident).order_by("at", "pk"))


def alerts(incident: Incident) -> list[Alert]:
    """Those that fire first, then the latest."""
    rows = Alert.objects.filter(incident=incident).select_related("rule")
    return list(rows.order_by("state", "-last_seen_at", "pk")[:MOST_ALERTS])


def effects(incident: Incident) -> list[Incident]:
    """The incidents that it is the cause of, the latest first."""
    return list(Incident.objects.filter(cause=incident).order_by("-opened_at", "-pk")[:MOST])


def similar(incident: Incident, limit: int = 5) -> list[Incident]:
    """Others about the same, the latest first; then those that share detector and agent, or tool, or detector.

    What was done then: `done`.
    """
    labels = incident.labels
    agent, tool, detector = (str(labels.get(name, "")) for name in ("agent", "tool", "detector"))
    likeness = [When(key=incident.key, then=Value(4))]
    if agent and detector:
        likeness.append(When(labels__agent=agent, labels__detector=detector, then=Value(3)))
    if tool:
        likeness.append(When(labels__tool=tool, then=Value(2)))
    if detector:
        likeness.append(When(labels__detector=detector, then=Value(1)))
    rows = Incident.objects.filter(project_id=incident.project_id).exclude(pk=incident.pk)
    rows = rows.annotate(likeness=Case(*likeness, default=Value(0), output_field=IntegerField())).filter(likeness__gt=0)
    return list(rows.select_related("project", "rule").order_by("-likeness", "-opened_at", "-pk")[:limit])


def of_problem(project_slug: str, *fingerprints: str) -> Incident | None:
    """The latest incident that a problem (the fingerprint of its findings), or one of several, is or was part of."""
    alerts = Alert.objects.filter(project__slug=project_slug, labels__problem__in=fingerprints).exclude(incident=None)
    alert = alerts.select_related("incident").order_by("-incident_id").first()
    return alert.incident if alert is not None else None


def done(incidents: Sequence[Incident], limit: int = 3) -> dict[int, list[Transition]]:
    """What people did about incidents, by their numbers: notes, how they were resolved, halts; the last ones, oldest
    first.
    """
    kinds = (Transition.Kind.NOTED, Transition.Kind.RESOLVED, Transition.Kind.HALTED)
    rows = Transition.objects.filter(Q(kind__in=kinds) | (~Q(note="") & ~Q(actor=SYSTEM)), incident__in=incidents)
    by_incident: dict[int, list[Transition]] = defaultdict(list)
    for row in rows.order_by("at", "pk"):
        by_incident[row.incident_id].append(row)
    return {number: found[-limit:] for number, found in by_incident.items()}


def _matching(project_slug: str, wanted: IncidentFilter) -> QuerySet[Incident]:
    rows = Incident.objects.filter(project__slug=project_slug)
    if wanted.state:
        if wanted.state not in STATES:
            raise InvalidInput(f"state: expected one of {', '.join(STATES)}.", field="state")
        rows = rows.filter(state__in=GOING_ON) if wanted.state == "active" else rows.filter(state=wanted.state)
    if wanted.severity:
        if wanted.severity not in Severity.values:
            raise InvalidInput(f"severity: expected one of {', '.join(Severity.values)}.", field="severity")
        rows = rows.filter(severity=wanted.severity)
    if wanted.agent:
        # Those of a tool have the agents in their alerts only.
        of_agent = Alert.objects.filter(incident=OuterRef("pk"), labels__agent=wanted.agent)
        rows = rows.filter(Q(labels__agent=wanted.agent) | Exists(of_agent))
    if wanted.since is not None:
        rows = rows.filter(opened_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(opened_at__lt=wanted.until)
    text = wanted.q.strip()
    if len(text) > MOST_TEXT:
        raise InvalidInput(f"q: expected at most {MOST_TEXT} characters.", field="q")
    if text:
        # As JSON is stored: SQLite's with escapes, PostgreSQL's without.
        escaped = json.dumps(text)[1:-1]
        rows = rows.annotate(said=Cast("labels", TextField()))
        looked = Q(title__icontains=text) | Q(said__icontains=text) | Q(said__icontains=escaped)
        number = text.removeprefix("#")
        if number.isascii() and number.isdigit() and int(number) < 2**63:
            looked |= Q(pk=int(number))
        rows = rows.filter(looked)
    return rows


def _cursor(row: Incident) -> str:
    microseconds = (row.opened_at - EARLIEST) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"incident.{microseconds}.{row.pk}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        kind, microseconds, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        if kind == "incident" and int(number) < 2**63:
            return EARLIEST + timedelta(microseconds=int(microseconds)), int(number)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("Expected a cursor from the `next` of an earlier answer.", field="cursor")
