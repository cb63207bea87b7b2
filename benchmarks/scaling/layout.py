"""How an installation is laid out, and what each of its parts can take. Pure.

A part is work that can queue up: so many s of work a span, on so many units that each do 1 s of it a second. Parts of
one machine share its cores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from benchmarks.scaling.figures import Assumed, Recorded

#: Where spans pass, in order; the others are watched and hold nobody up.
STAGES: Final = ("ingest", "engine", "settling", "detection")


@dataclass(frozen=True, slots=True)
class Layout:
    """What there is. `together` says that everything shares the cores of one machine."""

    together: bool
    cores_per_machine: int
    ingest: int = 1
    shards: int = 1
    replicas: int = 1
    #: Passes of settling, and of detection, that may run at the same time, each over traces of its own.
    settling: int = 1
    detection: int = 1
    rows_per_insert: float = 2_048
    #: Each ingest process writes to one shard, since its senders are chosen by trace id.
    by_shard: bool = False
    keepers: int = 0
    #: Installations beside each other, each with projects of its own.
    cells: int = 1
    retention_days: float = 30
    #: Days on own disks; older parts are in object storage. None = all are on own disks.
    hot_days: float | None = None

    @property
    def machines(self) -> int:
        """Of the store."""
        return self.shards * self.replicas * self.cells


@dataclass(frozen=True, slots=True)
class Part:
    """`work`: s (of a core, or of the unit) a span. `units`: how many work at once, in one cell."""

    name: str
    work: float
    units: float
    #: Whether its work is CPU of the machines of the store, for which others compete in layouts `together`.
    pooled: bool = False

    def utilisation(self, spans_per_s: float) -> float:
        return spans_per_s * self.work / self.units


def parts(layout: Layout, seen: Recorded, assumed: Assumed) -> dict[str, Part]:
    """Every part of one cell. `spans_per_s` is that of the cell."""
    shards = layout.shards
    inserts = 1 / layout.rows_per_insert  # a span
    # Through a Distributed table an insert makes a part on every shard; by shard only on its own.
    parts_a_table = inserts / shards if layout.by_shard else inserts
    daily = 86_400 * seen.stored_bytes * assumed.mean_of_peak
    days = min(layout.retention_days, layout.hot_days or layout.retention_days)
    found = [
        Part("ingest", seen.cpu_ingest, layout.ingest, pooled=True),
        Part("engine", seen.cpu_engine, shards * layout.cores_per_machine, pooled=True),
        # Each of these is one thread of Python, or one query, at a time; their CPU is also part of the sums above and below.
        Part("settling", seen.cpu_engine_settling / assumed.cores_of_a_pass, layout.settling),
        Part("detection", seen.cpu_worker, layout.detection, pooled=True),
        Part("parts of a table", parts_a_table / assumed.parts_per_s, 1),
        Part("network of a shard", seen.wire_bytes * layout.replicas / assumed.network_bytes_per_s, shards),
        Part(
            "disk writes of a shard",
            seen.stored_bytes * assumed.write_amplification / assumed.disk_write_bytes_per_s, shards,
        ),
        Part(
            "disk space of a shard",
            daily * days / (assumed.disk_per_machine_tb * 1e12 * assumed.disk_filled), shards,
        ),
    ]  # fmt: skip
    if layout.replicas > 1:
        operations = parts_a_table * shards * assumed.tables_per_insert * assumed.keeper_operations * layout.replicas
        found.append(Part("Keeper", operations / assumed.keeper_operations_per_s, max(layout.keepers, 1)))
    if shards > 1:
        # Not a matter of load: what a question costs grows with the shards it asks.
        found.append(Part("shards of a question", 0.0, assumed.shards_of_a_question / shards))
    return {part.name: part for part in found}


def bound(layout: Layout, seen: Recorded, assumed: Assumed, spans_per_s: float) -> tuple[str, float]:
    """The part that is nearest to its end, and its utilisation: 1 is all that it can take."""
    found = utilisations(layout, seen, assumed, spans_per_s)
    name = max(found, key=lambda one: found[one])
    return name, found[name]


def utilisations(layout: Layout, seen: Recorded, assumed: Assumed, spans_per_s: float) -> dict[str, float]:
    each = spans_per_s / layout.cells
    known = parts(layout, seen, assumed)
    found = {name: part.utilisation(each) for name, part in known.items()}
    if layout.together:
        work = sum(part.work for part in known.values() if part.pooled)
        found["cores of the machine"] = each * work / layout.cores_per_machine
    if layout.shards > 1:
        found["shards of a question"] = layout.shards / assumed.shards_of_a_question
    return found


def for_rate(layout: Layout, seen: Recorded, assumed: Assumed, spans_per_s: float, name: str) -> tuple[Layout, str]:
    """The layout with so much of the named part that it is at the planned utilisation; and what changes, in words.

    KeyError for a part that nothing can be done about.
    """
    each = spans_per_s / layout.cells
    known = parts(layout, seen, assumed)

    def units(part: str) -> int:
        return max(1, ceil(each * known[part].work / assumed.planned))

    match name:
        case "cores of the machine":
            return replace(layout, together=False, cores_per_machine=assumed.cores_per_machine), (
                "A ClickHouse server on a machine of its own; ingest, workers and web on others (`docker-compose.yml`)"
            )
        case "ingest":
            return replace(layout, ingest=units("ingest")), (
                f"{units('ingest')} ingest processes (`TRACESTORE_INGEST_PROCESSES`, and more machines behind a TCP balancer): they keep nothing"
            )
        case "detection":
            return replace(layout, detection=units("detection")), (
                f"{units('detection')} looks at a time, each in a worker process of its own, by hash of the trace. Not built:"
                " one lease holds all of detection today, so more workers do not help; traces that go on are looked at first"
            )
        case "settling":
            return replace(layout, settling=units("settling")), (
                f"{units('settling')} passes of settling at a time, by hash of the trace or by shard. Not built: one lease holds all of it today"
            )
        case "parts of a table" if layout.rows_per_insert < assumed.most_rows_per_insert:
            wanted = each / (assumed.parts_per_s * assumed.planned)
            rows = min(max(wanted, layout.rows_per_insert), assumed.most_rows_per_insert)
            return replace(layout, rows_per_insert=rows), (
                f"Inserts of {rows:,.0f} rows: more senders for each ingest process and a longer wait for them (`ingest/limits.py`)"
            )
        case "parts of a table" if not layout.by_shard and layout.shards > 1:
            return replace(layout, by_shard=True), (
                "Senders are spread by trace id (the Collector's loadbalancing exporter), and each ingest process writes to one shard,"
                " so that an insert makes parts there only. Not built"
            )
        case "Keeper" if not layout.by_shard and layout.shards > 1:
            return replace(layout, by_shard=True), (
                "Senders are spread by trace id (the Collector's loadbalancing exporter), and each ingest process writes to one"
                " shard: a part on every shard for every insert is what Keeper cannot follow. Not built"
            )
        case "Keeper":
            return replace(
                layout, keepers=units("Keeper")
            ), f"{units('Keeper')} Keeper ensembles, each for some of the shards (`auxiliary_zookeepers`)"
        case "disk space of a shard" if layout.hot_days is None and layout.retention_days > assumed.hot_days:
            return replace(layout, hot_days=assumed.hot_days), (
                f"Parts older than {assumed.hot_days:g} days move to object storage (a storage policy and `TTL … TO VOLUME`), or larger disks"
            )
        case "engine" | "network of a shard" | "disk writes of a shard" | "disk space of a shard" | "parts of a table":
            needed = {
                part: each * known[part].work * layout.shards / known[part].units / assumed.planned
                for part in ("engine", "network of a shard", "disk writes of a shard", "disk space of a shard")
            }
            if name == "parts of a table":
                needed[name] = each * known[name].work * layout.shards / assumed.planned
            shards = max(layout.shards, ceil(needed[name]))
            replicas = max(layout.replicas, assumed.replicas if shards > 1 else 1)
            return replace(
                layout, shards=shards, replicas=replicas, keepers=max(layout.keepers, 1) if replicas > 1 else 0
            ), (
                f"{shards} shards of {replicas} replicas (`TRACESTORE_CLICKHOUSE_CLUSTER`), {shards * replicas} machines of"
                f" {layout.cores_per_machine} cores and {assumed.disk_per_machine_tb:g} TB, and Keeper"
            )
        case "shards of a question":
            cells = ceil(layout.cells * layout.shards / (assumed.shards_of_a_question * assumed.planned))
            share = layout.cells / cells
            return replace(
                layout, cells=cells, shards=max(1, ceil(layout.shards * share)), ingest=max(1, ceil(layout.ingest * share)),
                settling=max(1, ceil(layout.settling * share)), detection=max(1, ceil(layout.detection * share)),
                keepers=max(1, ceil(layout.keepers * share)),
            ), f"{cells} installations beside each other, each with projects of its own; one login and one front before them. Not built"  # fmt: skip
    raise KeyError(name)
