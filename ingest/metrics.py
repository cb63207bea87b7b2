"""What ingest counts about itself, for Prometheus, and the ledger of spans.

The ledger: every span that was decoded ends in exactly one outcome, so
`received = stored + rejected + refused` whenever no export is under way. Rejected: this span, for its
own fault, told by partial success. Refused: the export it came in, which the sender should repeat.
Requests turned away before they are decoded are counted as requests only; what they hold is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

_SIZES = (1e3, 1e4, 1e5, 1e6, 4e6, 16e6, 64e6)
_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000)


class Metrics:
    """The metrics of one ingest process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.spans = Counter(
            "tracestore_ingest_spans",
            "Spans by what became of them; outcome received is the sum of the others.",
            ("outcome", "reason"),
            registry=registry,
        )
        self.normalise_failures = Counter(
            "tracestore_ingest_normalise_failures",
            "Spans stored as received because a convention could not read them (a defect).",
            registry=registry,
        )
        self.logs = Counter(
            "tracestore_ingest_log_records",
            "Log records by what became of them.",
            ("outcome",),
            registry=registry,
        )
        self.requests = Counter(
            "tracestore_ingest_requests",
            "Export requests by transport and answer.",
            ("transport", "code"),
            registry=registry,
        )
        self.request_bytes = Histogram(
            "tracestore_ingest_request_bytes",
            "Size of request bodies after decompression.",
            ("transport",),
            buckets=_SIZES,
            registry=registry,
        )
        self.request_seconds = Histogram(
            "tracestore_ingest_request_duration_seconds",
            "From the whole request to its answer, the commit included.",
            ("transport",),
            buckets=_TIMES,
            registry=registry,
        )
        self.insert_seconds = Histogram(
            "tracestore_store_insert_duration_seconds",
            "One insert into the store.",
            buckets=_TIMES,
            registry=registry,
        )
        self.insert_rows = Histogram(
            "tracestore_store_insert_rows", "Spans in one insert.", buckets=_ROWS, registry=registry
        )
        self.insert_failures = Counter(
            "tracestore_store_insert_failures",
            "Inserts that failed, by error code.",
            ("code",),
            registry=registry,
        )
        self.in_flight_bytes = Gauge("tracestore_ingest_in_flight_bytes", "Bodies being worked on.", registry=registry)
        self.queued_spans = Gauge("tracestore_ingest_queued_spans", "Spans waiting for an insert.", registry=registry)
        # Bound once: a look-up by label for every export is wasted work.
        self._received = self.spans.labels("received", "")
        self._stored = self.spans.labels("stored", "")

    def received(self, spans: int) -> None:
        self._received.inc(spans)

    def stored(self, spans: int) -> None:
        self._stored.inc(spans)

    def rejected(self, reasons: Mapping[str, int]) -> None:
        for reason, spans in reasons.items():
            self.spans.labels("rejected", reason).inc(spans)

    def refused(self, reason: str, spans: int) -> None:
        self.spans.labels("refused", reason).inc(spans)

    def ledger(self) -> dict[str, int]:
        """Spans by outcome, reasons summed up."""
        sums = {"received": 0, "stored": 0, "rejected": 0, "refused": 0}
        for metric in self.spans.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    sums[sample.labels["outcome"]] += int(sample.value)
        return sums

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
