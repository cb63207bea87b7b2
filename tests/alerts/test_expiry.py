"""What of on-call is deleted, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracestore.alerts import expiry
from tracestore.alerts.models import Alert, AlertRule, Channel, Delivery, Incident, Notification
from tracestore.models import Project

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)


def test_only_what_is_old_and_over_goes() -> None:
    project = Project.objects.create(slug="shop", name="Shop")
    rule = AlertRule.objects.create(project=project, name="loops", kind="findings")
    channel = Channel.objects.create(project=project, name="here", kind="webhook")
    incidents = {
        "over": Incident.objects.create(
            project=project, key="1", state="resolved", resolved_at=LONG_AGO, severity="warning"
        ),
        "going": Incident.objects.create(project=project, key="2", open_key="2", state="open", severity="warning"),
    }
    for name, incident in incidents.items():
        for state in ("sent", "waiting"):
            told = Notification.objects.create(
                project=project, channel=channel, incident=incident, event="opened", occasion=f"{name}{state}",
                state=state, created_at=LONG_AGO,
            )  # fmt: skip
            Delivery.objects.create(notification=told, outcome="sent")
        for state in ("resolved", "firing"):
            Alert.objects.create(
                project=project, rule=rule, fingerprint=f"{name}{state}", state=state, severity="warning",
                incident=incident, resolved_at=LONG_AGO,
            )  # fmt: skip
    Notification.objects.create(
        project=project, channel=channel, event="test", occasion="new", state="sent", created_at=NOW
    )
    assert expiry.expire(NOW) == 2
    left = Notification.objects.order_by("occasion").values_list("occasion", flat=True)
    assert list(left) == ["goingsent", "goingwaiting", "new", "overwaiting"]
    assert Delivery.objects.count() == 3
    assert set(Alert.objects.values_list("fingerprint", flat=True)) == {"goingresolved", "goingfiring", "overfiring"}
    assert Incident.objects.count() == 2
    assert expiry.expire(NOW) == 0
