"""On which machines of a cluster each relation of the schema lives, and why. Pure.

A relation that is missing here cannot be made on a cluster: the decision has to be taken first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: `shard`: its rows are spread by `key`, and read through a Distributed table of the contract's name.
#: `everywhere`: small, and a full copy is on every machine, so that any of them can be asked and joined with.
#: `asked`: a view that puts together what shards answer; it runs on the machine that was asked.
Kind = Literal["shard", "everywhere", "asked"]

#: All that belongs to one trace is on one shard, whatever project it is of: joins, FINAL and summaries of a trace stay
#: there. Without the project, so that who reads by trace id alone (`otel_traces`) asks one shard too.
BY_TRACE: Final = "cityHash64(trace_id)"
#: Rows of a project, counted together and few.
BY_PROJECT: Final = "cityHash64(project)"


@dataclass(frozen=True, slots=True)
class Placement:
    kind: Kind
    reason: str
    #: The sharding key, an expression over columns of the relation; '' where rows are not spread.
    key: str = ""
    #: A view that shards have too, because others of theirs read it.
    on_shards: bool = True


def _by_trace(reason: str) -> Placement:
    return Placement("shard", reason, BY_TRACE)


PLACEMENTS: Final[dict[str, Placement]] = {
    # Tables
    "stored_spans": _by_trace("A span sent again must meet its like: FINAL works within a shard."),
    "stored_payloads": _by_trace("Joined with its span."),
    "stored_tool_calls": _by_trace("Made from spans and payloads; taken back when settling changes them."),
    "stored_traces": _by_trace("Made from the spans of the trace by the shard that has them."),
    "trace_activity": _by_trace("Says which traces of this shard are open; joined with its spans and summaries."),
    "trace_links": _by_trace(
        "Written with the linking trace; the other direction asks every shard, by a Bloom filter."
    ),
    "stored_findings": _by_trace(
        "Counted in the rows of `traces`. Those of no trace (of an agent over time) are few: one shard has them all."
    ),
    "stored_logs": Placement(
        "shard",
        "With their trace. Most records of some senders have none, and one shard must not get them all: by content, so"
        " that a record sent again meets its like. Reading by trace id asks every shard, by a Bloom filter.",
        "if(trace_id = '', content_hash, cityHash64(trace_id))",
    ),
    "stored_agent_health": Placement("shard", "Some rows an agent and minute, read by project and time.", BY_PROJECT),
    "stored_histories": Placement("shard", "Some rows an hour, read by project and history over weeks.", BY_PROJECT),
    "stored_dismissals": Placement("everywhere", "Some a week; every shard's view `findings` asks for them."),
    "settled_until": Placement("everywhere", "One row; every shard's view `open_traces` asks for it."),
    "detected_until": Placement("everywhere", "A row for each job."),
    "schema_migrations": Placement("everywhere", "The ledger of this schema: whichever machine is asked must know it."),
    # Views
    "spans": _by_trace("Its rows; aggregates over it are worked out by the shards."),
    "span_payloads": _by_trace("Its rows."),
    "llm_calls": _by_trace("Rows of `spans`."),
    "tool_calls": _by_trace("Its rows."),
    "findings": _by_trace("Rows of `stored_findings`, with dismissals that every shard has."),
    "open_traces": _by_trace("Grouped by trace."),
    "live_traces": _by_trace("Summaries of open traces, from spans of the same shard."),
    "all_traces": _by_trace("Summaries, settled and live, of the same shard."),
    "traces": _by_trace("Joins summaries with findings of the same trace."),
    "otel_traces": Placement("shard", "Rows of `stored_spans`.", "cityHash64(TraceId)"),
    "otel_traces_trace_id_ts": Placement("shard", "Grouped by trace.", "cityHash64(TraceId)"),
    "otel_logs": Placement("shard", "Rows of `stored_logs`; nothing is written through it.", "rand()"),
    "agent_health": Placement("shard", "Rows of `stored_agent_health`.", BY_PROJECT),
    "sessions": Placement("asked", "The traces of a session are on several shards.", on_shards=False),
    "open_since": Placement("asked", "The least of what the shards say. A shard's own `live_traces` asks for its own."),
}


def placement(name: str) -> Placement:
    """Raises KeyError with a sentence where nobody has decided yet."""
    try:
        return PLACEMENTS[name]
    except KeyError:
        raise KeyError(f"{name}: decide in {__name__} on which machines of a cluster it lives") from None
