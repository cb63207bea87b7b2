"""Push to an Alertmanager (`POST /api/v2/alerts`): the incident is one alert there, and its routes take over.

An Alertmanager forgets an alert at its `endsAt`, so a firing one gets one far ahead that each reminder moves on; the
end of the incident ends it at once. An alert is its labels: where those have changed since the message before, the
alert of then is ended.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from tracestore.alerts.message import Message
from tracestore.alerts.notify import guarded_http, webhook, words
from tracestore.alerts.notify.outcome import Outgoing, Sent
from tracestore.moments import utc_text

#: Longer than reminders are apart (4 hours unless a route says otherwise); so long one stays if we are gone.
STAYS: Final = timedelta(hours=24)


def send(out: Outgoing) -> Sent:
    url = out.config["url"].rstrip("/").removesuffix("/api/v2/alerts") + "/api/v2/alerts"
    body = msgspec.json.encode(alerts(out.message, out.earlier))
    return Sent(guarded_http.post(url, body, {"Content-Type": "application/json"}).status)


def alerts(message: Message, earlier: Message | None) -> list[dict[str, Any]]:
    found = [alert(message)]
    if earlier is not None and labels(earlier) != labels(message):
        found.append({**alert(earlier), "endsAt": message.at})
    return found


def alert(message: Message) -> dict[str, Any]:
    ends = message.resolved_at or message.at if message.state == "resolved" else later(message)
    told = {**webhook.notes(message), "going_on": words.going_on(message), "cost": words.cost(message),
             "incident_url": message.url, "evidence_url": message.evidence_url}  # fmt: skip
    return {
        "labels": labels(message),
        "annotations": {name: value for name, value in told.items() if value},
        "startsAt": message.opened_at or message.at,
        "endsAt": ends,
        "generatorURL": message.url,
    }


def labels(message: Message) -> dict[str, str]:
    """Alertmanager takes no empty label."""
    found = {"alertname": message.labels.get("rule") or f"Tracestore{message.event.title()}", **message.labels,
             "severity": message.severity, "project": message.project,
             "incident": str(message.number) if message.number else ""}  # fmt: skip
    return {name: value for name, value in found.items() if value}


def later(message: Message) -> str:
    """A test is over in a minute."""
    at = words.parsed(message.at) or datetime.now(UTC)
    ends = at + (timedelta(minutes=1) if message.event in ("test", "digest") else STAYS)
    return utc_text(ends)
