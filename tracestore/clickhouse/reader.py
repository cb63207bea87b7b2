"""Reads traces and spans of one project. Every method takes the project first; none can omit it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from tracestore.clickhouse import client, filters, queries
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.rows import EventRow, LinkRow, Page, SpanDetail, SpanRow, TraceFilter, TraceSummary
from tracestore.clickhouse.span_logs import add_logs
from tracestore.clickhouse.typed_values import each_with_types, other_types, typed, with_types
from tracestore.errors import NotFound

#: Log records shown with one span at most; SQL has the rest (`otel_logs`).
MOST_LOGS = 1_000

_SPAN_FIELDS = len(SpanRow.__slots__)


class TraceReader:
    """Answers the questions that API and pages ask about traces. Safe to share among threads.

    Raises:
        Unavailable: the store does not answer.
    """

    def list_traces(
        self, project: str, wanted: TraceFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[TraceSummary]:
        """Newest first, by (start, trace id). A cursor stays valid while new traces arrive.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        where = filters.conditions(wanted, cursor)
        # One more than asked tells whether there is a next page.
        parameters = {**where.parameters, "project": project, "limit": limit + 1}
        # Mostly no trace is open, so the cheap list is asked for while that is found out.
        settled, some_open = both(
            lambda: client.run(queries.load("list_settled_traces", where.text), parameters).result_rows,
            lambda: client.run(queries.load("open_count")).result_rows[0][0],
        )
        rows = client.run(queries.load("list_traces", where.text), parameters).result_rows if some_open else settled
        traces = [TraceSummary(*row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(traces, filters.cursor_after(traces[-1].start_ns, traces[-1].trace_id) if more else None)

    def trace(self, project: str, trace_id: str) -> TraceSummary:
        """One trace's summary.

        Raises:
            NotFound: no span of that trace is stored in this project.
        """
        parameters = {"project": project, "trace_id": trace_id}
        rows = client.run(queries.load("trace_settled"), parameters).result_rows
        rows = rows or client.run(queries.load("trace_open"), parameters).result_rows
        if not rows:
            raise NotFound(f"There is no trace {trace_id} in project {project}.")
        return TraceSummary(*rows[0])

    def spans(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanRow]:
        """All spans of a trace by start time; empty when there is none. At most `limit`."""
        parameters = {"project": project, "trace_id": trace_id, "limit": limit}
        return [SpanRow(*row) for row in client.run(queries.load("spans"), parameters).result_rows]

    def spans_full(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanDetail]:
        """As `spans`, with attributes, events and links as the hot table has them, without payloads."""
        parameters = {"project": project, "trace_id": trace_id, "limit": limit}
        return [detail(row) for row in client.run(queries.load("spans_full"), parameters).result_rows]

    def span(self, project: str, trace_id: str, span_id: str) -> SpanDetail:
        """One span with everything that was received: attributes, events, links, payloads, log records.

        Raises:
            NotFound: no such span in this project.
        """
        parameters = {"project": project, "trace_id": trace_id, "span_id": span_id}
        (rows, payloads), logs = both(
            lambda: both(
                lambda: client.run(queries.load("span"), parameters).result_rows,
                lambda: client.run(queries.load("span_payload"), parameters).result_rows,
            ),
            lambda: client.run(queries.load("span_logs"), {**parameters, "limit": MOST_LOGS}).result_rows,
        )
        if not rows:
            raise NotFound(f"There is no span {span_id} in trace {trace_id} of project {project}.")
        found = detail(rows[0])
        for payload in payloads:
            found.input, found.output, attributes, input_attribute, output_attribute, events = payload
            if attributes:
                found.attributes |= msgspec.json.decode(attributes)
            for key, value in ((input_attribute, found.input), (output_attribute, found.output)):
                if key:
                    found.attributes[key] = value
            if events:
                found.events = [EventRow(**event) for event in msgspec.json.decode(events)]
        add_logs(found, logs)
        return found

    def agents(self, project: str, wanted: TraceFilter) -> list[tuple[str, int]]:
        """Agent names with their number of traces, most first; for the filter's choices."""
        where = filters.conditions(wanted)
        statement = queries.load("agents", where.text)
        rows = client.run(statement, {**where.parameters, "project": project}).result_rows
        return [(name, traces) for name, traces in rows]


@cache
def get_reader() -> TraceReader:
    """The process's reader; it connects at first use."""
    return TraceReader()


def detail(row: Sequence[Any]) -> SpanDetail:
    """A span from the columns of `span_columns` followed by those of `span_extras`."""
    (
        attributes, types, resource, scope, others, dropped_events, dropped_links,
        times, names, event_maps, link_traces, link_spans, link_maps,
    ) = row[_SPAN_FIELDS:]  # fmt: skip
    other = other_types(others)
    return SpanDetail(
        row=SpanRow(*row[:_SPAN_FIELDS]),
        attributes=typed(attributes, types),
        resource_attributes=with_types(resource, other.resource),
        scope_attributes=with_types(scope, other.scope),
        events=[EventRow(*e) for e in zip(times, names, each_with_types(event_maps, other.events), strict=True)],
        links=[
            LinkRow(*link)
            for link in zip(link_traces, link_spans, each_with_types(link_maps, other.links), strict=True)
        ],
        dropped_events=dropped_events,
        dropped_links=dropped_links,
        input="",
        output="",
    )
