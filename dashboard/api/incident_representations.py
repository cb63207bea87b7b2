"""Incidents, silences and routes as the API gives them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from dashboard.api.times import rfc3339
from tracestore.alerts import reading
from tracestore.alerts.facts import from_json
from tracestore.alerts.models import Alert, Incident, Notification, Route, Silence, Transition
from tracestore.alerts.noticing import incident_url
from tracestore.moments import nanoseconds

#: Notifications of an incident that are told, the newest.
NOTIFICATIONS = 100
MICROSECOND_NS = 1000


def moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(nanoseconds(at))


def incident(one: Incident) -> dict[str, Any]:
    facts = from_json(one.facts)
    return {
        "id": one.pk,
        "state": one.state,
        "severity": one.severity,
        "title": one.title,
        "summary": facts.summary,
        "labels": one.labels,
        "agent": str(one.labels.get("agent", "")),
        "detector": str(one.labels.get("detector", "")),
        "rule": one.rule_id,
        "opened_at": moment(one.opened_at),
        "last_seen_at": moment(one.last_seen_at),
        "acknowledged_at": moment(one.acknowledged_at),
        "acknowledged_by": one.acknowledged_by,
        "resolved_at": moment(one.resolved_at),
        "resolved_by": one.resolved_by,
        "snoozed_until": moment(one.snoozed_until),
        "wasted_usd": facts.wasted_usd,
        "wasted_tokens": facts.wasted_tokens,
        "usd_per_hour": facts.usd_per_hour,
        "going_on": facts.going_on and one.state != Incident.State.RESOLVED,
        "run_count": facts.run_count,
        "runs": msgspec.to_builtins(facts.runs),
        "evidence": msgspec.to_builtins(facts.evidence),
        "changed": list(facts.changed),
        "owner": one.owner,
        "runbook_url": one.runbook_url,
        "reopened": one.reopened,
        "url": incident_url(one),
        "cause": one.cause_id,
        "version": one.version,
    }


def whole(one: Incident) -> dict[str, Any]:
    """The incident with all that belongs to it."""
    notifications = one.notifications.select_related("channel").order_by("-pk")[:NOTIFICATIONS]
    return incident(one) | {
        "history": [transition(change) for change in reading.history(one)],
        "alerts": [alert(found) for found in reading.alerts(one)],
        "similar": in_short(reading.similar(one)),
        "notifications": [notification(sent) for sent in notifications],
        "effects": [effect.pk for effect in reading.effects(one)],
    }


def transition(change: Transition) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "from_state": change.from_state,
        "to_state": change.to_state,
        "at": moment(change.at),
        "actor": change.actor,
        "note": change.note,
        "version": change.version,
    }


def alert(found: Alert) -> dict[str, Any]:
    return {
        "fingerprint": found.fingerprint,
        "rule": found.rule.name,
        "state": found.state,
        "severity": found.severity,
        "labels": found.labels,
        "value": found.value,
        "since": moment(found.since),
        "resolved_at": moment(found.resolved_at),
    }


def in_short(others: Sequence[Incident]) -> list[dict[str, Any]]:
    """Other incidents, with what people did about them."""
    done = reading.done(others)
    return [short(other) | {"done": [transition(one) for one in done.get(other.pk, [])]} for other in others]


def short(other: Incident) -> dict[str, Any]:
    return {
        "id": other.pk,
        "state": other.state,
        "severity": other.severity,
        "title": other.title,
        "opened_at": moment(other.opened_at),
        "resolved_at": moment(other.resolved_at),
        "resolved_by": other.resolved_by,
        "wasted_usd": from_json(other.facts).wasted_usd,
    }


def notification(sent: Notification) -> dict[str, Any]:
    return {
        "event": sent.event,
        "channel": sent.channel.name,
        "state": sent.state,
        "attempts": sent.attempts,
        "created_at": moment(sent.created_at),
        "sent_at": moment(sent.sent_at),
        "error": sent.error,
    }


def silence(one: Silence, *, active: bool) -> dict[str, Any]:
    return {
        "id": one.pk,
        "kind": one.kind,
        "matchers": one.matchers,
        "starts_at": moment(one.starts_at),
        "ends_at": moment(one.ends_at),
        "repeats": one.repeats,
        "time_zone": one.time_zone,
        "comment": one.comment,
        "active": active,
        "created_by": one.created_by,
        "created_at": moment(one.created_at),
    }


def route(one: Route) -> dict[str, Any]:
    return {
        "id": one.pk,
        "position": one.position,
        "name": one.name,
        "matchers": one.matchers,
        "channels": sorted(channel.pk for channel in one.channels.all()),
        "continues": one.continues,
        "repeat_s": one.repeat_s,
        "escalation": one.escalation,
    }
