"""Settles traces: once a trace is quiet, applies the trace-level rules to spans that came apart and
stores its summary row. Idempotent: a pass that was cut off is simply done again.

A trace is open from its first span until a pass has covered its last write; questions about open
traces are answered from their spans (view `live_traces`), so nothing waits for this to be right,
only to be quick.

What is open is read once in a pass; which traces each statement is about travels with it as a table.
Asking for it again inside each statement made up most of what settling cost.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from tracestore.clickhouse import audit_trail, client, columns, completing, joining_logs, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.open_traces import OpenTrace, Settled, choose
from tracestore.spans.model import Resource, Scope, Span, SpanRecord
from tracestore.spans.own_prices import OverridesOf
from tracestore.spans.resolve import resolve

__all__ = ["Settled", "settle"]

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

Trace = tuple[str, str]
SpanKey = tuple[str, str, str]


def settle(overrides: OverridesOf = lambda project: None) -> Settled:
    """One pass over at most PASS_TRACES traces. `overrides` gives the own prices of a project.

    Raises:
        Unavailable: the store does not answer; the next pass starts where this one would have.
    """
    rows = client.run(queries.load("settle_open")).result_rows
    choice = (
        choose([OpenTrace(*row[:-1]) for row in rows], rows[0][-1], QUIET_MS, BUSY_MS, PASS_TRACES) if rows else None
    )
    if choice is None:
        return Settled()
    chosen = {"chosen": columns.traces_table(choice.traces, choice.starts)}
    known = {row[:2]: row[2] for row in client.run(queries.load("settle_known"), tables=chosen).result_rows}
    since = min((choice.since, *known.values()))
    version = time.time_ns()
    after = nanoseconds(since)
    parameters = {"since": after, "until": microseconds(choice.until), "version": version}
    # Before the rules: a user that only a log record names is spread over the trace.
    logged = joining_logs.join(chosen, parameters, version - 1)
    apart = {*choice.apart, *known, *logged}
    changed = resolve_spans(apart, parameters, overrides) if apart else 0
    client.run(queries.load("settle_summaries"), parameters, tables=chosen)
    if known:
        client.run(queries.load("settle_moved"), parameters, tables={"known": columns.traces_table(list(known))})
    changed += completing.complete(chosen, sorted(apart), since, after, overrides)
    if apart:
        audit_trail.settle(sorted(apart), parameters)
    client.run(queries.load("settle_mark"), parameters, tables=chosen)
    client.run(queries.load("settle_watermark"), {"until": microseconds(choice.watermark)})
    return Settled(choice.quiet, changed, more=choice.quiet >= PASS_TRACES)


def resolve_spans(apart: Iterable[Trace], parameters: dict[str, Any], overrides: OverridesOf) -> int:
    """Applies the trace-level rules to traces that came apart; writes the spans that changed again."""
    by_project: dict[str, list[Span]] = defaultdict(list)
    found = client.run(queries.load("settle_spans"), parameters, tables={"apart": columns.traces_table(sorted(apart))})
    for project, *row in found.result_rows:
        by_project[project].append(rebuilt(row))
    changed = {
        (project, span.record.trace_id, span.record.span_id): span
        for project, spans in by_project.items()
        for span in resolve(spans, overrides(project))
    }
    if changed:
        rewrite(changed, parameters)
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


def rewrite(changed: dict[SpanKey, Span], parameters: dict[str, Any]) -> None:
    """Stores the rows of changed spans again, with their new values and a later version.

    One read and one write for all of them: a pass may change a few spans in each of many traces.
    """
    names = ("project", "trace_id", "span_id")
    keys = {name: columns.text([key[index] for key in changed]) for index, name in enumerate(names)}
    table = client.query_arrow(queries.load("settle_rows"), parameters, tables={"changed": pa.table(keys)})
    found = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    spans = [changed[key] for key in found]
    new: dict[str, pa.Array] = {name: columns.text([getattr(span, name) for span in spans]) for name in _TEXTS}
    new |= {name: columns.counts(getattr(span, name) for span in spans) for name in _COUNTS}
    new["cost_usd"] = pa.array([span.cost_usd for span in spans], pa.float64())
    new["version"] = columns.counts([parameters["version"]] * len(spans))
    for name, values in new.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    client.insert_arrow(f"{DATABASE}.stored_spans", columns.serialise(table), table.column_names)


def microseconds(value: int) -> str:
    """Microseconds since the epoch as the text of a DateTime64(6)."""
    return f"{datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value):%Y-%m-%d %H:%M:%S.%f}"


def nanoseconds(value: int) -> str:
    """Nanoseconds since the epoch as the text of a DateTime64(9)."""
    return f"{microseconds(value // 1000)}{value % 1000:03}"
