"""What the product says to the store, as a cluster has to hear it. Pure.

Questions and inserts stay as they are: the contract's names are Distributed tables. Two kinds of statement do not go
through those: changes of stored rows, and questions about parts and disks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tracestore.clickhouse.cluster.placement import PLACEMENTS
from tracestore.clickhouse.cluster.statements import DATABASE, SHARD_DATABASE, Form, home

#: Settings of every connection to a cluster, each with its reason.
SETTINGS: Final[dict[str, int | str]] = {
    # An OK means stored: the insert returns when every shard it went to has it. Never kept by the machine that was
    # asked to be sent on later, which a crash of its disk would lose.
    "distributed_foreground_insert": 1,
    # And when most replicas of each have it, so that it survives the loss of one machine.
    "insert_quorum": "auto",
    # Rows are told apart by their keys. A copy of a block is found by its rows, so Keeper need not remember blocks; and
    # two equal blocks of the log of activity are two writes.
    "insert_deduplicate": 0,
    # Rows find their shard by the key of the table they go to, which may be another than that of where they come from.
    "parallel_distributed_insert_select": 0,
    # A subquery sees all shards, whatever it is joined by: right for every question, also where keys differ.
    "distributed_product_mode": "global",
    # What names a trace asks the one shard that has it.
    "optimize_skip_unused_shards": 1,
    # Groups of a trace are whole on their shard.
    "optimize_distributed_group_by_sharding_key": 1,
    # Everybody reads from and writes to the same replica of a shard while it is there: what was written is seen.
    "load_balancing": "in_order",
    # Also where the machine that is asked is another replica of that shard.
    "prefer_localhost_replica": 0,
    # Less than the minute by which settling looks back (views/20_open_traces.sql); a replica that is further behind is
    # no answer, since a trace that it does not know of would never be settled.
    "max_replica_delay_for_distributed_queries": 30,
    "fallback_to_stale_replicas_for_distributed_queries": 0,
    # An answer without one shard's rows would be wrong and look right.
    "skip_unavailable_shards": 0,
    # Less than a client waits; the statement goes on meanwhile, and may be said again.
    "distributed_ddl_task_timeout": 20,
    # A mutation is done when every replica has done it: what was deleted is gone.
    "mutations_sync": 2,
}  # fmt: skip
#: These mean nothing without replicas.
_OF_REPLICAS: Final = frozenset({"insert_quorum", "distributed_ddl_task_timeout", "prefer_localhost_replica"})

_CHANGE: Final = re.compile(
    r"(\s*)(ALTER TABLE|DELETE FROM|OPTIMIZE TABLE|TRUNCATE TABLE)(\s+)"
    r"(?:\{(?P<parameter>\w+):Identifier\}|(?:" + DATABASE + r"\.)?(?P<name>\w+))",
    re.IGNORECASE,
)
#: What each machine only knows of itself.
_SYSTEM: Final = re.compile(r"\bsystem\.(parts|disks|mutations|replicas|replication_queue)\b")


def settings(form: Form) -> dict[str, int | str]:
    return {name: value for name, value in SETTINGS.items() if form.replicated or name not in _OF_REPLICAS}


def adapted(query: str, parameters: Mapping[str, Any] | None, form: Form) -> tuple[str, dict[str, Any] | None]:
    """The statement and its parameters for a cluster."""
    bound = dict(parameters) if parameters is not None else None
    if found := _CHANGE.match(query):
        name = found["name"] or str((bound or {}).get(found["parameter"], ""))
        if name in PLACEMENTS:
            target = f"{home(name)}.{name}{form.on_cluster}"
            query = f"{found[1]}{found[2]}{found[3]}{target}{query[found.end() :]}"
    elif _SYSTEM.search(query):
        # One replica of each shard: rows and bytes are those of the data, not of their copies.
        query = _SYSTEM.sub(lambda named: f"cluster('{form.cluster}', system.{named[1]})", query)
        if bound is not None and bound.get("database") == DATABASE:
            bound["database"] = SHARD_DATABASE
    return query, bound
