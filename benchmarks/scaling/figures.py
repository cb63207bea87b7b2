"""The figures that the capacity model and docs/scaling.md stand on: what was measured, and what is assumed.

`RECORDED` comes from one run of `make bench` on the machine that docs/benchmarks.md names; put a new run's figures here and
every table that follows from them changes. `ASSUMED` was not measured here; each has its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Recorded:
    """Realistic spans on one machine with everything on it. CPU in s per span."""

    date: str = "2026-11-27"
    cores: int = 2
    memory_gib: float = 24
    spans_per_s: float = 5_605
    cpu_engine: float = 0.170e-3
    cpu_ingest: float = 0.072e-3
    cpu_worker: float = 0.134e-3
    #: Of the engine's: the statements of settling (docs/benchmarks.md, "A settling pass"), one after another.
    cpu_engine_settling: float = 0.012e-3
    small_spans_per_s: float = 9_989
    small_cpu: float = 0.210e-3
    wire_bytes: float = 3_443
    stored_bytes: float = 1_149
    spans_per_trace: float = 16
    visible_p50_ms: float = 151
    visible_p95_ms: float = 265
    list_p50_ms: float = 98
    trace_p50_ms: float = 49
    tool_errors_p50_ms: float = 10
    memory_idle_gib: float = 0.65
    memory_most_gib: float = 1.53

    @property
    def cpu(self) -> float:
        """Of all processes together, s per span."""
        return self.cpu_engine + self.cpu_ingest + self.cpu_worker


@dataclass(frozen=True, slots=True)
class Assumed:
    """What has to be known and was not measured. Replace by your own figures."""

    #: How much of anything is planned for: the rest is for merges in bursts, pages, SQL and a lost machine.
    planned: float = 0.65
    #: Rows of an insert under load: 2,048 were seen with four senders; `commit_rows` of ingest/limits.py is the most.
    rows_per_insert: float = 2_048
    most_rows_per_insert: float = 20_000
    #: Tables that a write of spans makes a part in.
    tables_per_insert: float = 5
    #: New parts that a table of one shard takes in a second for long. ClickHouse delays inserts at 1,000 parts of a
    #: partition and refuses them at 3,000; at 20 a second a pass of merges has a minute for them.
    parts_per_s: float = 20
    #: Keeper: operations a replicated part costs, and operations a second of an ensemble on ordinary disks.
    keeper_operations: float = 12
    keeper_operations_per_s: float = 5_000
    #: A pass of settling is CPU of one query at a time, which uses about this many cores.
    cores_of_a_pass: float = 1.5
    cores_per_machine: int = 16
    memory_per_machine_gib: float = 64
    disk_per_machine_tb: float = 8
    #: Of a disk; the rest is for merges.
    disk_filled: float = 0.75
    network_bytes_per_s: float = 1.25e9
    disk_write_bytes_per_s: float = 500e6
    #: A row is written this often until its part is large.
    write_amplification: float = 6
    replicas: int = 2
    retention_days: float = 30
    #: Spans are sent around the clock at this part of the rate that is planned for: days have nights.
    mean_of_peak: float = 0.35
    #: Days on the machines' own disks, where object storage has the rest.
    hot_days: float = 3
    #: A query of many shards waits for the slowest; beyond this one in a hundred is slow for most queries (0.99^100 = 0.37).
    shards_of_a_question: float = 100


RECORDED: Final = Recorded()
ASSUMED: Final = Assumed()
