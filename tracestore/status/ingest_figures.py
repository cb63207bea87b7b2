"""What ingest counts about itself, asked of its /metrics."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tracestore.environment import Environment, reachable, url_host

WITHIN_S: Final = 0.5
_MOST_BYTES: Final = 1 << 20


@dataclass(slots=True)
class IngestFigures:
    """Sums since each process started. `processes` is how many answered."""

    processes: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    insert_failures: Counter[str] = field(default_factory=Counter)
    #: Upper bound in seconds (of `le`) → requests that took no longer; all transports.
    answered: Counter[float] = field(default_factory=Counter)
    queued: float = 0.0
    resident_bytes: float = 0.0

    def within(self, share: float) -> float | None:
        """The upper bound in seconds that this share of all requests kept; None without any."""
        total = self.answered.get(float("inf"), 0)
        if not total:
            return None
        return min(bound for bound, count in self.answered.items() if count >= share * total)


def read(environment: Environment) -> IngestFigures:
    """The figures of all processes that share the port: each connection reaches any one of them, so it is asked a
    few times and each is counted once, told apart by the moment it started.

    Raises:
        OSError: none answers.
    """
    address = environment.ingest_url or (f"http://{url_host(reachable(environment.bind))}:{environment.otlp_http_port}")
    found = IngestFigures()
    seen: set[float] = set()
    tries = 1 if environment.ingest_processes == 1 else 4 * environment.ingest_processes
    for _ in range(tries):
        add(found, ask(f"{address}/metrics"), seen)
        if len(seen) == environment.ingest_processes:
            break
    found.processes = len(seen)
    return found


def ask(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=WITHIN_S) as answer:  # noqa: S310 (http or https: environment.py)
            return str(answer.read(_MOST_BYTES).decode("utf-8", "replace"))
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error


def add(found: IngestFigures, text: str, seen: set[float]) -> None:
    """Adds one page, unless its process was added before."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    started = next((s.value for s in samples if s.name == "process_start_time_seconds"), 0.0)
    if started in seen:
        return
    seen.add(started)
    for sample in samples:
        labels, value = sample.labels, sample.value
        if sample.name == "tracestore_ingest_spans_total":
            outcome = labels.get("outcome", "")
            found.spans[outcome] += int(value)
            if outcome in ("rejected", "refused") and value:
                getattr(found, outcome)[labels.get("reason", "")] += int(value)
        elif sample.name == "tracestore_store_insert_failures_total":
            found.insert_failures[labels.get("code", "")] += int(value)
        elif sample.name == "tracestore_ingest_request_duration_seconds_bucket":
            found.answered[float(labels["le"])] += int(value)
        elif sample.name == "tracestore_ingest_queued_spans":
            found.queued += value
        elif sample.name == "process_resident_memory_bytes":
            found.resident_bytes += value
