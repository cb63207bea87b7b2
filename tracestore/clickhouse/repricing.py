"""Prices stored calls again, in bounded batches: read the figures, calculate, write the rows that changed.

A changed row is written whole with a later version, which replaces the one before (the table's key).
Its trace is noted as touched *before* that, so that a run which is killed between the two leaves a
trace that settles once more for nothing and never a summary that is wrong for ever. Both happen
inside one hold of the settling lease (see `tracestore.repricing`), so no pass sees half of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from tracestore.clickhouse import client, columns, filters, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.writer import insert
from tracestore.spans.model import Span, SpanRecord
from tracestore.spans.normalise import price_call
from tracestore.spans.own_prices import Overrides, glob_as_regex
from tracestore.spans.semconv.reported import ATTRIBUTES

#: Calls of one batch. Their whole rows are read when all of them change: some 3 kB each.
BATCH_CALLS: Final = 1_000

#: The range that DateTime64(9) can hold; what lies outside means "no bound".
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2262, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calls:
    """Which stored calls of a project: `model` is a name or pattern, '' any; `since` <= start < `until`."""

    project: str
    model: str = ""
    provider: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "pattern": glob_as_regex(self.model) if self.model else "",
            "provider": self.provider,
            "since": filters.seconds(self.since or _EARLIEST),
            "until": filters.seconds(self.until or _LATEST),
        }


@dataclass(frozen=True, slots=True)
class Touched:
    """How many stored calls a price is about, and what they cost at present."""

    calls: int
    cost_usd: float | None
    unpriced: int


@dataclass(slots=True)
class Change:
    """A call that costs something else now."""

    span: Span
    old_cost: float | None
    old_source: str


@dataclass(slots=True)
class Batch:
    """Up to BATCH_CALLS calls of one day, and those of them that cost something else now.

    `window` are the parameters that name the same calls again.
    """

    window: dict[str, Any]
    calls: int = 0
    changes: list[Change] = field(default_factory=list)


def touched(calls: Calls) -> Touched:
    """How many calls these are.

    Raises:
        Unavailable: the store does not answer.
    """
    return Touched(*client.run(queries.load("reprice_count"), calls.parameters).result_rows[0])


def days(calls: Calls) -> list[tuple[str, int]]:
    """The days (`2026-11-21`) that have such calls, with how many."""
    return [(day, count) for day, count in client.run(queries.load("reprice_days"), calls.parameters).result_rows]


def batches(calls: Calls, day: str, overrides: Overrides | None) -> Iterator[Batch]:
    """The calls of a day, batch by batch, priced with `overrides` and the built-in table."""
    after: dict[str, Any] = {"after_ns": day_start(day), "after_trace": "", "after_span": ""}
    while True:
        asked = {**calls.parameters, **after, "day": day, "limit": BATCH_CALLS, "reported": list(ATTRIBUTES)}
        rows = client.run(queries.load("reprice_figures"), asked).result_rows
        if not rows:
            return
        trace_id, span_id, start_ns, *_ = rows[-1]
        found = (changed(row, overrides) for row in rows)
        window = {**asked, "last_ns": start_ns, "last_trace": trace_id, "last_span": span_id}
        yield Batch(window, len(rows), [change for change in found if change is not None])
        if len(rows) < BATCH_CALLS:
            return
        after = {"after_ns": start_ns, "after_trace": trace_id, "after_span": span_id}


def day_start(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


def changed(row: tuple[Any, ...], overrides: Overrides | None) -> Change | None:
    """The call with its new cost, None when it stays what it was."""
    trace_id, span_id, start_ns, provider, model, request_model, *counts = row
    *counts, cost, source, reported = counts
    record = SpanRecord(trace_id, span_id, "", "", start_ns, start_ns, attributes=reported)
    span = Span(record, provider=provider, model=model, request_model=request_model, usage_rule="stored")
    for name, value in zip(columns.COUNTS, counts, strict=True):
        setattr(span, name, value)
    price_call(span, overrides)
    if (span.cost_usd, span.price_source) == (cost, source):
        return None
    return Change(span, cost, source)


def rewrite(batch: Batch) -> int:
    """Stores the changed calls of a batch with their new cost; returns how many rows were written.

    A call that is no call any more (settling found that another span reports it) is left alone.

    Raises:
        Unavailable: the store does not answer; the same batch may be written again.
    """
    if not batch.changes:
        return 0
    spans = {(change.span.record.trace_id, change.span.record.span_id): change.span for change in batch.changes}
    table = client.query_arrow(queries.load("reprice_rows"), batch.window)
    keys = zip(*(table.column(name).to_pylist() for name in ("trace_id", "span_id")), strict=True)
    places = [(index, spans[key]) for index, key in enumerate(keys) if key in spans]
    if not places:
        return 0
    table = table.take(pa.array([index for index, _ in places], pa.int64()))
    found = [span for _, span in places]
    new = {
        "cost_usd": pa.array([span.cost_usd for span in found], pa.float64()),
        "price_source": columns.text([span.price_source for span in found]),
        "version": columns.counts([time.time_ns()] * len(found)),
    }
    for name, values in new.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    insert("trace_activity", columns.activity_columns([(batch.window["project"], span) for span in found]))
    client.insert_arrow(f"{DATABASE}.stored_spans", columns.serialise(table), table.column_names)
    return len(found)
