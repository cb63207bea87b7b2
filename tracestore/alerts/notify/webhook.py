"""Webhook: Alertmanager's JSON of version 4, so that every receiver of Alertmanager reads it, and what is ours in one
object `tracestore` beside. Signed if the channel has a secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, Final

import msgspec

from tracestore.alerts.message import Message, MessageAlert
from tracestore.alerts.notify import guarded_http, words
from tracestore.alerts.notify.outcome import Outgoing, Sent

#: Why Alertmanager (0.34) says that it notifies, as near as ours have one.
REASONS: Final = {
    "opened": "first notification", "acknowledged": "acknowledged", "unacknowledged": "unacknowledged",
    "resolved": "all alerts resolved", "reopened": "new alerts in group", "severity": "severity changed",
    "reminder": "repeat interval elapsed", "escalated": "escalated", "test": "test", "digest": "digest",
}  # fmt: skip
SIGNATURE: Final = "X-Tracestore-Signature"


def send(out: Outgoing) -> Sent:
    body = msgspec.json.encode(payload(out.message, out.channel))
    headers = {"Content-Type": "application/json", **signed(out.config.get("secret", ""), out.id, int(out.at), body)}
    return Sent(guarded_http.post(out.config["url"], body, headers).status)


def signed(secret: str, number: int, at: int, body: bytes) -> dict[str, str]:
    """The headers of a body: ours, and those of Standard Webhooks (id, timestamp and body are signed together).

    The id is that of the notification, the same in each attempt: a receiver that has seen it can leave it out.
    """
    headers = {"webhook-id": f"notification-{number}", "webhook-timestamp": str(at)}
    if secret:
        plain = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        told = f"{headers['webhook-id']}.{at}.".encode() + body
        standard = base64.b64encode(hmac.new(standard_key(secret), told, hashlib.sha256).digest()).decode()
        headers |= {SIGNATURE: f"sha256={plain}", "webhook-signature": f"v1,{standard}"}
    return headers


def standard_key(secret: str) -> bytes:
    """Standard Webhooks write a secret as `whsec_` and base64; any other is taken as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def payload(message: Message, receiver: str) -> dict[str, Any]:
    alerts = message.alerts or (whole(message),)
    return {
        "version": "4",
        "groupKey": message.key,
        "truncatedAlerts": message.truncated_alerts,
        "status": "firing" if any(one.status == "firing" for one in alerts) else "resolved",
        "receiver": receiver,
        "groupLabels": message.labels,
        "commonLabels": message.labels | common([one.labels for one in alerts]),
        "commonAnnotations": notes(message),
        "externalURL": message.url,
        "notification_reason": REASONS[message.event],
        "alerts": [alert(one) for one in alerts],
        "tracestore": ours(message),
    }


def ours(message: Message) -> dict[str, Any]:
    """What Alertmanager's form has no place for."""
    facts = message.facts
    return {
        "event": message.event,
        "project": message.project,
        "incident": message.number or None,
        "state": message.state,
        "severity": message.severity,
        "title": message.title,
        "summary": facts.summary,
        "url": message.url,
        "evidence_url": message.evidence_url,
        "runbook_url": message.runbook_url,
        "owner": message.owner,
        "actor": message.actor,
        "note": message.note,
        "at": message.at,
        "opened_at": message.opened_at,
        "resolved_at": message.resolved_at,
        "going_on": facts.going_on and message.state != "resolved",
        "cost": {
            "wasted_usd": facts.wasted_usd,
            "wasted_tokens": facts.wasted_tokens,
            "usd_per_hour": facts.usd_per_hour,
        },
        "run_count": facts.run_count,
        "runs": msgspec.to_builtins(facts.runs),
        "evidence": msgspec.to_builtins(facts.evidence),
        "changed": list(facts.changed),
        "lines": list(message.lines),
    }


def alert(one: MessageAlert) -> dict[str, Any]:
    return {
        "status": one.status,
        "labels": one.labels,
        "annotations": one.annotations,
        "startsAt": one.starts_at,
        # Go's zero time, as Alertmanager writes an end that is not known.
        "endsAt": one.ends_at or "0001-01-01T00:00:00Z",
        "generatorURL": one.url,
        "fingerprint": one.fingerprint,
    }


def whole(message: Message) -> MessageAlert:
    """The incident as one alert, for messages that bring none."""
    resolved = message.state == "resolved"
    return MessageAlert(
        fingerprint=hashlib.sha256(message.key.encode()).hexdigest()[:16],
        status="resolved" if resolved else "firing",
        labels={
            "alertname": message.labels.get("rule") or message.event,
            "severity": message.severity,
            **message.labels,
        },
        annotations=notes(message),
        starts_at=message.opened_at or message.at,
        ends_at=(message.resolved_at or message.at) if resolved else "",
        url=message.url,
    )


def notes(message: Message) -> dict[str, str]:
    found = {
        "summary": words.title(message),
        "description": words.summary(message) or words.happened(message),
        "runbook_url": message.runbook_url,
    }
    return {name: value for name, value in found.items() if value}


def common(labels: list[dict[str, str]]) -> dict[str, str]:
    first, *others = labels
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}
