"""What detectors did, on /metrics. Counted by the worker, kept in the database, read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracestore.models import DetectorRun

#: Metric, what it says, field of the row.
COUNTERS = (
    ("tracestore_detector_looks", "Runs and histories that a detector was given.", "looks"),
    ("tracestore_detector_findings", "Findings of a detector that were new or had changed.", "findings"),
    ("tracestore_detector_failures", "Looks at which a detector failed.", "failures"),
    ("tracestore_detector_cpu_seconds", "CPU that a detector took.", "cpu_seconds"),
)


class DetectorMetrics(Collector):
    """One series per detector and metric; none while the database does not answer."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            rows = list(DetectorRun.objects.order_by("detector"))
        except DatabaseError:
            return
        for name, says, field in COUNTERS:
            family = CounterMetricFamily(name, says, labels=["detector"])
            for row in rows:
                family.add_metric([row.detector], float(getattr(row, field)))
            yield family
