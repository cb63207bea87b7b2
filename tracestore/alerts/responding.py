"""What people do to incidents: acknowledge, snooze, resolve, reopen, note. Each is recorded with who and when.

`actor` is a user's name or the shown beginning of a key. What is told to channels is stored with the change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from tracestore.alerts import dependencies, incidents, reading, telling
from tracestore.alerts.models import Incident, Transition
from tracestore.alerts.transitions import ACKNOWLEDGED, GOING_ON, OPEN, RESOLVED, attempt, locked, make
from tracestore.errors import InvalidInput, NotFound

Kind = Transition.Kind

MOST_NOTE: Final = 4_000
LONGEST_SNOOZE: Final = timedelta(days=30)


def acknowledge(project_slug: str, number: int, actor: str, note: str = "", now: datetime | None = None) -> Incident:
    """Somebody has it: no reminders and no escalation any more. Of an acknowledged one nothing changes.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is resolved, or the note is too long.
    """

    def act(row: Incident, now: datetime) -> None:
        _must(row.state in GOING_ON, "It is resolved: expected an incident that is not over.")
        if row.state == ACKNOWLEDGED:
            return
        change = make(row, Kind.ACKNOWLEDGED, now, actor=actor, note=note, state=ACKNOWLEDGED, acknowledged_at=now,
                      acknowledged_by=actor)  # fmt: skip
        telling.tell_change(row, change, "acknowledged", now)

    return _act(project_slug, number, act, note, now)


def unacknowledge(project_slug: str, number: int, actor: str, note: str = "", now: datetime | None = None) -> Incident:
    """Nobody has it any more: reminders and escalation begin anew.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is not acknowledged, or the note is too long.
    """

    def act(row: Incident, now: datetime) -> None:
        _must(row.state == ACKNOWLEDGED, "It is not acknowledged.")
        change = make(row, Kind.UNACKNOWLEDGED, now, actor=actor, note=note, state=OPEN, acknowledged_at=None,
                      acknowledged_by="", escalated=0)  # fmt: skip
        telling.tell_change(row, change, "unacknowledged", now)
        telling.attend(row, now)

    return _act(project_slug, number, act, note, now)


def resolve(project_slug: str, number: int, actor: str, note: str = "", now: datetime | None = None) -> Incident:
    """It is over, says somebody. If its alerts go on firing, evidence that is five minutes newer reopens it.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is resolved, or the note is too long.
    """

    def act(row: Incident, now: datetime) -> None:
        _must(row.state in GOING_ON, "It is resolved already.")
        incidents.resolve(row, now, actor=actor, note=note)
        telling.attend(row, now)

    return _act(project_slug, number, act, note, now)


def reopen(project_slug: str, number: int, actor: str, note: str = "", now: datetime | None = None) -> Incident:
    """It is not over, says somebody. It stays open until it is resolved by hand, or until alerts of it end.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is not resolved, another one about the same is open, or the note is too long.
    """

    def act(row: Incident, now: datetime) -> None:
        _must(row.state == RESOLVED, "It is not resolved.")
        other = locked(project_id=row.project_id, open_key=row.key)
        _must(other is None, f"Incident {other.pk if other else 0} about the same is open: expected to go on there.")
        make(row, Kind.REOPENED, now, actor=actor, note=note, data={"quiet": row.settles_at is not None}, state=OPEN,
             open_key=row.key, resolved_at=None, resolved_by="", settles_at=None, acknowledged_at=None,
             acknowledged_by="", escalated=0, reopened=row.reopened + 1, cause=None)  # fmt: skip
        telling.attend(row, now)

    return _act(project_slug, number, act, note, now)


def snooze(
    project_slug: str, number: int, until: datetime, actor: str, note: str = "", now: datetime | None = None
) -> Incident:
    """Nothing more of it until then, unless it becomes critical. Then it is open again, and told.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is resolved, the time is past or more than 30 days away, or the note is too long.
    """
    if not isinstance(until, datetime) or until.tzinfo is None:
        raise InvalidInput("until: expected a time with an offset.", field="until")

    def act(row: Incident, now: datetime) -> None:
        _must(row.state in GOING_ON, "It is resolved: expected an incident that is not over.")
        if not now < until <= now + LONGEST_SNOOZE:
            raise InvalidInput(f"until: expected a time to come, at most {LONGEST_SNOOZE.days} days.", field="until")
        make(row, Kind.SNOOZED, now, actor=actor, note=note, data={"until": until.isoformat()}, snoozed_until=until)
        telling.attend(row, now)

    return _act(project_slug, number, act, note, now)


def wake(project_slug: str, number: int, actor: str, note: str = "", now: datetime | None = None) -> Incident:
    """Ends a snooze. Who was told before is not told again for it.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: it is not snoozed, or the note is too long.
    """

    def act(row: Incident, now: datetime) -> None:
        _must(row.snoozed_until is not None, "It is not snoozed.")
        make(row, Kind.WOKEN, now, actor=actor, note=note, data={"of": "hand"}, snoozed_until=None, escalated=0)
        telling.attend(row, now)

    return _act(project_slug, number, act, note, now)


def note(project_slug: str, number: int, text: str, actor: str, now: datetime | None = None) -> Transition:
    """Writes something down, in any state. It changes nothing and is told to nobody.

    Raises:
        NotFound: there is no such incident.
        InvalidInput: the text is empty or too long.
    """
    row = reading.one(project_slug, number)
    said = _note(text)
    if not said:
        raise InvalidInput(f"text: expected 1 to {MOST_NOTE} characters.", field="text")
    return _beside(row, Kind.NOTED, actor, said, {}, now)


def halted(
    incident: Incident, actor: str, note: str = "", data: Mapping[str, Any] | None = None, now: datetime | None = None
) -> Transition:
    """Writes down that an agent, session or run was halted because of it (`tracestore.alerts.halts`)."""
    return _beside(incident, Kind.HALTED, actor, note[:MOST_NOTE], dict(data or {}), now)


def _beside(
    row: Incident, kind: Transition.Kind, actor: str, said: str, data: dict[str, Any], now: datetime | None
) -> Transition:
    return Transition.objects.create(
        incident=row, kind=kind, from_state=row.state, to_state=row.state, at=now or timezone.now(), actor=actor,
        note=said, data=data,
    )  # fmt: skip


def _act(
    project_slug: str, number: int, act: Callable[[Incident, datetime], None], note: str, now: datetime | None
) -> Incident:
    """Does `act` on the row as it is, again if somebody else was first."""
    at = now or timezone.now()
    _note(note)

    def work() -> Incident:
        row = locked(project__slug=project_slug, pk=number)
        if row is None:
            raise NotFound("There is no such incident.")
        act(row, at)
        return row

    row = attempt(work)
    # What it was the cause of, or the effect of, may be otherwise now.
    dependencies.relate([row.project_id], at)
    return reading.one(project_slug, number)


def _note(text: object) -> str:
    if not isinstance(text, str) or len(text) > MOST_NOTE:
        raise InvalidInput(f"note: expected a text of at most {MOST_NOTE} characters.", field="note")
    return text.strip()


def _must(allowed: bool, otherwise: str) -> None:
    if not allowed:
        raise InvalidInput(otherwise, field="state")
