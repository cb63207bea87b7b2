"""Writes spans. The contract of the write side is stated here; the layout in `schema/`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

import pyarrow as pa

from tracestore.clickhouse import client, columns
from tracestore.clickhouse.client import DATABASE
from tracestore.spans.model import Span

Batch = Sequence[tuple[str, Span]]

DAY_NS = 86_400 * 10**9
#: ClickHouse refuses an insert that touches more than 100 partitions (error 252); ours are days.
MOST_DAYS = 90


class SpanWriter:
    """Stores batches of spans. Safe to use from several threads."""

    def write(self, batch: Batch) -> None:
        """Stores (project, span) pairs; returns only when all of them survive `kill -9`.

        Writing the same spans again changes nothing, so a caller may always retry: a row is
        replaced by its like (the table's key), whatever part of the batch was stored before.

        Raises:
            Unavailable: the store does not answer or is over its limits; nothing is promised.
            InvalidInput: the store refused the data; retrying the same batch cannot help.
        """
        version = time.time_ns()
        for part in by_days(batch):
            # Payloads first: a span that can be seen can be opened. Activity last: a trace that
            # is to be settled has all its rows.
            payloads = columns.payload_columns(part, version)
            if payloads.num_rows:
                insert("stored_payloads", payloads)
            spans = columns.span_columns(part, version)
            insert("stored_spans", spans)
            tools = columns.tool_call_columns(part, spans)
            if tools.num_rows:
                insert("stored_tool_calls", tools)
            links = columns.link_columns(part)
            if links.num_rows:
                insert("trace_links", links)
            insert("trace_activity", columns.activity_columns(part))


def insert(table: str, rows: pa.Table) -> None:
    client.insert_arrow(f"{DATABASE}.{table}", columns.serialise(rows), rows.column_names)


def by_days(batch: Batch) -> Iterator[Batch]:
    """The batch cut into parts that each touch few enough days; almost always one."""
    days = {span.record.start_ns // DAY_NS for _, span in batch}
    if len(days) <= MOST_DAYS:
        yield batch
        return
    ordered = sorted(batch, key=lambda pair: pair[1].record.start_ns)
    rank = {day: index // MOST_DAYS for index, day in enumerate(sorted(days))}
    for _, part in groupby(ordered, key=lambda pair: rank[pair[1].record.start_ns // DAY_NS]):
        yield list(part)
