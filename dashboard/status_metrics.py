"""What the status page shows of the whole, on the web process's /metrics; the store is asked each 15 s at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracestore.clickhouse import store_status
from tracestore.clickhouse.detecting import looking
from tracestore.errors import TracestoreError
from tracestore.status import reading
from tracestore.status.jobs import all_passes

FRESH_S: Final = 15.0


class StatusMetrics(Collector):
    """Gauges of jobs (from the database), of lag and disk (from the store); what cannot be read is left out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = -FRESH_S
        self._of_store: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must ask nobody."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            yield from jobs()
        except DatabaseError:
            return
        with self._lock:
            if time.monotonic() - self._at >= FRESH_S:
                try:
                    self._of_store = list(of_store())
                except (TracestoreError, DatabaseError):
                    self._of_store = []
                self._at = time.monotonic()
            found = list(self._of_store)
        up = GaugeMetricFamily("tracestore_store_up", "Whether the store answers (1) or not (0).")
        up.add_metric([], float(bool(found)))
        yield up
        yield from found


def jobs() -> Iterator[Metric]:
    done = GaugeMetricFamily(
        "tracestore_job_last_success_timestamp_seconds", "When a scheduled job last did its work.", labels=["job"]
    )
    failed = GaugeMetricFamily(
        "tracestore_job_last_failure_timestamp_seconds", "When a scheduled job last could not.", labels=["job"]
    )
    for one in all_passes():
        if one.done is not None:
            done.add_metric([one.job], one.done.timestamp())
        if one.failed is not None:
            failed.add_metric([one.job], one.failed.timestamp())
    yield from (done, failed)


def of_store() -> Iterator[Metric]:
    now = timezone.now()
    count, oldest = store_status.waiting(None)
    yield gauge("tracestore_settling_waiting_traces", "Traces that wait to be settled.", count)
    yield gauge("tracestore_settling_oldest_seconds", "How long the oldest of them has waited.", oldest)
    until = looking.looked_until("traces")
    if until:
        lag = max(now.timestamp() - until / 1e6, 0.0)
        yield gauge("tracestore_detection_lag_seconds", "How far detectors are behind.", lag)
    sizes = GaugeMetricFamily("tracestore_store_table_bytes", "Bytes of a table on disk.", labels=["table"])
    for table in store_status.tables():
        sizes.add_metric([table.name], table.bytes)
    yield sizes
    space, seen = reading.forecasted(now)
    if space is not None:
        yield gauge("tracestore_store_disk_free_bytes", "Free bytes of the store's disk.", space[0])
        yield gauge("tracestore_store_disk_bytes", "All bytes of the store's disk.", space[1])
        if seen.days is not None:
            yield gauge("tracestore_store_disk_full_days", "Days until it is full at the present rate.", seen.days)


def gauge(name: str, says: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, says)
    family.add_metric([], float(value))
    return family
