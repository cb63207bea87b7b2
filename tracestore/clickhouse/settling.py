"""Settles traces: once a trace is quiet, applies the trace-level rules to spans that came apart and
stores its summary row. Idempotent: a pass that was cut off is simply done again.

A trace is open from its first span until a pass has covered its last write; questions about open
traces are answered from their spans (view `live_traces`), so nothing waits for this to be right,
only to be quick.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from tracestore.clickhouse import audit_trail, client, columns, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.spans.model import Resource, Scope, Span, SpanRecord
from tracestore.spans.resolve import resolve

#: A trace that received nothing for this long is settled. Longer than any write takes between
#: storing its spans and logging them, shorter than anybody waits for.
QUIET_MS: Final = 2_000
#: A trace that never rests is settled this often anyway, so that its doubles do not stay.
BUSY_MS: Final = 10_000
#: Traces of one pass at most: bounds the memory of a pass after the worker was away for long.
PASS_TRACES: Final = 5_000

#: Columns that resolving may change.
_TEXTS = columns.SPAN_TEXTS
_COUNTS = columns.COUNTS


@dataclass(frozen=True, slots=True)
class Settled:
    """What one pass did. `more` says that traces are still waiting."""

    traces: int = 0
    spans_changed: int = 0
    more: bool = False


def settle() -> Settled:
    """One pass over at most PASS_TRACES traces.

    Raises:
        Unavailable: the store does not answer; the next pass starts where this one would have.
    """
    quiet = {"quiet_ms": QUIET_MS}
    until, waiting = client.run(queries.load("settle_until"), {**quiet, "limit": PASS_TRACES}).result_rows[0]
    busy, latest, busy_since = client.run(queries.load("settle_busy"), {**quiet, "busy_ms": BUSY_MS}).result_rows[0]
    if not waiting and not busy:
        return Settled()
    until = until or latest
    version = time.time_ns()
    chosen = {
        "until": f"{until:%Y-%m-%d %H:%M:%S.%f}",
        "busy_since": f"{busy_since:%Y-%m-%d %H:%M:%S.%f}",
        "version": version,
    }
    changed = resolve_spans(chosen, version)
    client.run(queries.load("settle_summaries"), chosen)
    client.run(queries.load("settle_moved"), chosen)
    audit_trail.settle(chosen)
    client.run(queries.load("settle_mark"), chosen)
    client.run(queries.load("settle_watermark"), chosen)
    return Settled(waiting, changed, more=waiting >= PASS_TRACES)


def resolve_spans(chosen: dict[str, Any], version: int) -> int:
    """Applies the trace-level rules to the chosen traces; writes the spans that changed again."""
    by_project: dict[str, list[Span]] = defaultdict(list)
    for project, *row in client.run(queries.load("settle_spans"), chosen).result_rows:
        by_project[project].append(rebuilt(row))
    changed = {
        (project, span.record.trace_id, span.record.span_id): span
        for project, spans in by_project.items()
        for span in resolve(spans)
    }
    if changed:
        rewrite(chosen, changed, version)
    return len(changed)


def rebuilt(row: Sequence[Any]) -> Span:
    """A span from the columns of settle_spans.sql: what the rules look at, no attributes."""
    (trace_id, span_id, parent, name, kind, status, scope_name, scope_version, service, start_ns, duration_ns,
     input_preview, output_preview, *rest) = row  # fmt: skip
    record = SpanRecord(
        trace_id, span_id, parent, name, start_ns, start_ns + duration_ns, kind, status,
        resource=Resource(service=service), scope=Scope(scope_name, scope_version),
    )  # fmt: skip
    span = Span(record, input=input_preview, output=output_preview)
    for field, value in zip((*_TEXTS, *_COUNTS, "cost_usd"), rest, strict=True):
        setattr(span, field, value)
    return span


def rewrite(chosen: dict[str, Any], changed: dict[tuple[str, str, str], Span], version: int) -> None:
    """Stores the rows of changed spans again, with their new values and a later version.

    One read and one write for all of them: a pass may change a few spans in each of many traces.
    """
    table = client.query_arrow(queries.load("settle_rows"), chosen)
    keys = zip(*(table.column(name).to_pylist() for name in ("project", "trace_id", "span_id")), strict=True)
    found = [(index, changed[key]) for index, key in enumerate(keys) if key in changed]
    table = table.take(pa.array([index for index, _ in found], pa.int64()))
    spans = [span for _, span in found]
    new: dict[str, pa.Array] = {name: columns.text([getattr(span, name) for span in spans]) for name in _TEXTS}
    new |= {name: columns.counts(getattr(span, name) for span in spans) for name in _COUNTS}
    new["cost_usd"] = pa.array([span.cost_usd for span in spans], pa.float64())
    new["version"] = columns.counts([version] * len(spans))
    for name, values in new.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    client.insert_arrow(f"{DATABASE}.stored_spans", columns.serialise(table), table.column_names)
