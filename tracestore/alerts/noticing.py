"""What is told of an incident: builds the message and stores a notification for each channel, before any is sent.

`occasion` is `N:event:version[:k]`: the incident, and the version of the transition that is the reason. A channel
cannot have two of one occasion, so whoever does a step again after a crash tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings

from tracestore.alerts import facts as facts_of
from tracestore.alerts.merging import titled
from tracestore.alerts.message import Event, Message, MessageAlert, as_json
from tracestore.alerts.models import Alert, Channel, Incident, Notification
from tracestore.models import Project
from tracestore.moments import utc_text

MOST_ALERTS: Final = 50
#: Of the annotations of an alert.
MOST_TEXT: Final = 1_000


def store(
    row: Incident, event: Event, channels: Iterable[Channel], version: int, now: datetime, *, nth: int | None = None,
    actor: str = "", note: str = "",
) -> int:  # fmt: skip
    """Stores what these channels are to be told. In the transaction of what is its reason. Returns how many are new."""
    occasion = ":".join(str(part) for part in (row.pk, event, version, nth) if part is not None)
    told = set(Notification.objects.filter(occasion=occasion, incident=row).values_list("channel_id", flat=True))
    missing = [channel for channel in channels if channel.pk not in told]
    if not missing:
        return 0
    message = as_json(compose(row, event, now, actor=actor, note=note))
    Notification.objects.bulk_create(
        [
            Notification(project_id=row.project_id, channel=channel, incident=row, event=event, occasion=occasion,
                         message=message, created_at=now, not_before=now)
            for channel in missing
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(missing)


def version_of(occasion: str) -> int:
    """The version in an occasion, 0 if it has none."""
    parts = occasion.split(":")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0


def compose(row: Incident, event: Event, now: datetime, *, actor: str = "", note: str = "") -> Message:
    """The message of an incident as it is."""
    facts = facts_of.from_json(row.facts)
    alerts, left_out = _alerts(row)
    resolved = row.resolved_at if row.state == Incident.State.RESOLVED else None
    return Message(
        event=event,
        project=row.project.slug,
        at=utc_text(now),
        title=titled(row.title, 0),
        key=f"tracestore/{row.project.slug}/incident/{row.pk}",
        number=row.pk,
        state=row.state,  # type: ignore[arg-type]
        severity=row.severity,  # type: ignore[arg-type]
        labels={**row.labels, "project": row.project.slug, "severity": row.severity},
        facts=facts,
        opened_at=utc_text(row.opened_at),
        resolved_at=utc_text(resolved) if resolved else "",
        actor=actor,
        note=note,
        owner=row.owner,
        runbook_url=row.runbook_url,
        url=incident_url(row),
        evidence_url=evidence_url(row, facts),
        alerts=tuple(alerts),
        truncated_alerts=left_out,
    )


def incident_url(row: Incident) -> str:
    return _page(row, f"/incidents/{row.pk}/")


def evidence_url(row: Incident, facts: facts_of.Facts) -> str:
    """The page of the first evidence, else of the newest run; '' if there is neither."""
    for seen in facts.evidence:
        if seen.trace_id:
            return _page(row, f"/traces/{seen.trace_id}/", **({"span": seen.span_id} if seen.span_id else {}))
    return _page(row, f"/traces/{facts.runs[0].trace_id}/") if facts.runs else ""


def _page(row: Incident, path: str, **query: str) -> str:
    """An absolute address; it names the project where there are several to choose from."""
    if Project.objects.exclude(pk=row.project_id).exists():
        query["project"] = row.project.slug
    return settings.PUBLIC_URL + path + ("?" + urlencode(query) if query else "")


def _alerts(row: Incident) -> tuple[list[MessageAlert], int]:
    """The alerts, those that fire first, and how many are left out."""
    rows = Alert.objects.filter(incident=row).exclude(state=Alert.State.PENDING)
    count = rows.count()
    found = rows.select_related("rule").order_by("state", "-fired_at", "pk")[:MOST_ALERTS]
    return [_alert(row, one) for one in found], max(0, count - MOST_ALERTS)


def _alert(row: Incident, one: Alert) -> MessageAlert:
    facts = facts_of.from_json(one.facts)
    over = row.state == Incident.State.RESOLVED or one.state == Alert.State.RESOLVED
    ended = (one.resolved_at or row.resolved_at or one.last_seen_at) if over else None
    annotations = {"summary": facts.title[:MOST_TEXT], "description": facts.summary[:MOST_TEXT]}
    if one.rule.runbook_url:
        annotations["runbook_url"] = one.rule.runbook_url
    return MessageAlert(
        fingerprint=one.fingerprint,
        status="resolved" if over else "firing",
        labels={name: str(value) for name, value in one.labels.items()},
        annotations=annotations,
        starts_at=utc_text(one.fired_at or one.since),
        ends_at=utc_text(ended) if ended else "",
        url=evidence_url(row, facts) or incident_url(row),
    )
