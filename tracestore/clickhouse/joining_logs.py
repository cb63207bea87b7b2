"""Joins GenAI events that came as log records to their spans, as a step of settling.

A span gets from its events what it does not have itself: input, output, session, user, finish reason,
error type. Never tokens: events repeat the usage of their span. Records may have come before, with or
after the span; each write of either opens the trace again, so the last one joins.
Idempotent: a span that has everything is not written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.typed_values import parse, typed
from tracestore.spans.semconv.log_events import Told, event_of, told

Trace = tuple[str, str]
SpanKey = tuple[str, str, str]

#: What is read at once: the text of messages, and traces, whose ids stand in the statement.
CHUNK_BYTES: Final = 32 << 20
CHUNK_TRACES: Final = 100

#: What a span may get, in the order of the columns of joining_events.sql.
_TEXTS: Final = ("session_id", "user_id", "finish_reason", "error_type")


def join(chosen: client.Tables, parameters: dict[str, Any], version: int) -> list[Trace]:
    """Joins the events of the traces that a pass has chosen; gives the traces that have events.

    `chosen` holds them as a table of this name; `parameters` say since when they have spans;
    `version` is that of the rows to be written.

    Raises:
        Unavailable: the store does not answer.
    """
    traces = client.run(queries.load("joining_traces"), parameters, tables=chosen).result_rows
    for chunk in chunks(traces):
        _join(chunk, parameters["since"], version)
    return [(project, trace_id) for project, trace_id, _ in traces]


def chunks(traces: Sequence[tuple[str, str, int]]) -> Iterator[list[Trace]]:
    """(project, trace, bytes) in parts that are not too large; one trace at least."""
    part: list[Trace] = []
    size = 0
    for project, trace_id, count in traces:
        if part and (size + count > CHUNK_BYTES or len(part) == CHUNK_TRACES):
            yield part
            part, size = [], 0
        part.append((project, trace_id))
        size += count
    if part:
        yield part


def _join(traces: list[Trace], since: str, version: int) -> None:
    parameters = {"traces": traces, "since": since}
    rows = client.run(queries.load("joining_events"), parameters).result_rows
    changed: dict[SpanKey, Told] = {}
    for key, group in groupby(rows, key=itemgetter(0, 1, 2)):
        new = news(list(group))
        if new is not None:
            changed[key] = new
    if changed:
        # Payloads first, as in a write: a span that can be seen can be opened.
        payloads = {key: new for key, new in changed.items() if new.input or new.output}
        if payloads:
            _rewrite_payloads(parameters, payloads, version)
        _rewrite_spans(parameters, changed, version)


def news(rows: Sequence[Sequence[Any]]) -> Told | None:
    """What the events of one span (rows of joining_events.sql) say that it does not have; None for nothing."""
    span_type, *has = rows[0][3:8]
    lacks_input, lacks_output = rows[0][8:10]
    events = [
        event_of(time_ns, name, parse(body, body_type), typed(attributes, types))
        for time_ns, name, body, body_type, attributes, types in (row[10:] for row in rows)
    ]
    said = told(events, span_type)
    for name, value in zip(_TEXTS, has, strict=True):
        if value:
            setattr(said, name, "")
    if not lacks_input:
        said.input = ""
    if not lacks_output:
        said.output = ""
    return said if said != Told() else None


def _rewrite_spans(parameters: dict[str, Any], changed: dict[SpanKey, Told], version: int) -> None:
    table = client.query_arrow(queries.load("joining_spans"), parameters)
    table, said = _rows_of(table, changed)
    kinds = table.column("type").to_pylist()
    for name in _TEXTS:
        table = _filled(table, name, [getattr(one, name) for one in said])
    for side in ("input", "output"):
        given = [getattr(one, side) for one in said]
        previews = [columns.preview(text, kind) for text, kind in zip(given, kinds, strict=True)]
        table = _filled(table, f"{side}_preview", previews)
        old = table.column(f"{side}_bytes").to_pylist()
        sizes = [had or columns.size(text) for had, text in zip(old, given, strict=True)]
        table = _replaced(table, f"{side}_bytes", columns.counts(sizes))
    _store("stored_spans", table, version)


def _rewrite_payloads(parameters: dict[str, Any], changed: dict[SpanKey, Told], version: int) -> None:
    table = client.query_arrow(queries.load("joining_payloads"), parameters)
    table, said = _rows_of(table, changed)
    known = set(_keys(table))
    if said:
        for side in ("input", "output"):
            table = _filled(table, side, [getattr(one, side) for one in said])
        _store("stored_payloads", table, version)
    # The others had no payload at all; their rows get the defaults of all other columns.
    fresh = {key: new for key, new in changed.items() if key not in known}
    if fresh:
        spans, said = _rows_of(client.query_arrow(queries.load("joining_spans"), parameters), fresh)
        made = spans.select(["project", "trace_id", "span_id", "start_time"])
        for side in ("input", "output"):
            made = made.append_column(side, columns.text([getattr(one, side) for one in said]))
        _store("stored_payloads", made.append_column("version", columns.counts([0] * len(said))), version)


def _rows_of(table: pa.Table, wanted: dict[SpanKey, Told]) -> tuple[pa.Table, list[Told]]:
    """The rows of these spans, and for each what is said of it."""
    found = [(index, wanted[key]) for index, key in enumerate(_keys(table)) if key in wanted]
    return table.take(pa.array([index for index, _ in found], pa.int64())), [new for _, new in found]


def _keys(table: pa.Table) -> list[SpanKey]:
    names = ("project", "trace_id", "span_id")
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def _filled(table: pa.Table, name: str, values: Sequence[str]) -> pa.Table:
    """The text column with `values` where it is empty."""
    old = table.column(name).to_pylist()
    return _replaced(table, name, columns.text([had or new for had, new in zip(old, values, strict=True)]))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def _store(name: str, table: pa.Table, version: int) -> None:
    table = _replaced(table, "version", columns.counts([version] * table.num_rows))
    client.insert_arrow(f"{DATABASE}.{name}", columns.serialise(table), table.column_names)
