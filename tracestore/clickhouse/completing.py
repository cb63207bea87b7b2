"""Completes traces with what only other traces, or payloads, tell, as a step of settling. Idempotent.

The rules look at each trace alone and at columns alone. Here two kinds of traces are looked at once
more: those that are joined to others by span links (one run in many traces), and those that came in
several writes and have tools without arguments or results, which the payloads of the model's calls
may tell. Changed traces are opened again, so the next pass of settling renews their summaries.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import pyarrow as pa

from tracestore.clickhouse import client, columns, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.spans.linked import MAX_TRACES, groups, join_sessions
from tracestore.spans.model import Link, Resource, Scope, Span, SpanRecord
from tracestore.spans.own_prices import Overrides, OverridesOf
from tracestore.spans.resolve import resolve
from tracestore.spans.semconv import autogen
from tracestore.spans.semconv.values import MAX_PARSED

#: Traces looked at together: bounds memory.
BATCH_TRACES: Final = 200
#: Links are followed this far from a trace that was just settled.
MAX_STEPS: Final = 64

#: Columns that completing may change, beside input and output.
_TEXTS: Final = columns.SPAN_TEXTS
_COUNTS: Final = columns.COUNTS

#: Span ids in one statement: they travel in its parameters.
STATEMENT_SPANS: Final = 500

Edge = tuple[str, str]
Trace = tuple[str, str]
T = TypeVar("T")


def complete(chosen: client.Tables, apart: Sequence[Trace], since: int, after: str, overrides: OverridesOf) -> int:
    """Looks at the traces of a settling pass; the number of spans that changed.

    `chosen` holds the traces as a table of this name, `apart` are those that came in several writes,
    and none has a span before `since` (ns since the epoch; `after` is the same moment for SQL).
    `overrides` gives the own prices of a project.

    Raises:
        Unavailable: the store does not answer; the pass is done again.
    """
    edges: dict[str, set[Edge]] = defaultdict(set)
    for project, trace_id, linked in client.run(queries.load("complete_first_edges"), tables=chosen).result_rows:
        edges[project].add((trace_id, linked))
    wanting: dict[str, set[str]] = defaultdict(set)
    if apart:
        asked = {"since": after, "limit": MAX_TRACES}
        tables = {"apart": columns.traces_table(apart)}
        for project, trace_id in client.run(queries.load("complete_wanting"), asked, tables=tables).result_rows:
            wanting[project].add(trace_id)
    changed = 0
    for project in {*edges, *wanting}:
        pairs = _follow(project, edges[project])
        joined = groups(pairs)
        alone = wanting[project] - {trace_id for group in joined for trace_id in group}
        for batch in _batches([*joined, *({trace_id} for trace_id in alone)]):
            changed += _complete({"project": project, "first": since}, batch, pairs, overrides(project))
    return changed


def _follow(project: str, found: set[Edge]) -> set[Edge]:
    """All links of the runs that these links are part of."""
    pairs = set(found)
    asked: set[str] = set()
    for _ in range(MAX_STEPS):
        ask = {trace_id for pair in pairs for trace_id in pair} - asked
        if not ask or len(asked) > 10 * MAX_TRACES:
            break
        asked |= ask
        for some in batched(sorted(ask), STATEMENT_SPANS):
            more = client.run(queries.load("complete_more_edges"), {"project": project, "traces": list(some)})
            pairs |= {(one, two) for one, two in more.result_rows}
    return pairs


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """`itertools.batched`, which Python 3.11 does not have."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some


def _batches(runs: Iterable[set[str]]) -> Iterator[set[str]]:
    """Runs together up to BATCH_TRACES traces, each run whole."""
    batch: set[str] = set()
    for run in runs:
        if batch and len(batch) + len(run) > BATCH_TRACES:
            yield batch
            batch = set()
        batch |= run
    if batch:
        yield batch


def _complete(asked: dict[str, Any], traces: set[str], pairs: set[Edge], own: Overrides | None) -> int:
    answer = client.run(queries.load("complete_spans"), {**asked, "traces": sorted(traces)})
    rows = [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]
    spans = [_span(row) for row in rows]
    _read_payloads(asked, spans, rows)
    before = {id(span): (span.input, span.output) for span in spans}
    changed = {id(span): span for span in resolve(spans, own)}
    changed |= {id(span): span for span in join_sessions(spans, pairs)}
    if changed:
        filled = {key for key, s in changed.items() if s.type == "tool" and (s.input, s.output) != before[key]}
        for some in batched(changed.values(), STATEMENT_SPANS):
            _rewrite(asked, list(some), [span for span in some if id(span) in filled])
    return len(changed)


def _span(row: dict[str, Any]) -> Span:
    links = [Link(*pair) for pair in zip(row["link_traces"], row["link_spans"], strict=True)]
    record = SpanRecord(
        row["trace_id"], row["span_id"], row["parent_span_id"], row["name"],
        row["start_ns"], row["start_ns"] + row["duration_ns"], row["kind"], row["status"],
        links=links, resource=Resource(service=row["service"]), scope=Scope(row["scope_name"], row["scope_version"]),
    )  # fmt: skip
    span = Span(record)
    for field in (*_TEXTS, *_COUNTS, "cost_usd", "input", "output"):
        setattr(span, field, row[field])
    return span


def _read_payloads(asked: dict[str, Any], spans: Sequence[Span], rows: Sequence[dict[str, Any]]) -> None:
    """Replaces previews that were cut by the whole, for the spans whose messages the rules read."""
    cut = {}
    for span, row in zip(spans, rows, strict=True):
        if (span.type == "llm" or span.convention == autogen.CONVENTION) and (
            row["input_bytes"] > len(span.input) or row["output_bytes"] > len(span.output)
        ):
            cut[span.record.trace_id, span.record.span_id] = span
    if not cut or not any(s.type == "tool" and not (s.input[:1] in ("{", "[") and s.output) for s in spans):
        return
    for some in batched(cut, STATEMENT_SPANS):
        found = client.run(queries.load("complete_payloads"), {**asked, "spans": list(some), "longest": MAX_PARSED})
        for trace_id, span_id, got, gave in found.result_rows:
            span = cut[trace_id, span_id]
            span.input, span.output = got, gave


def _rewrite(asked: dict[str, Any], changed: list[Span], filled: list[Span]) -> None:
    """Stores the changed spans again with a later version, and what tools got and gave; opens their traces."""
    version = time.time_ns()
    project = asked["project"]
    if filled:
        _rewrite_payloads(asked, filled, version)
    table, spans = _rows("complete_rows", asked, changed)
    new: dict[str, pa.Array] = {name: columns.text([getattr(span, name) for span in spans]) for name in _TEXTS}
    new |= {name: columns.counts(getattr(span, name) for span in spans) for name in _COUNTS}
    new["cost_usd"] = pa.array([span.cost_usd for span in spans], pa.float64())
    new["version"] = columns.counts([version] * len(spans))
    whole = {id(span) for span in filled}
    for name in ("input", "output"):
        texts = [getattr(span, name) if id(span) in whole else None for span in spans]
        kept = table.column(f"{name}_preview").to_pylist(), table.column(f"{name}_bytes").to_pylist()
        new[f"{name}_preview"] = columns.text(
            [old if text is None else columns.preview(text, "tool") for text, old in zip(texts, kept[0], strict=True)]
        )
        new[f"{name}_bytes"] = columns.counts(
            old if text is None else columns.size(text) for text, old in zip(texts, kept[1], strict=True)
        )
    _insert("stored_spans", _with(table, new))
    _insert("trace_activity", columns.activity_columns([(project, span) for span in spans]))


def _rewrite_payloads(asked: dict[str, Any], filled: list[Span], version: int) -> None:
    table, stored = _rows("complete_payload_rows", asked, filled)
    if stored:
        new = {name: columns.text([getattr(span, name) for span in stored]) for name in ("input", "output")}
        _insert("stored_payloads", _with(table, {**new, "version": columns.counts([version] * len(stored))}))
    known = {id(span) for span in stored}
    absent = [(asked["project"], span) for span in filled if id(span) not in known]
    if absent:
        _insert("stored_payloads", columns.payload_columns(absent, version))


def _rows(query: str, asked: dict[str, Any], spans: list[Span]) -> tuple[pa.Table, list[Span]]:
    """The stored rows of these spans, and the spans in the order of the rows."""
    by_id = {(span.record.trace_id, span.record.span_id): span for span in spans}
    table = client.query_arrow(queries.load(query), {**asked, "spans": list(by_id)})
    keys = zip(table.column("trace_id").to_pylist(), table.column("span_id").to_pylist(), strict=True)
    return table, [by_id[key] for key in keys]


def _with(table: pa.Table, new: dict[str, pa.Array]) -> pa.Table:
    for name, values in new.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def _insert(name: str, table: pa.Table) -> None:
    client.insert_arrow(f"{DATABASE}.{name}", columns.serialise(table), table.column_names)
