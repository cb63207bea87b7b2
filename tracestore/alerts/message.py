"""What a channel is told, before it takes the form of that channel. Stored with the notification, so that what is
sent an hour late still says what was so. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tracestore.alerts.facts import Facts

#: Why something is told. `reminder`: it goes on and nobody resolved it; `test` and `digest` have no incident.
Event = Literal[
    "opened", "acknowledged", "unacknowledged", "resolved", "reopened", "severity", "reminder", "escalated", "test",
    "digest",
]  # fmt: skip


class MessageAlert(msgspec.Struct, frozen=True):
    """An alert of the incident, as Alertmanager's webhook has it. Times RFC 3339; `ends_at` '' while it fires."""

    fingerprint: str
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str = ""
    url: str = ""


class Message(msgspec.Struct, frozen=True):
    """`key` is what receivers deduplicate by (`tracestore/PROJECT/incident/N`); `number` the incident's.

    All URLs are absolute. `lines` are a digest's: what it stands for, one line each.
    """

    event: Event
    project: str
    at: str
    title: str
    key: str = ""
    number: int = 0
    state: Literal["open", "acknowledged", "resolved"] = "open"
    severity: Literal["info", "warning", "critical"] = "warning"
    labels: dict[str, str] = {}
    facts: Facts = Facts("")
    opened_at: str = ""
    resolved_at: str = ""
    actor: str = ""
    note: str = ""
    owner: str = ""
    runbook_url: str = ""
    url: str = ""
    evidence_url: str = ""
    alerts: tuple[MessageAlert, ...] = ()
    truncated_alerts: int = 0
    lines: tuple[str, ...] = ()


def as_json(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(message)
    return found


def from_json(stored: Mapping[str, Any]) -> Message:
    return msgspec.convert(stored, Message, strict=False)
