"""Writes down how alerts stand. The state machine itself: `tracestore.alerts.conditions.standing`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import IntegrityError, transaction

from tracestore.alerts import facts as facts_of
from tracestore.alerts.cas import swap
from tracestore.alerts.conditions.standing import Standing, ended
from tracestore.alerts.facts import Facts
from tracestore.alerts.models import Alert, AlertRule

#: Facts alone are written at most so often.
FACTS_EVERY: Final = timedelta(seconds=10)
ACTIVE: Final = (Alert.State.PENDING, Alert.State.FIRING)


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be said of an alert beside its state."""

    labels: Mapping[str, str]
    severity: str
    facts: Facts
    value: float | None = None


def fingerprint(rule_id: int, identity: Mapping[str, str]) -> str:
    """16 hex digits of a rule and the labels that tell its alerts apart.

    Not of the severity, and of nothing else that may change while the alert goes on (the cause, the rule's name and own
    labels): it would become another alert.
    """
    text = json.dumps([rule_id, *sorted(identity.items())])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def standing(alert: Alert) -> Standing:
    state: Any = alert.state
    return Standing(state, alert.since, alert.last_seen_at, alert.fired_at, alert.resolved_at)


def end(alert: Alert, rule: AlertRule, now: datetime) -> bool:
    """Ends an alert at once; returns whether it was written."""
    return write(alert, rule, alert.fingerprint, ended(standing(alert), now), None, now)


def write(
    alert: Alert | None, rule: AlertRule, name: str, after: Standing | None, told: Told | None, now: datetime
) -> bool:
    """Makes the row say how the alert stands; returns whether it was written.

    `told` None leaves labels, severity and facts as they are. Of two workers one writes, the other finds out in its
    next pass.
    """
    if after is None:
        return False
    if alert is None:
        return told is not None and _create(rule, name, after, told)
    changes: dict[str, Any] = {}
    if replace(standing(alert), seen=after.seen) != after:
        changes |= {
            "state": after.state, "since": after.since, "fired_at": after.fired_at, "resolved_at": after.resolved_at,
        }  # fmt: skip
    if told is not None:
        if dict(told.labels) != alert.labels:
            changes["labels"] = dict(told.labels)
        if told.severity != alert.severity:
            changes["severity"] = told.severity
        known = facts_of.from_json(alert.facts)
        if changes or _worth_writing(known, told.facts, alert.last_seen_at, after.seen, now):
            changes |= {"facts": facts_of.as_json(told.facts), "value": told.value}
    elif "state" in changes and after.state == "resolved" and alert.facts:
        changes["facts"] = {**alert.facts, "going_on": False}
    if not changes and after.seen - alert.last_seen_at < FACTS_EVERY:
        return False
    return swap(alert, **changes, last_seen_at=after.seen)


def _create(rule: AlertRule, name: str, after: Standing, told: Told) -> bool:
    try:
        with transaction.atomic():
            Alert.objects.create(
                project_id=rule.project_id, rule=rule, fingerprint=name, labels=dict(told.labels), state=after.state,
                severity=told.severity, facts=facts_of.as_json(told.facts), value=told.value, since=after.since,
                fired_at=after.fired_at, last_seen_at=after.seen,
            )  # fmt: skip
    except IntegrityError:
        return False
    return True


def _worth_writing(known: Facts, told: Facts, seen_before: datetime, seen: datetime, now: datetime) -> bool:
    """While evidence keeps coming, each ten seconds of it; else when something is different."""
    if seen - seen_before >= FACTS_EVERY:
        return True
    if now - seen < FACTS_EVERY and told.going_on == known.going_on:
        return False
    return _coarse(known) != _coarse(told)


def _coarse(facts: Facts) -> Facts:
    """Without what moves all the time: the cost of a run that goes on counts by quarters more."""
    runs = tuple(msgspec.structs.replace(run, cost_usd=_quarters(run.cost_usd)) for run in facts.runs)
    return msgspec.structs.replace(facts, runs=runs, usd_per_hour=_quarters(facts.usd_per_hour))


def _quarters(amount: float | None) -> float | None:
    return round(math.log(amount, 1.25)) if amount is not None and amount > 0 else amount
