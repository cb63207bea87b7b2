"""One message instead of many, for a channel that gets more than its limit: at most one in ten minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction

from tracestore.alerts import message as messages
from tracestore.alerts.cas import swap
from tracestore.alerts.facts import Facts
from tracestore.alerts.message import Message
from tracestore.alerts.models import Channel, Notification, Severity
from tracestore.alerts.notify import webhook, words
from tracestore.alerts.outbox import Entry, claimable
from tracestore.moments import utc_text

EVERY_S: Final = 600
#: Messages that a digest names, and alerts that it carries for receivers of webhooks.
MOST_NAMED: Final = 100
_RANK: Final = {severity: rank for rank, severity in enumerate(Severity.values)}


def fold(channel: Channel, entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """Stores a digest of these and marks them as told by it, all or nothing. Returns those that it took.

    None, if there already is one of these ten minutes: they wait for the next.
    """
    occasion = f"digest/{int(now.timestamp()) // EVERY_S}"
    if not entries or Notification.objects.filter(channel=channel, occasion=occasion).exists():
        return []
    try:
        with transaction.atomic():
            digest = Notification.objects.create(
                project_id=channel.project_id, channel=channel, event="digest", occasion=occasion, created_at=now,
                not_before=now,
            )  # fmt: skip
            taken, told = [], []
            for entry in entries:
                row = claimable(entry)
                said = readable(row) if row is not None else None
                if (
                    row is None
                    or said is None
                    or not swap(row, state=Notification.State.SKIPPED, error=f"Told in digest {digest.pk}.")
                ):
                    continue
                taken.append(entry)
                told.append(said)
            if not taken:
                transaction.set_rollback(True)
                return []
            digest.message = messages.as_json(of(channel, told, now))
            digest.save(update_fields=["message"])
    except IntegrityError:
        return []  # another worker was quicker
    return taken


def readable(row: Notification) -> Message | None:
    """None for one that cannot be read: sending it alone says so."""
    try:
        return messages.from_json(row.message)
    except msgspec.ValidationError:
        return None


def of(channel: Channel, told: Sequence[Message], now: datetime) -> Message:
    at = utc_text(now)
    project = told[0].project
    incidents = len({one.number for one in told})
    many = f"{counted(len(told), 'message')} about {counted(incidents, 'incident')}"
    severity = max((one.severity for one in told), key=lambda one: _RANK.get(one, 0))
    latest = {one.number: one for one in told}
    lines = [words.in_short(one) for one in told[:MOST_NAMED]]
    if len(told) > MOST_NAMED:
        lines.append(f"{len(told) - MOST_NAMED} more are on the page of incidents.")
    return Message(
        event="digest", project=project, at=at, title=f"{many}, in short", severity=severity, opened_at=at,
        key=f"tracestore/{project}/digest/{channel.pk}/{int(now.timestamp()) // EVERY_S}",
        facts=Facts(f"{many}, in short"), url=f"{settings.PUBLIC_URL}/incidents/?project={project}",
        lines=tuple(lines), alerts=tuple(webhook.whole(one) for one in list(latest.values())[:MOST_NAMED]),
        truncated_alerts=max(incidents - MOST_NAMED, 0),
    )  # fmt: skip


def counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
