"""Reads traces and spans of one project. Every method takes the project first; none can omit it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import msgspec

from tracestore.clickhouse import client, queries, trace_counts, trace_list
from tracestore.clickhouse import envelope as envelopes
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.orders import NEWEST, Order
from tracestore.clickhouse.rows import (
    EventRow,
    LinkRow,
    Page,
    SpanDetail,
    SpanRow,
    TimelineSpan,
    TraceFilter,
    TraceFinding,
    TraceSummary,
)
from tracestore.clickhouse.span_logs import add_logs
from tracestore.clickhouse.trace_counts import BUCKETS, Volume
from tracestore.clickhouse.typed_values import each_with_types, other_types, typed, unfolded, with_types
from tracestore.errors import NotFound

#: Findings shown with one trace at most; the API lists all.
MOST_FINDINGS = 200
#: Log records shown with one span at most; SQL has the rest (`otel_logs`).
MOST_LOGS = 1_000

_SPAN_FIELDS = len(SpanRow.__slots__)


class TraceReader:
    """Answers the questions that API and pages ask about traces. Safe to share among threads.

    Raises:
        Unavailable: the store does not answer.
    """

    def list_traces(
        self,
        project: str,
        wanted: TraceFilter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = NEWEST,
    ) -> Page[TraceSummary]:
        """The traces of a filter in an order. A cursor stays valid while new traces arrive.

        Raises:
            InvalidInput: the cursor is not one of this order.
        """
        return trace_list.page(project, wanted, order, limit, cursor)

    def trace(self, project: str, trace_id: str) -> TraceSummary:
        """One trace's summary.

        Raises:
            NotFound: no span of that trace is stored in this project.
        """
        parameters = {"project": project, "trace_id": trace_id}
        # A trace that is settled after the first question and before the second is in neither answer.
        for statement in ("trace_settled", "trace_open", "trace_settled"):
            rows = client.run(queries.load(statement), parameters).result_rows
            if rows:
                return TraceSummary(*rows[0])
        raise NotFound(f"There is no trace {trace_id} in project {project}.")

    def spans(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanRow]:
        """All spans of a trace by start time; empty when there is none. At most `limit`."""
        parameters = {"project": project, "trace_id": trace_id, "limit": limit}
        return [SpanRow(*row) for row in client.run(queries.load("spans"), parameters).result_rows]

    def timeline(self, project: str, trace_id: str, *, limit: int) -> list[TimelineSpan]:
        """As `spans`, with only what the waterfall draws: a fifth of the time and the memory."""
        parameters = {"project": project, "trace_id": trace_id, "limit": limit}
        return [TimelineSpan(*row) for row in client.run(queries.load("timeline"), parameters).result_rows]

    def version(self, project: str, trace_id: str) -> str:
        """Changes whenever something of the trace is written; quick to ask for."""
        rows = client.run(queries.load("trace_version"), {"project": project, "trace_id": trace_id}).result_rows
        return "-".join(f"{figure:x}" for figure in rows[0])

    def trace_findings(self, project: str, trace_id: str) -> list[TraceFinding]:
        """What detectors say about a trace, the most severe first. At most MOST_FINDINGS."""
        parameters = {"project": project, "trace_id": trace_id, "limit": MOST_FINDINGS}
        return [TraceFinding(*row) for row in client.run(queries.load("trace_findings"), parameters).result_rows]

    def spans_full(self, project: str, trace_id: str, *, limit: int = 100_000) -> list[SpanDetail]:
        """As `spans`, with attributes, events and links as the hot table has them, without payloads."""
        parameters = {"project": project, "trace_id": trace_id, "limit": limit}
        return [detail(row) for row in client.run(queries.load("spans_full"), parameters).result_rows]

    def span(self, project: str, trace_id: str, span_id: str) -> SpanDetail:
        """One span with everything that was received: attributes, events, links, payloads, log records.

        Raises:
            NotFound: no such span in this project.
        """
        found = self.spans_by_id(project, trace_id, [span_id]).get(span_id)
        if found is None:
            raise NotFound(f"There is no span {span_id} in trace {trace_id} of project {project}.")
        return found

    def spans_by_id(self, project: str, trace_id: str, span_ids: Sequence[str]) -> dict[str, SpanDetail]:
        """Spans with everything that was received, as `span`, by id; those that are not stored are missing.

        All payloads are in memory at once: who asks for many bounds their bytes first (`SpanRow.input_bytes`).
        """
        parameters: dict[str, Any] = {"project": project, "trace_id": trace_id, "span_ids": list(span_ids)}
        (rows, payloads), logs = both(
            lambda: both(
                lambda: client.run(queries.load("span"), parameters).result_rows,
                lambda: client.run(queries.load("span_payload"), parameters).result_rows,
            ),
            lambda: client.run(queries.load("span_logs"), {**parameters, "limit": MOST_LOGS}).result_rows,
        )
        all_found = {found.row.span_id: found for found in map(detail, rows)}
        for span_id, *payload in payloads:
            if span_id in all_found:
                add_payload(all_found[span_id], *payload)
        for span_id, found in all_found.items():
            # Its own, and those without a span id, which may mean any.
            add_logs(found, [log for log in logs if log[-1] in (span_id, "")])
        return all_found

    def volume(self, project: str, wanted: TraceFilter, buckets: int = BUCKETS) -> Volume:
        """How many of the matching traces began when, and how many of them failed."""
        return trace_counts.volume(project, wanted, buckets)

    def facets(self, project: str, wanted: TraceFilter, limit: int = 8) -> dict[str, list[tuple[str, int]]]:
        """Field → its most frequent values among the matching traces, with the number of traces."""
        return trace_counts.facets(project, wanted, limit)

    def attribute_names(self, project: str, wanted: TraceFilter, space: Literal["attr", "resource"]) -> list[str]:
        """Names of attributes of a sample of the newest spans in the range, most frequent first."""
        return trace_counts.attribute_names(project, wanted, space)

    def payload_digests(self, project: str, trace_id: str, span_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Hashes of the whole input and output of some spans: equal for equal texts."""
        parameters = {"project": project, "trace_id": trace_id, "span_ids": list(span_ids)}
        rows = client.run(queries.load("payload_digests"), parameters).result_rows
        return {span_id: (asked, told) for span_id, asked, told in rows}

    def run_paths(self, project: str, traces: Sequence[TraceSummary], types: Sequence[str]) -> dict[str, list[str]]:
        """What each of some traces called, as `type:name` in order, at most 2,000; those still open are missing."""
        if not traces:
            return {}
        parameters: dict[str, Any] = {
            "project": project,
            "trace_ids": [one.trace_id for one in traces],
            "types": list(types),
            "first_ns": min(one.start_ns for one in traces),
            "last_ns": max(max(one.end_ns, one.start_ns) for one in traces),
        }
        rows = client.run(queries.load("run_paths"), parameters).result_rows
        return {trace_id: list(path) for trace_id, path in rows}


@cache
def get_reader() -> TraceReader:
    """The process's reader; it connects at first use."""
    return TraceReader()


def add_payload(
    found: SpanDetail,
    input_text: str,
    output_text: str,
    attributes: str,
    input_attribute: str,
    output_attribute: str,
    events: str,
) -> None:
    """Gives a span back what is stored apart from it."""
    found.input, found.output = input_text, output_text
    if attributes:
        found.attributes |= msgspec.json.decode(attributes)
    for key, value in ((input_attribute, input_text), (output_attribute, output_text)):
        if key:
            found.attributes[key] = value
    if events:
        found.events = [EventRow(**event) for event in msgspec.json.decode(events)]


def detail(row: Sequence[Any]) -> SpanDetail:
    """A span from the columns of `span_columns` followed by those of `span_extras`."""
    (
        attributes, types, resource, scope, others, around, dropped_events, dropped_links,
        times, names, event_maps, link_traces, link_spans, link_maps,
    ) = row[_SPAN_FIELDS:]  # fmt: skip
    other, envelope = other_types(others), envelopes.read(around)
    event_attributes = each_with_types(event_maps, other.events)
    link_attributes = each_with_types(link_maps, other.links)
    dropped_of_events, link_flags, dropped_of_links = envelope.of_parts(len(times), len(link_traces))
    return SpanDetail(
        row=SpanRow(*row[:_SPAN_FIELDS]),
        attributes=typed(attributes, types),
        resource_attributes=unfolded(with_types(resource, other.resource)),
        scope_attributes=unfolded(with_types(scope, other.scope)),
        events=[
            EventRow(at, called, told, dropped_attributes=dropped)
            for at, called, told, dropped in zip(times, names, event_attributes, dropped_of_events, strict=True)
        ],
        links=[
            LinkRow(*link)
            for link in zip(link_traces, link_spans, link_attributes, link_flags, dropped_of_links, strict=True)
        ],
        dropped_events=dropped_events,
        dropped_links=dropped_links,
        envelope=envelope,
        input="",
        output="",
    )
