"""Messages as incidents make them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from tracestore.alerts import message as messages
from tracestore.alerts.facts import Evidence, Facts, Run
from tracestore.alerts.message import Message, MessageAlert
from tracestore.alerts.models import Channel, Incident, Notification
from tracestore.alerts.notify.outcome import Outgoing
from tracestore.models import Project

NOW = datetime(2026, 11, 26, 2, 14, 5, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"

MESSAGE = Message(
    event="opened", project="default", at="2026-11-26T02:14:05Z", title="support-agent repeats one step",
    key="tracestore/default/incident/12", number=12, severity="critical",
    labels={"rule": "loops", "severity": "critical", "project": "default", "agent": "support-agent"},
    facts=Facts(
        "support-agent repeats one step", "It has called search with the same arguments 14 times.",
        first_seen="2026-11-26T02:10:00Z", last_seen="2026-11-26T02:14:00Z", wasted_usd=1.25, wasted_tokens=48_000,
        usd_per_hour=18.7, run_count=3, runs=(Run(TRACE, "support", "support-agent", 1.25),),
        evidence=(Evidence("search was called 14 times", TRACE, "b7ad6b7169203331"),),
        changed=("The model is another: small-2 instead of small-1",),
    ),
    opened_at="2026-11-26T02:14:05Z", owner="agents-team", runbook_url="https://wiki.example.org/loops",
    url="https://tracestore.example.org/incidents/12/",
    evidence_url=f"https://tracestore.example.org/traces/{TRACE}/?span=b7ad6b7169203331",
    alerts=(
        MessageAlert(
            "9f86d081884c7d65", "firing", {"alertname": "loops", "agent": "support-agent", "severity": "critical"},
            {"summary": "support-agent repeats one step"}, "2026-11-26T02:10:00Z", url="https://tracestore.example.org/",
        ),
    ),
)  # fmt: skip


def of(event: str, **changes: Any) -> Message:
    state = {"resolved": "resolved", "acknowledged": "acknowledged"}.get(event, "open")
    more: dict[str, Any] = {"resolved_at": "2026-11-26T02:34:05Z"} if event == "resolved" else {}
    return msgspec.structs.replace(MESSAGE, **{"event": event, "state": state, **more, **changes})


def outgoing(kind: str, config: dict[str, Any], message: Message = MESSAGE, **more: Any) -> Outgoing:
    return Outgoing(**{"id": 7, "channel": "on-call", "kind": kind, "config": config, "message": message,
                       "at": time.time(), **more})  # fmt: skip


def project() -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


def channel(config: dict[str, Any], kind: str = "webhook", name: str = "on-call", **more: Any) -> Channel:
    return Channel.objects.create(project=project(), name=name, kind=kind, config=config, **more)


def incident(**more: Any) -> Incident:
    return Incident.objects.create(project=project(), key="k", severity="warning", title="It loops", **more)


def notification(
    to: Channel, event: str = "opened", about: Incident | None = None, at: datetime = NOW, **changes: Any
) -> Notification:
    about = about or incident()
    fields = {"number": about.pk, "key": f"tracestore/default/incident/{about.pk}", "severity": "warning", **changes}
    return Notification.objects.create(
        project=to.project, channel=to, incident=about, event=event, created_at=at, not_before=at,
        occasion=f"{about.pk}/{event}/{Notification.objects.count()}", message=messages.as_json(of(event, **fields)),
    )  # fmt: skip
