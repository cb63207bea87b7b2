"""What was told to on-call, on /metrics. Counted by the worker's rows in the database, read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracestore.alerts.models import Channel, Delivery, Notification


class NotificationMetrics(Collector):
    """By kind of channel, all projects together; none while the database does not answer."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        attempts = CounterMetricFamily(
            "tracestore_notification_attempts", "Attempts to send a notification.", labels=["kind", "outcome"]
        )
        states = GaugeMetricFamily(
            "tracestore_notifications", "Notifications that are kept, by state.", labels=["kind", "state"]
        )
        channels = GaugeMetricFamily("tracestore_channels", "Channels by state.", labels=["kind", "state"])
        oldest = GaugeMetricFamily(
            "tracestore_notifications_oldest_waiting_seconds", "Age of the oldest one that is to be sent."
        )
        try:
            for kind, outcome, count in counted(Delivery, "notification__channel__kind", "outcome"):
                attempts.add_metric([kind, outcome], count)
            for kind, state, count in counted(Notification, "channel__kind", "state"):
                states.add_metric([kind, state], count)
            now = timezone.now()
            rows = Channel.objects.filter(deleted_at=None).values_list("kind").order_by("kind")
            for kind, off, waiting, every in rows.annotate(
                off=Count("pk", filter=Q(enabled=False)),
                waiting=Count("pk", filter=Q(enabled=True, not_before__gt=now)),
                every=Count("pk"),
            ):
                for state, count in (("disabled", off), ("back_off", waiting), ("fine", every - off - waiting)):
                    channels.add_metric([kind, state], count)
            unsent = Notification.objects.filter(state__in=("waiting", "sending"), channel__deleted_at=None)
            first = unsent.order_by("created_at").values_list("created_at", flat=True).first()
            oldest.add_metric([], max((now - first).total_seconds(), 0.0) if first else 0.0)
        except DatabaseError:
            return
        yield from (attempts, states, channels, oldest)


def counted(model: type[Delivery] | type[Notification], kind: str, by: str) -> list[tuple[str, str, int]]:
    return list(model._default_manager.values_list(kind, by).annotate(n=Count("pk")).order_by(kind, by))
