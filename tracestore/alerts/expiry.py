"""Deletes what on-call needs no more: messages and alerts of long ago. Incidents, their transitions and the record of
halts are kept: they are few, and what was done then is what the next one is compared with.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from tracestore.alerts.models import Alert, Incident, Notification

#: As long as people ask "was I told?" and "how often did this fire?".
KEPT: Final = timedelta(days=90)
#: Of one run, so that no transaction holds the others up; the next run does the rest.
MOST: Final = 5_000


def expire(now: datetime) -> int:
    """Returns how many notifications (with their deliveries) and alerts were deleted."""
    before = now - KEPT
    ended = (Notification.State.SENT, Notification.State.FAILED, Notification.State.SKIPPED)
    over = Q(incident=None) | Q(incident__state=Incident.State.RESOLVED, incident__resolved_at__lt=before)
    notifications = Notification.objects.filter(over, state__in=ended, created_at__lt=before)
    alerts = Alert.objects.filter(over, state=Alert.State.RESOLVED, resolved_at__lt=before)
    return _delete(notifications) + _delete(alerts)


def _delete(rows: QuerySet[Any]) -> int:
    numbers = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST])
    for begin in range(0, len(numbers), 500):
        rows.model._default_manager.filter(pk__in=numbers[begin : begin + 500]).delete()
    return len(numbers)
