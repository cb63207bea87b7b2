"""PagerDuty, Events API v2: one `dedup_key` for each incident, so that what is sent twice is one there too."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from tracestore.alerts.message import Message
from tracestore.alerts.notify import guarded_http, words
from tracestore.alerts.notify.outcome import Outgoing, Sent

URL: Final = "https://events.pagerduty.com"
MOST_SUMMARY: Final = 1024
MOST_KEY: Final = 255
#: PagerDuty takes 512 KB; what is beside the summary goes when a message comes near.
MOST_BYTES: Final = 500_000
ACTIONS: Final = {"acknowledged": "acknowledge", "resolved": "resolve"}


def send(out: Outgoing) -> Sent:
    """A test triggers and resolves itself, so that nobody has to tidy up after it."""
    found = deliver(out, event(out.message, out.config["routing_key"]))
    if out.message.event == "test":
        deliver(out, event(out.message, out.config["routing_key"]) | {"event_action": "resolve"})
    return found


def deliver(out: Outgoing, made: dict[str, Any]) -> Sent:
    url = (out.config.get("url") or URL).rstrip("/").removesuffix("/v2/enqueue") + "/v2/enqueue"
    answer = guarded_http.post(url, encoded(made), {"Content-Type": "application/json"})
    return Sent(answer.status)


def event(message: Message, routing_key: str) -> dict[str, Any]:
    labels = message.labels
    return {
        "routing_key": routing_key,
        # Reminders and what else happens trigger again: PagerDuty adds them to the log of the same incident.
        "event_action": ACTIONS.get(message.event, "trigger"),
        "dedup_key": dedup_key(message.key),
        "client": "Tracestore",
        "client_url": message.url,
        "links": [{"href": address, "text": name} for name, address in words.links(message)],
        "payload": {
            "summary": words.headline(message, MOST_SUMMARY),
            "source": words.one_line(labels.get("agent") or labels.get("service") or message.project, 255),
            "severity": message.severity,
            "timestamp": message.opened_at or message.at,
            "component": words.one_line(labels.get("tool") or labels.get("agent", ""), 255),
            "group": message.project,
            "class": words.one_line(labels.get("rule", ""), 255),
            "custom_details": details(message),
        },
    }


def dedup_key(key: str) -> str:
    if len(key) <= MOST_KEY:
        return key
    return key[: MOST_KEY - 17] + "/" + hashlib.sha256(key.encode()).hexdigest()[:16]


def details(message: Message) -> dict[str, Any]:
    facts = message.facts
    found: dict[str, Any] = {name.lower(): value for name, value in words.details(message)}
    return found | {
        "event": message.event,
        "happened": words.happened(message),
        "summary": words.summary(message),
        "wasted_usd": facts.wasted_usd,
        "usd_per_hour": facts.usd_per_hour,
        "runs": [run.trace_id for run in facts.runs[: words.MOST_LISTED]],
        "evidence": [words.one_line(one.title, 200) for one in facts.evidence[: words.MOST_LISTED]],
        "labels": message.labels,
        "lines": words.digest_lines(message),
    }


def encoded(made: dict[str, Any]) -> bytes:
    body = msgspec.json.encode(made)
    if len(body) > MOST_BYTES:
        body = msgspec.json.encode(made | {"payload": made["payload"] | {"custom_details": {"cut": "too long"}}})
    return body
