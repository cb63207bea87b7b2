"""Dependencies: while a tool or model is itself out of order, what it does to agents is kept but not told apart.

Alertmanager calls it inhibition. The incident of the tool is the `cause` of those of agents that name the tool.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from tracestore.alerts import grouping
from tracestore.alerts.models import Incident, Transition
from tracestore.alerts.transitions import GOING_ON, attempt, locked, make

#: An agent may be hit by what is wrong before it is enough for an incident of the tool.
BEFORE: Final = timedelta(minutes=15)
#: How much longer than the tool an agent may take to be well again before that is told.
AFTER: Final = timedelta(minutes=5)


def relate(project_ids: Iterable[int], now: datetime) -> int:
    """Gives incidents of agents their cause. Returns how many."""
    done = 0
    for project_id in sorted(set(project_ids)):
        going_on = list(Incident.objects.filter(project_id=project_id, state__in=GOING_ON).select_related("rule"))
        causes = {subject: row for row in going_on if (subject := subject_of(row)) is not None}
        if not causes:
            continue
        for row in going_on:
            if row.cause_id is None and (found := _cause(row, causes)) is not None:
                done += attempt(lambda row=row, found=found: _give(row, found, now))  # type: ignore[misc]
    return done


def find(row: Incident, now: datetime) -> None:
    """Gives one incident its cause, if there is one: whatever became of `relate`, before it is told. In a
    transaction.
    """
    if row.cause_id is not None or not grouping.causes_of(row.labels):
        return
    going_on = Incident.objects.filter(project_id=row.project_id, state__in=GOING_ON).select_related("rule")
    causes = {subject: other for other in going_on if (subject := subject_of(other)) is not None}
    if (found := _cause(row, causes)) is not None:
        _write(row, found, now)


def subject_of(row: Incident) -> tuple[str, str] | None:
    """("tool", name) or ("model", name) if the incident says that this itself is out of order."""
    tool = row.labels.get("tool", "")
    if tool and row.key == grouping.tool_key(tool):
        return ("tool", tool)
    if row.rule is None or row.rule.kind != "metric":
        return None
    metric = grouping.metric_of(row.rule.condition)
    if found := grouping.blamed_tool(row.labels, "metric", metric):
        return ("tool", found)
    if found := grouping.blamed_model(row.labels, metric):
        return ("model", found)
    return None


def release(row: Incident, now: datetime) -> None:
    """Takes the cause away if it is over for long enough; who was to be told is told then. In a transaction."""
    cause = row.cause
    if cause is None:
        return
    over_at = cause.resolved_at
    if cause.state != Incident.State.RESOLVED or (over_at is not None and now < over_at + AFTER):
        return
    data = {"of": "cause", "incident": cause.pk}
    note = f"Incident {cause.pk} is over and this goes on."
    make(row, Transition.Kind.WOKEN, now, data=data, note=note, cause=None, escalated=0)


def look_again(row: Incident, now: datetime) -> datetime | None:
    """When to look whether the cause is over for long enough; None without one."""
    if row.cause is None:
        return None
    over_at = row.cause.resolved_at if row.cause.state == Incident.State.RESOLVED else None
    return (over_at or now) + AFTER


def cause_is_over(row: Incident, now: datetime) -> None:
    """Has the effects of a resolved incident looked at when they should be over too. In its transaction."""
    Incident.objects.filter(cause=row, state__in=GOING_ON).update(next_notice_at=now + AFTER)


def _cause(row: Incident, causes: dict[tuple[str, str], Incident]) -> Incident | None:
    if subject_of(row) is not None:
        return None
    for subject in grouping.causes_of(row.labels):
        found = causes.get(subject)
        if found is not None and found.pk != row.pk and row.last_seen_at >= found.opened_at - BEFORE:
            return found
    return None


def _give(row: Incident, cause: Incident, now: datetime) -> int:
    fresh = locked(pk=row.pk)
    there = Incident.objects.filter(pk=cause.pk, state__in=GOING_ON).exists()
    if fresh is None or fresh.cause_id is not None or fresh.state not in GOING_ON or not there:
        return 0
    _write(fresh, cause, now)
    return 1


def _write(row: Incident, cause: Incident, now: datetime) -> None:
    data = {"incident": cause.pk}
    note = f"Part of incident {cause.pk}: {cause.title}"[:300]
    make(row, Transition.Kind.CAUSE, now, data=data, note=note, cause=cause, next_notice_at=now + AFTER)
