"""What ingest counts about itself, for Prometheus, and the ledgers of spans and of log records.

Requests turned away before they are decoded are counted as requests only; what they hold is unknown.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.process_collector import ProcessCollector

from ingest.ledger import Ledger
from tracestore import own_traces, versions

_SIZES = (1e3, 1e4, 1e5, 1e6, 4e6, 16e6, 64e6)
_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000)


class Metrics:
    """The metrics of one ingest process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(own_traces.SPANS)
        Info("tracestore_build", "Which Tracestore this is.", registry=registry).info(versions.own())
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
        self.log_ledger = Ledger(
            Counter(
                "tracestore_ingest_log_records",
                "Log records by what became of them; outcome received is the sum of the others.",
                ("outcome", "reason"),
                registry=registry,
            )
        )
        self.redactions = Counter(
            "tracestore_redactions",
            "Secrets that were taken out before anything was written, by rule; `failed` where a rule could not run.",
            ("rule",),
            registry=registry,
        )
        self.names_beyond = Counter(
            "tracestore_ingest_attributes_beyond_names",
            "Attributes stored without their name in the hot table: their project used too many different names today.",
            registry=registry,
        )
        self.requests = Counter(
            "tracestore_ingest_requests",
            "Export requests by transport and answer.",
            ("transport", "code"),
            registry=registry,
        )
        self.rate_limited = Counter(
            "tracestore_ingest_rate_limited",
            "Export requests refused, before they were decoded, because their project had used up this limit.",
            ("limit",),
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
        # The ledger of spans; its methods are called for every export.
        ledger = Ledger(self.spans)
        self.received = ledger.received
        self.stored = ledger.stored
        self.deduplicated = ledger.deduplicated
        self.rejected = ledger.rejected
        self.refused = ledger.refused
        self.ledger = ledger.sums

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
