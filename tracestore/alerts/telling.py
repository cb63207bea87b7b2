"""Who is to be told what of an incident now, and when it is to be looked at again.

Nothing is remembered but rows: the transitions say what there is to tell, the notifications say which channel was
told of it. So it does not matter who asks, how often, or whether the last one was killed; a channel that is added
later is told of what is still going on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracestore.alerts import dependencies, noticing, routing, silences
from tracestore.alerts.message import Event
from tracestore.alerts.models import Alert, Channel, Incident, Notification, Silence, Transition
from tracestore.alerts.routing import Routed, Told
from tracestore.alerts.transitions import ACKNOWLEDGED, OPEN, RESOLVED, SYSTEM, make, refresh
from tracestore.moments import utc_text

Kind = Transition.Kind

#: What comes together is one message (Alertmanager's group_wait, which is 30 s there).
GROUP_WAIT: Final = timedelta(seconds=3)
#: How often one looks again whether there is anybody to tell, or whether a cause still holds.
LOOK_AGAIN: Final = timedelta(minutes=5)
#: Events after which a channel knows that the incident is going on.
OPENINGS: Final = ("opened", "reopened", "severity", "reminder", "escalated")
#: The end of these is told to who was told of the incident before; the end of a silence is not.
TOLD_WAKINGS: Final = ("snooze", "cause")


@dataclass(slots=True)
class History:
    """What the transitions say. `opening`: since when it is going on, as far as channels are concerned: an incident
    that came back before its end was told never was over for them.
    """

    opening: Transition
    #: The last thing to tell: the opening, a rise to critical, or the end of a snooze or of a cause.
    need: Transition
    #: From when escalation counts.
    since: datetime
    silenced: bool = False
    suppressed: bool = False
    over: Transition | None = None


@dataclass(slots=True)
class Known:
    """What a channel was told of an incident: up to which version, when last, and how many reminders of it."""

    version: int
    at: datetime
    reminders: int = 0


def history(row: Incident) -> History:
    # A row without any (none that `incidents` made) counts as opened by itself.
    first = Transition(incident=row, version=0, kind=Kind.OPENED, at=row.opened_at, actor=SYSTEM)
    found = History(first, first, first.at)
    for one in Transition.objects.filter(incident=row).exclude(version=None).order_by("version"):
        if found is None or (one.kind == Kind.REOPENED and not one.data.get("quiet")):
            found = History(one, one, one.at)
        elif one.kind == Kind.RESOLVED:
            found.over = one
        elif one.kind == Kind.REOPENED:
            found.over = None
        elif one.kind == Kind.SEVERITY and row.severity == "critical" and one.data.get("to") == "critical":
            found.need = one
        elif one.kind == Kind.WOKEN:
            found.silenced = found.suppressed = False
            found.since = one.at
            if one.data.get("of") in TOLD_WAKINGS:
                found.need = one
        elif one.kind == Kind.UNACKNOWLEDGED:
            found.since = one.at
        elif one.kind == Kind.SILENCED:
            found.silenced = True
        elif one.kind == Kind.CAUSE:
            found.suppressed = True
    return found


def known(row: Incident) -> dict[int, Known]:
    """What each channel was told (or is about to be), by its number. What could not be told for good is not."""
    events = (*OPENINGS, "unacknowledged")
    rows = Notification.objects.filter(incident=row, event__in=events).exclude(state=Notification.State.FAILED)
    found: dict[int, Known] = {}
    for channel, event, occasion, at in rows.order_by("pk").values_list(
        "channel_id", "event", "occasion", "created_at"
    ):
        version = noticing.version_of(occasion)
        before = found.get(channel)
        if event == "unacknowledged":
            # Nothing to know, but it was told something: the next reminder can wait as long as after any other.
            if before is not None:
                before.at = max(before.at, at)
        elif before is None or version > before.version:
            found[channel] = Known(version, at, int(event == "reminder"))
        else:
            before.at = max(before.at, at)
            before.reminders += event == "reminder"
    return found


def attend(row: Incident, now: datetime) -> None:
    """Does what time asks of an incident: wakes it, tells what is to be told, and sets when to look again.

    In a transaction, on a row just read (`transitions.attempt`, `locked`).

    Raises:
        Lost: somebody else changed it.
    """
    if row.state == RESOLVED:
        _settle(row, now)
        return
    if row.snoozed_until is not None and row.snoozed_until <= now:
        make(row, Kind.WOKEN, now, data={"of": "snooze"}, note="The snooze is over.", state=OPEN, snoozed_until=None,
             acknowledged_at=None, acknowledged_by="", escalated=0)  # fmt: skip
    dependencies.release(row, now)
    dependencies.find(row, now)
    covering, until = silenced(row, now)
    _note_silence(row, covering, until, now)
    if row.snoozed_until is not None or covering or row.cause_id is not None:
        times = [one for one in (row.snoozed_until, until, dependencies.look_again(row, now)) if one is not None]
        refresh(row, next_notice_at=min(times, default=now + LOOK_AGAIN))
        return
    past = history(row)
    if past.opening.actor == SYSTEM and now < past.opening.at + GROUP_WAIT:
        refresh(row, next_notice_at=past.opening.at + GROUP_WAIT)
        return
    routed = routing.route(row.project_id, row.severity, row.labels)
    told = known(row)
    for one in routed.told:
        _tell(row, one, past, told, now)
    escalated = _escalate(row, routed, past, now)
    if escalated:
        told = known(row)
    refresh(row, next_notice_at=_next(row, routed, past, told, now))


def tell_change(row: Incident, change: Transition, event: Event, now: datetime) -> None:
    """Tells what somebody did (acknowledged, unacknowledged) to the channels that know that it is going on."""
    if silenced(row, now)[0]:
        return
    channels = _knowing(row, history(row))
    noticing.store(row, event, channels, row.version, now, actor=change.actor, note=change.note)


def silenced(row: Incident, now: datetime) -> tuple[list[Silence], datetime | None]:
    """The silences under which the incident is, and until when; ([], None) if some alert of it is not covered."""
    own = {**row.labels, "project": row.project.slug, "severity": row.severity}
    firing = Alert.objects.filter(incident=row, state=Alert.State.FIRING).values_list("labels", flat=True)
    # Of each alert, not of what they share: `agent!="planner"` must not silence what the planner has part in.
    return silences.over(row.project.slug, [{**own, **labels} for labels in firing] or [own], now)


def _note_silence(row: Incident, covering: list[Silence], until: datetime | None, now: datetime) -> None:
    """Says once that it is silenced, and once that it is not any more."""
    past = history(row)
    if covering and not past.silenced:
        make(row, Kind.SILENCED, now, data={"silences": [one.pk for one in covering],
             "until": utc_text(until) if until else ""}, note=covering[0].comment)  # fmt: skip
    elif not covering and past.silenced:
        make(row, Kind.WOKEN, now, data={"of": "silence"}, note="The silence is over.", escalated=0)


def _tell(row: Incident, one: Told, past: History, told: dict[int, Known], now: datetime) -> None:
    knows = told.get(one.channel.pk)
    need = past.need.version or 0
    event: Event
    nth: int | None = None
    if knows is None or knows.version < (past.opening.version or 0):
        if row.state == ACKNOWLEDGED and past.need is past.opening:
            return  # somebody has it; a rise to critical is told all the same
        event = "opened" if knows is None else "reopened"
    elif knows.version < need:
        event = "severity" if past.need.kind == Kind.SEVERITY else "reminder"
        nth = 0 if event == "reminder" else None
        if row.state == ACKNOWLEDGED and event == "reminder":
            return
    elif row.state == OPEN and one.repeat_s and knows.at + timedelta(seconds=one.repeat_s) <= now:
        event, need, nth = "reminder", max(need, knows.version), knows.reminders + 1
    else:
        return
    said = past.need if event in ("opened", "reopened", "severity") else None
    actor = said.actor if said and said.actor != SYSTEM else ""
    noticing.store(row, event, [one.channel], need, now, nth=nth, actor=actor, note=said.note if actor and said else "")
    told[one.channel.pk] = Known(need, now, nth or 0)


def _escalate(row: Incident, routed: Routed, past: History, now: datetime) -> bool:
    done = False
    while row.state == OPEN and row.escalated < len(routed.escalation):
        step = routed.escalation[row.escalated]
        if past.since + timedelta(seconds=step.after_s) > now:
            break
        make(row, Kind.ESCALATED, now, data={"step": row.escalated + 1, "after_s": step.after_s,
             "channels": [one.name for one in step.channels]}, note="Nobody acknowledged it.",
             escalated=row.escalated + 1)  # fmt: skip
        noticing.store(row, "escalated", step.channels, row.version, now)
        done = True
    return done


def _next(row: Incident, routed: Routed, past: History, told: dict[int, Known], now: datetime) -> datetime | None:
    """When there is something to do again, None if only a change can be the reason."""
    if row.state != OPEN:
        return None
    times = [
        told[one.channel.pk].at + timedelta(seconds=one.repeat_s)
        for one in routed.told
        if one.repeat_s and one.channel.pk in told
    ]
    if row.escalated < len(routed.escalation):
        times.append(past.since + timedelta(seconds=routed.escalation[row.escalated].after_s))
    if not routed.told and not times:
        return now + LOOK_AGAIN
    return min(times, default=None)


def _settle(row: Incident, now: datetime) -> None:
    """Tells that it is over, if it stayed so for long enough, to who was told that it was going on."""
    if row.settles_at is None or row.settles_at > now:
        refresh(row, next_notice_at=row.settles_at)
        return
    covering, until = silenced(row, now)
    if covering:
        refresh(row, next_notice_at=until)
        return
    past = history(row)
    if past.over is not None:
        channels = [one for one in _knowing(row, past) if one.send_resolved]
        actor = "" if past.over.actor == SYSTEM else past.over.actor
        version = past.over.version or 0
        noticing.store(row, "resolved", channels, version, now, actor=actor, note=past.over.note if actor else "")
    refresh(row, settles_at=None, next_notice_at=None)


def _knowing(row: Incident, past: History) -> list[Channel]:
    """The channels that were told that it is going on, routed to them still or not."""
    numbers = [channel for channel, knows in known(row).items() if knows.version >= (past.opening.version or 0)]
    return list(Channel.objects.filter(pk__in=numbers, enabled=True, deleted_at=None).order_by("pk"))
