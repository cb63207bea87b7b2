"""Halts: ordered by hand, and the record of every `halt` that was told. docs/brake.md says what each kind means.

A row is one stretch of halting. Of a subject at most one is active (`active_key` is unique). One by hand is active
until it is lifted or its time is over; one that follows findings, budgets or breakers while it is told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import brake_changes
from tracestore.alerts.models import Halt, Incident, Transition
from tracestore.detectors.standing import KINDS, Subject
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project

#: Who is named for what nobody ordered.
ITSELF: Final = "tracestore"
#: A stretch that was not told for so long is over: whoever was halted does not ask any more.
UNTOLD: Final = timedelta(minutes=10)
MOST_SUBJECT: Final = 300
_TRACE: Final = re.compile(r"[0-9a-f]{32}")
MOST_REASON: Final = 1_000
MOST_LIFT_REASON: Final = 300
#: Open incidents that are looked through for the one behind a halt.
MOST_INCIDENTS: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """How often a halt was told since it was last written down, and why. `halt`: the one by hand that it comes from."""

    count: int
    source: str
    reason: str
    at: datetime
    incident: int | None = None
    halt: int | None = None


def key(by: str, subject: str) -> str:
    """What is unique of an active halt, within its project."""
    return hashlib.sha256(f"{by}\0{subject}".encode()).hexdigest()


def of(project_slug: str) -> QuerySet[Halt]:
    return Halt.objects.filter(project__slug=project_slug).select_related("incident").order_by("-since", "-pk")


def active(project_slug: str, now: datetime | None = None) -> QuerySet[Halt]:
    """Those that hold now, the newest first."""
    now = now or timezone.now()
    by_hand = Q(source=Halt.Source.HAND) & (Q(until=None) | Q(until__gt=now))
    told = ~Q(source=Halt.Source.HAND) & Q(last_told_at__gt=now - UNTOLD)
    return of(project_slug).exclude(active_key=None).filter(by_hand | told)


def one(project_slug: str, number: int) -> Halt:
    """Raises: NotFound."""
    found = of(project_slug).filter(pk=number).first()
    if found is None:
        raise NotFound("There is no such halt in this project.")
    return found


def halt(
    project_slug: str,
    by: str,
    subject: str,
    reason: str,
    actor: str,
    until: datetime | None = None,
    incident: Incident | None = None,
    now: datetime | None = None,
) -> Halt:
    """Halts a trace, session or agent until a moment, or until somebody lifts it. Again: reason and time change.

    Made from an incident it is noted there (`Transition` HALTED, in the same transaction).

    Raises:
        InvalidInput: a field cannot be that; names it.
        NotFound: there is no such project.
    """
    now = now or timezone.now()
    subject, reason = subject.strip(), reason.strip()
    if by not in KINDS:
        raise InvalidInput(f"by={by[:100]!r} is not known: expected {', '.join(KINDS)}.", field="by")
    if by == "trace_id":
        subject = subject.lower()
        if not _TRACE.fullmatch(subject):
            raise InvalidInput("subject: expected a trace id, 32 hexadecimal digits.", field="subject")
    if not 0 < len(subject) <= MOST_SUBJECT:
        raise InvalidInput(f"subject: expected 1 to {MOST_SUBJECT} characters.", field="subject")
    if len(reason) > MOST_REASON:
        raise InvalidInput(f"reason: expected at most {MOST_REASON:,} characters.", field="reason")
    if until is not None and until <= now:
        raise InvalidInput("until: expected a time to come.", field="until")
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    with transaction.atomic():
        held = Halt.objects.select_for_update().filter(project=project, active_key=key(by, subject))
        found = held.filter(source=Halt.Source.HAND).exclude(until__lte=now).first()
        if found is not None:
            found.reason, found.until, found.actor = reason, until, actor
            found.incident = incident or found.incident
            found.save(update_fields=["reason", "until", "actor", "incident"])
        else:
            for before in held:
                _end(before, min(before.until or now, now))
            found = Halt.objects.create(
                project=project, by=by, subject=subject, active_key=key(by, subject), source=Halt.Source.HAND,
                reason=reason, actor=actor, since=now, until=until, incident=incident,
            )  # fmt: skip
        if incident is not None:
            Transition.objects.create(
                incident=incident, kind=Transition.Kind.HALTED, from_state=incident.state, to_state=incident.state,
                at=now, actor=actor, note=reason, data={"halt": found.pk, "by": by, "subject": subject},
            )  # fmt: skip
    audit.concerns(f"{by} {subject}")
    brake_changes.tell()
    return found


def lift(project_slug: str, number: int, actor: str, reason: str = "", now: datetime | None = None) -> Halt:
    """Lifts a halt, whatever it came from. Lifting it again changes nothing.

    Findings first seen before halt this subject no more; budgets and breakers not for an hour.

    Raises:
        NotFound: there is no such halt.
        InvalidInput: the reason is too long.
    """
    now = now or timezone.now()
    if len(reason) > MOST_LIFT_REASON:
        raise InvalidInput(f"reason: expected at most {MOST_LIFT_REASON} characters.", field="reason")
    found = one(project_slug, number)
    lifted = {"active_key": None, "lifted_at": now, "lifted_by": actor, "lift_reason": reason.strip()}
    if Halt.objects.filter(pk=found.pk, lifted_at=None).update(**lifted):
        brake_changes.tell()
    return one(project_slug, number)


def record(told: Mapping[Subject, Told]) -> dict[Subject, int]:
    """Writes down halts that were told; subject → the row's id. Several processes may do so for one subject.

    One by hand is counted where it was ordered, whoever it was told: a row of their own would halt them by itself.
    """
    found: dict[Subject, int] = {}
    if not told:
        return found
    projects = {one.slug: one for one in Project.objects.filter(slug__in={subject.project for subject in told})}
    for subject, what in told.items():
        project = projects.get(subject.project)
        if project is None:
            continue
        if what.halt is not None:
            by_hand = Halt.objects.filter(pk=what.halt, project=project)
            by_hand.update(told=F("told") + what.count, last_told_at=what.at)
            found[subject] = what.halt
            continue
        try:
            with transaction.atomic():
                row, is_new = Halt.objects.get_or_create(
                    project=project,
                    active_key=key(subject.by, subject.value),
                    defaults={
                        "by": subject.by, "subject": subject.value[:MOST_SUBJECT], "source": what.source,
                        "reason": what.reason[:MOST_REASON], "actor": ITSELF, "since": what.at,
                        "incident_id": what.incident or _incident_of(project, subject),
                    },
                )  # fmt: skip
                changes = {"told": F("told") + what.count, "last_told_at": what.at}
                if not is_new and row.source not in (what.source, Halt.Source.HAND):
                    changes |= {"source": what.source, "reason": what.reason[:MOST_REASON]}
                Halt.objects.filter(pk=row.pk).update(**changes)
        except IntegrityError:
            continue  # another process began the same stretch: the next second counts on it
        found[subject] = row.pk
    return found


def over(subjects: Iterable[Subject], now: datetime) -> None:
    """Ends the stretches of subjects that are not halted any more. Those by hand stay."""
    for subject in subjects:
        Halt.objects.filter(
            project__slug=subject.project, active_key=key(subject.by, subject.value)
        ).exclude(source=Halt.Source.HAND).update(active_key=None, until=now)  # fmt: skip


def end_stale(now: datetime) -> int:
    """Ends what time has ended: stretches that are not told any more, and halts by hand whose time is over."""
    untold = ~Q(source=Halt.Source.HAND) & Q(last_told_at__lte=now - UNTOLD)
    timed = Q(source=Halt.Source.HAND, until__lte=now)
    stale = list(Halt.objects.exclude(active_key=None).filter(untold | timed)[:1000])
    for row in stale:
        _end(row, row.until if row.source == Halt.Source.HAND else row.last_told_at)
    return len(stale)


def _end(row: Halt, at: datetime | None) -> None:
    Halt.objects.filter(pk=row.pk).exclude(active_key=None).update(active_key=None, until=at)


def _incident_of(project: Project, subject: Subject) -> int | None:
    """The open incident that is about this subject: by its agent, or by a run that it names."""
    rows = Incident.objects.filter(project=project).exclude(state=Incident.State.RESOLVED).order_by("-opened_at")
    for number, labels, facts in rows.values_list("pk", "labels", "facts")[:MOST_INCIDENTS]:
        if subject.by == "agent" and labels.get("agent") == subject.value:
            return number
        named = [*facts.get("runs", ()), *facts.get("evidence", ())]
        if subject.by == "trace_id" and any(one.get("trace_id") == subject.value for one in named):
            return number
    return None
