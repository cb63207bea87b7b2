"""Alerts become incidents, and incidents follow their alerts.

`absorb` takes what rules say since the last time; `tick` does what time does. Both may be run by several workers at
once and be killed anywhere: each incident changes in one transaction, by compare-and-swap, together with its
transitions and with the notifications they cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db.models import Exists, F, OuterRef, Q

from tracestore.alerts import dependencies, facts, grouping, merging, telling
from tracestore.alerts.merging import Merged, Said
from tracestore.alerts.models import Alert, Incident, Transition
from tracestore.alerts.severities import worse
from tracestore.alerts.telling import GROUP_WAIT
from tracestore.alerts.transitions import ACKNOWLEDGED, GOING_ON, OPEN, RESOLVED, SYSTEM, attempt, locked, make, refresh

log = structlog.get_logger(__name__)

Kind = Transition.Kind

#: Of one pass; the next takes the rest.
MOST_ALERTS: Final = 5_000
MOST_DUE: Final = 1_000
#: Incidents of a project that are not over; what is beyond is one incident (Alertmanager 0.34 has such a limit of
#: groups and drops what is beyond).
MOST_INCIDENTS: Final = 500
#: What comes back within this time is the same incident.
REOPENS_WITHIN: Final = timedelta(minutes=30)
#: Resolved by hand while it goes on: this much newer evidence reopens it.
NEWER: Final = timedelta(minutes=5)
#: Flapping: from the second reopening within `FLAPS_WITHIN` on, "resolved" waits before it is told.
FLAPS_WITHIN: Final = timedelta(hours=6)
FIRST_WAIT: Final = timedelta(minutes=2)
LONGEST_WAIT: Final = timedelta(minutes=30)
#: Growth of cost is recorded when it has doubled, and not more often than this.
GROWS_EVERY: Final = timedelta(minutes=10)
GROWS_FROM_USD: Final = 0.01

Group = tuple[int, str]


def absorb(now: datetime) -> int:
    """Takes up the alerts that changed. Returns how many."""
    waiting = list(
        Alert.objects.filter(absorbed__lt=F("version"), project__closed_at=None)
        # Not yet for long enough, and never part of anything: nobody's business yet.
        .exclude(state=Alert.State.PENDING, incident=None)
        .select_related("rule", "incident")
        .order_by("pk")[:MOST_ALERTS]
    )
    groups: dict[Group, list[int]] = defaultdict(list)
    for alert in waiting:
        groups[_group(alert)].append(alert.pk)
    for group, numbers in sorted(groups.items()):
        attempt(lambda group=group, numbers=numbers: _join(group, numbers, now))  # type: ignore[misc]
    if waiting:
        dependencies.relate((alert.project_id for alert in waiting), now)
    return len(waiting)


def tick(now: datetime) -> int:
    """What time does to incidents: tell, remind, escalate, wake, settle; and the end of those whose alerts are gone.
    Returns how many were looked at.
    """
    due = list(
        Incident.objects.filter(next_notice_at__lte=now, project__closed_at=None)
        .order_by("next_notice_at", "pk")
        .values_list("pk", flat=True)
    )[:MOST_DUE]
    for number in due:
        attempt(lambda number=number: _attend(number, now))  # type: ignore[misc]
    gone = Incident.objects.filter(~Exists(Alert.objects.filter(incident=OuterRef("pk"))), state__in=GOING_ON)
    for number in list(gone.values_list("pk", flat=True)[:MOST_DUE]):
        attempt(lambda number=number: _abandon(number, now))  # type: ignore[misc]
    return len(due)


def _attend(number: int, now: datetime) -> None:
    row = locked(pk=number)
    if row is not None and row.next_notice_at is not None and row.next_notice_at <= now:
        telling.attend(row, now)


def _group(alert: Alert) -> Group:
    """The incident it is of: the one it is part of while that goes on, whatever became of the rule since."""
    if alert.incident is not None and alert.incident.state in GOING_ON:
        return alert.project_id, alert.incident.key
    rule = alert.rule
    metric = grouping.metric_of(rule.condition)
    return alert.project_id, grouping.key(alert.labels, rule.group_by, rule.kind, metric, str(rule.pk))


def _join(group: Group, numbers: Sequence[int], now: datetime) -> None:
    """Puts alerts of one group into its incident, which opens, reopens, changes or ends. In a transaction."""
    project_id, key = group
    row = locked(project_id=project_id, open_key=key)
    fresh = Alert.objects.filter(pk__in=numbers, absorbed__lt=F("version")).select_related("rule", "incident")
    alerts = list(fresh.order_by("pk"))
    parts: set[int] = set()
    if row is None:
        past = Incident.objects.filter(project_id=project_id, key=key, state=RESOLVED).order_by("-resolved_at").first()
        news = [one for one in alerts if _is_news(one, past)]
        if not news:
            # Over before it was ever told, or what somebody resolved by hand and nothing new came of.
            _link(alerts, past if past is not None and past.resolved_by != SYSTEM else None)
            return
        row = _reopen(past, news, now) if past is not None and _is_same(past, news, now) else _open(group, news, now)
        parts = {one.pk for one in news}
    # One that ended or waits, and had no part in this incident, says nothing about it.
    parts |= {one.pk for one in alerts if one.state == Alert.State.FIRING or one.incident_id == row.pk}
    _link([one for one in alerts if one.pk in parts], row)
    _link([one for one in alerts if one.pk not in parts], None)
    _follow(row, now)


def _is_news(alert: Alert, past: Incident | None) -> bool:
    """Whether an alert is a reason for an incident to go on, after it was over (or never was)."""
    fires = alert.state == Alert.State.FIRING
    fired_at = alert.fired_at or (alert.since if fires else None)
    if fired_at is None:
        return False
    known = alert.incident or past
    if known is None or known.resolved_at is None or fired_at > known.resolved_at:
        # Also one that was over again before anybody looked: it is kept, and told to nobody.
        return True
    return fires and (known.resolved_by == SYSTEM or alert.last_seen_at > known.resolved_at + NEWER)


def _is_same(past: Incident, news: Sequence[Alert], now: datetime) -> bool:
    if past.resolved_at is None or now - past.resolved_at <= REOPENS_WITHIN:
        return True
    # Resolved by hand, and it never was over.
    return any(one.incident_id == past.pk and (one.fired_at or now) <= past.resolved_at for one in news)


def _open(group: Group, alerts: Sequence[Alert], now: datetime) -> Incident:
    project_id, key = group
    title = ""
    if (
        key != grouping.overflow_key()
        and Incident.objects.filter(project_id=project_id, state__in=GOING_ON).count() >= MOST_INCIDENTS
    ):
        key, title = grouping.overflow_key(), f"More than {MOST_INCIDENTS} incidents at once"
        found = locked(project_id=project_id, open_key=key)
        if found is not None:
            return found
    merged = merging.merge([_said(one) for one in alerts])
    row = Incident.objects.create(
        project_id=project_id, key=key, open_key=key, severity=merged.severity, opened_at=now,
        next_notice_at=now + GROUP_WAIT, **_shown(merged, alerts, title),
    )  # fmt: skip
    Transition.objects.create(
        incident=row, version=row.version, kind=Kind.OPENED, to_state=OPEN, at=now, actor=SYSTEM,
        data={"severity": row.severity, "wasted_usd": merged.facts.wasted_usd},
    )  # fmt: skip
    return row


def _reopen(past: Incident, alerts: Sequence[Alert], now: datetime) -> Incident:
    row = locked(pk=past.pk)
    assert row is not None  # noqa: S101  (incidents are never deleted but with their project)
    merged = merging.merge([_said(one) for one in alerts])
    # Nobody was told yet that it was over, so nobody need be told that it is not.
    quiet = row.settles_at is not None
    changes: dict[str, Any] = {
        "state": ACKNOWLEDGED if quiet and row.acknowledged_at is not None else OPEN,
        "severity": row.severity if quiet and worse(row.severity, merged.severity) else merged.severity,
        "open_key": row.key, "resolved_at": None, "resolved_by": "", "settles_at": None,
        "reopened": row.reopened + 1, "next_notice_at": now if quiet else now + GROUP_WAIT,
    }  # fmt: skip
    if not quiet:
        changes |= {"acknowledged_at": None, "acknowledged_by": "", "escalated": 0, "cause": None}
    make(row, Kind.REOPENED, now, data={"quiet": quiet}, **changes)
    return row


def _link(alerts: Sequence[Alert], row: Incident | None) -> None:
    """Writes down which version of each alert is known, and whose it is."""
    by_version: dict[int, list[int]] = defaultdict(list)
    for one in alerts:
        by_version[one.version].append(one.pk)
    whose = {} if row is None else {"incident": row}
    for version, numbers in by_version.items():
        for begin in range(0, len(numbers), 500):
            Alert.objects.filter(pk__in=numbers[begin : begin + 500], absorbed__lt=version).update(
                absorbed=version, **whose
            )


def _follow(row: Incident, now: datetime) -> None:
    """Makes an incident that goes on say what its alerts say."""
    fired = Q(state=Alert.State.FIRING) | ~Q(fired_at=None)
    alerts = list(Alert.objects.filter(fired, incident=row).select_related("rule").order_by("pk"))
    if not alerts:
        return
    merged = merging.merge([_said(one) for one in alerts])
    overflow = row.title if row.key == grouping.overflow_key() else ""
    shown = _shown(merged, alerts, overflow)
    rises = worse(merged.severity, row.severity)
    shown["labels"] = {**merged.labels, "severity": merged.severity if rises else row.severity}
    if not any(one.state == Alert.State.FIRING for one in alerts):
        resolve(row, now, **shown)
        return
    if rises:
        data = {"from": row.severity, "to": merged.severity}
        soon = min(row.next_notice_at or now, now)
        make(row, Kind.SEVERITY, now, data=data, severity=merged.severity, next_notice_at=soon, **shown)
        if merged.severity == "critical" and row.snoozed_until is not None:
            make(row, Kind.WOKEN, now, data={"of": "severity"}, note="It became critical.", snoozed_until=None)
        return
    if merged.facts.wasted_usd != row.facts.get("wasted_usd") and _grew(row, merged.facts.wasted_usd, now):
        make(row, Kind.GREW, now, data={"wasted_usd": merged.facts.wasted_usd}, **shown)
        return
    refresh(row, **shown)


def resolve(row: Incident, now: datetime, *, actor: str = SYSTEM, note: str = "", **changes: Any) -> None:
    """Ends an incident. It is told by `telling.attend`, at once or when it settled. In a transaction."""
    settles_at = now + (settling_time(row, now) if actor == SYSTEM else timedelta(0))
    known = changes.pop("facts", row.facts)
    make(
        row, Kind.RESOLVED, now, actor=actor, note=note, state=RESOLVED, open_key=None, resolved_at=now,
        resolved_by=actor, snoozed_until=None, settles_at=settles_at, next_notice_at=settles_at,
        facts={**known, "going_on": False}, **changes,
    )  # fmt: skip
    dependencies.cause_is_over(row, now)


def settling_time(row: Incident, now: datetime) -> timedelta:
    """How long the end waits before it is told: nothing, unless it has come back twice of late; then twice as long
    with each time.
    """
    times = Transition.objects.filter(incident=row, kind=Kind.REOPENED, at__gt=now - FLAPS_WITHIN).count()
    if times < 2:
        return timedelta(0)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(times - 2, 10)))


def _abandon(number: int, now: datetime) -> None:
    """Its rules were deleted and their alerts with them."""
    row = locked(pk=number)
    if row is None or row.state not in GOING_ON or Alert.objects.filter(incident=row).exists():
        return
    # Somebody reopened it by hand and so wants it.
    last = Transition.objects.filter(incident=row, kind__in=(Kind.OPENED, Kind.REOPENED)).order_by("-version").first()
    if last is not None and last.actor == SYSTEM:
        resolve(row, now, note="Its rule was deleted.")


def _grew(row: Incident, wasted_usd: float, now: datetime) -> bool:
    kinds = (Kind.OPENED, Kind.GREW)
    last = Transition.objects.filter(incident=row, kind__in=kinds).order_by("-version").first()
    if last is None or last.at > now - GROWS_EVERY:
        return False
    before = float(last.data.get("wasted_usd") or 0.0)
    return wasted_usd >= GROWS_FROM_USD and wasted_usd >= 2 * before


def _said(one: Alert) -> Said:
    problem = str(one.labels.get("problem") or f"{one.rule_id}:{one.fingerprint}")
    known = facts.from_json(one.facts)
    return Said(problem, one.severity, one.labels, known, one.state == Alert.State.FIRING, one.pk)


def _shown(merged: Merged, alerts: Sequence[Alert], title: str) -> dict[str, Any]:
    """The columns of an incident that its alerts say."""
    rule = next(one.rule for one in alerts if one.pk == merged.worst.number)
    return {
        "title": title or merged.title,
        "labels": merged.labels,
        "facts": facts.as_json(merged.facts),
        "rule": rule,
        "owner": rule.owner,
        "runbook_url": rule.runbook_url,
        "last_seen_at": max(one.last_seen_at for one in alerts),
    }
