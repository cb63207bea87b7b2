"""Reads spans of one project back as they were received, for those who ask in Jaeger's terms.

Every method takes the project first; none can omit it. What is found is decided by `jaeger_search`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from tracestore.clickhouse import client, jaeger_search, queries
from tracestore.clickhouse import envelope as envelopes
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.envelope import Envelope
from tracestore.clickhouse.jaeger_search import NO_SERVICE, TraceSearch, stored_service
from tracestore.clickhouse.typed_values import each_with_types, other_types, typed, unfolded, with_types
from tracestore.spans.model import Attributes, Event, Link, Resource, Scope, SpanRecord

#: Of one trace; a larger one is cut by start time and says so (`Trace.span_count`).
MOST_SPANS_OF_TRACE: Final = 100_000
#: Of one answer with several traces: it is built in memory.
MOST_SPANS: Final = 200_000

HOUR_NS: Final = 3600 * 10**9

_MARK: Final = "/*conditions*/"


@dataclass(slots=True)
class Operation:
    """A span name of a service; `kind` is one of SPAN_KINDS."""

    name: str
    kind: str


@dataclass(slots=True)
class Trace:
    """A trace's spans by start time. `span_count` is how many are stored, should `spans` be cut."""

    trace_id: str
    spans: list[SpanRecord]
    span_count: int


@dataclass(slots=True)
class Traces:
    """Traces in the order they were asked for; those that are not stored are missing.

    `left_out` are stored, but would have made the answer too large.
    """

    traces: list[Trace] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ServiceSummary:
    name: str
    span_count: int
    error_count: int


@dataclass(slots=True)
class Summary:
    """A trace in a list of results. Orphans are spans whose parent is not stored."""

    trace_id: str
    root_service: str
    root_operation: str
    start_ns: int
    end_ns: int
    span_count: int
    error_count: int
    orphan_count: int
    services: list[ServiceSummary]


@dataclass(slots=True)
class Dependency:
    """`calls` spans of service `child` have a parent in service `parent`."""

    parent: str
    child: str
    calls: int


class JaegerReader:
    """Answers what Jaeger's query service answers. Safe to share among threads.

    Raises:
        Unavailable: the store does not answer.
    """

    def services(self, project: str) -> list[str]:
        """Names of all services, sorted."""
        rows = client.run(queries.load("jaeger_services"), {"project": project}).result_rows
        return sorted(shown_service(service) for (service,) in rows)

    def operations(self, project: str, service: str, kind: str = "") -> list[Operation]:
        """Span names of a service with their kinds, sorted; of one kind unless that is ''."""
        parameters = {"project": project, "service": stored_service(service), "kind": kind}
        return [Operation(*row) for row in client.run(queries.load("jaeger_operations"), parameters).result_rows]

    def find(self, project: str, wanted: TraceSearch) -> list[str]:
        """Ids of traces that have a span as wanted, newest matching span first.

        Searched in parts of the time range, the newest first, until there are enough: what is found in
        a part is newer than whatever the older ones hold. Most searches end in the first.
        """
        where = jaeger_search.conditions(wanted)
        # Not through the cache of texts: there are as many as there are mixtures of tags.
        statement = queries.load("jaeger_find", _MARK).replace(_MARK, where.text)
        found: dict[str, None] = {}
        for start_ns, end_ns in newest_first(wanted.start_ns, wanted.end_ns):
            parameters = {
                **where.parameters, "project": project, "start_ns": start_ns, "end_ns": end_ns, "limit": wanted.limit,
            }  # fmt: skip
            # As many as are wanted in all, since some may have been found in a newer part already.
            found |= {trace_id: None for trace_id, _ in client.run(statement, parameters).result_rows}
            if len(found) >= wanted.limit:
                break
        return list(found)[: wanted.limit]

    def traces(self, project: str, trace_ids: Sequence[str], *, payloads: bool) -> Traces:
        """Whole traces by id. Without `payloads`, attributes that are payload (messages, long texts) are left out."""
        if not trace_ids:
            return Traces()
        parameters: dict[str, Any] = {"project": project, "trace_ids": list(trace_ids)}
        sizes = dict(client.run(queries.load("jaeger_sizes"), parameters).result_rows)
        taken, left_out = within_budget(trace_ids, sizes)
        if not taken:
            return Traces()
        parameters |= {"trace_ids": taken, "limit": MOST_SPANS_OF_TRACE}
        spans, found = both(
            lambda: client.run(queries.load("jaeger_spans"), parameters).result_rows,
            lambda: client.run(queries.load("jaeger_payloads"), parameters).result_rows if payloads else [],
        )
        apart = {row[:3]: row[3:] for row in found}
        origins: Origins = Origins()
        of_trace: dict[str, list[SpanRecord]] = {trace_id: [] for trace_id in taken}
        for row in spans:
            record = span_record(row, origins)
            payload = apart.get((record.trace_id, record.span_id, record.start_ns))
            if payload is not None:
                add_payload(record, *payload)
            of_trace[record.trace_id].append(record)
        traces = [Trace(trace_id, records, sizes[trace_id]) for trace_id, records in of_trace.items()]
        return Traces(traces, left_out)

    def summaries(self, project: str, trace_ids: Sequence[str]) -> list[Summary]:
        """What a list shows of traces, in the order of the ids."""
        if not trace_ids:
            return []
        parameters = {"project": project, "trace_ids": list(trace_ids)}
        rows = client.run(queries.load("jaeger_summaries"), parameters).result_rows
        of_trace: dict[str, list[Any]] = {trace_id: [] for trace_id in trace_ids}
        for row in rows:
            of_trace[row[0]].append(row[1:])
        return [summary(trace_id, services) for trace_id, services in of_trace.items() if services]

    def dependencies(self, project: str, start_ns: int, end_ns: int) -> list[Dependency]:
        """Which services called which others, by spans that began in the range."""
        parameters = {"project": project, "start_ns": start_ns, "end_ns": end_ns}
        rows = client.run(queries.load("jaeger_dependencies"), parameters).result_rows
        return [Dependency(shown_service(parent), shown_service(child), calls) for parent, child, calls in rows]


@cache
def get_jaeger_reader() -> JaegerReader:
    """The process's reader; it connects at first use."""
    return JaegerReader()


def shown_service(stored: str) -> str:
    """The name under which a service is shown: Jaeger has none without a name."""
    return stored or NO_SERVICE


def newest_first(start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """A time range, both ends included, in parts: the last hour of it, then four times as much each time."""
    length = HOUR_NS
    while end_ns - start_ns >= length:
        yield end_ns - length + 1, end_ns
        end_ns -= length
        length *= 4
    yield start_ns, end_ns


def within_budget(trace_ids: Sequence[str], sizes: dict[str, int]) -> tuple[list[str], list[str]]:
    """The ids that are stored, once each, split where the spans become too many for one answer.

    The first trace always fits.
    """
    taken: list[str] = []
    left_out: list[str] = []
    spans = 0
    for trace_id in dict.fromkeys(trace_ids):
        if trace_id not in sizes:
            continue
        spans += min(sizes[trace_id], MOST_SPANS_OF_TRACE)
        (left_out if left_out or (taken and spans > MOST_SPANS) else taken).append(trace_id)
    return taken, left_out


@dataclass(slots=True)
class Origins:
    """Resources and scopes; equal ones become one object."""

    resources: dict[tuple[Any, ...], Resource] = field(default_factory=dict)
    scopes: dict[tuple[Any, ...], Scope] = field(default_factory=dict)

    def resource(self, service: str, texts: dict[str, str], types: dict[str, str], around: Envelope) -> Resource:
        url, dropped = around.resource_schema_url, around.resource_dropped
        key = (service, url, dropped, *texts.items(), None, *types.items())
        found = self.resources.get(key)
        if found is None:
            found = self.resources[key] = Resource(unfolded(with_types(texts, types)), service, url, dropped)
        return found

    def scope(self, name: str, version: str, texts: dict[str, str], types: dict[str, str], around: Envelope) -> Scope:
        url, dropped = around.scope_schema_url, around.scope_dropped
        key = (name, version, url, dropped, *texts.items(), None, *types.items())
        found = self.scopes.get(key)
        if found is None:
            found = self.scopes[key] = Scope(name, version, unfolded(with_types(texts, types)), url, dropped)
        return found


def span_record(row: Sequence[Any], origins: Origins) -> SpanRecord:
    """The span of a row of `jaeger_spans`. Its resource and scope are kept in `origins`."""
    (
        trace_id, span_id, parent_span_id, name, kind, service, start_ns, duration_ns, status, status_message,
        trace_state, scope_name, scope_version, dropped, texts, types, resource,
        scope, others, around, dropped_events, dropped_links, times, names, event_maps,
        link_traces, link_spans, link_maps, link_states,
    ) = row  # fmt: skip
    other, envelope = other_types(others), envelopes.read(around)
    event_attributes = each_with_types(event_maps, other.events)
    link_attributes = each_with_types(link_maps, other.links)
    dropped_of_events, link_flags, dropped_of_links = envelope.of_parts(len(times), len(link_traces))
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        name=name,
        start_ns=start_ns,
        end_ns=start_ns + duration_ns,
        kind=kind,
        status=status,
        status_message=status_message,
        trace_state=trace_state,
        attributes=with_bytes(typed(texts, types), types),
        events=[Event(*event) for event in zip(times, names, event_attributes, dropped_of_events, strict=True)],
        links=[
            Link(*link)
            for link in zip(
                link_traces, link_spans, link_states, link_attributes, link_flags, dropped_of_links, strict=True
            )
        ],
        dropped_attributes=dropped,
        dropped_events=dropped_events,
        dropped_links=dropped_links,
        resource=origins.resource(service, resource, other.resource, envelope),
        scope=origins.scope(scope_name, scope_version, scope, other.scope, envelope),
        flags=envelope.flags,
    )


def with_bytes(attributes: Attributes, types: str) -> Attributes:
    """The attributes with those that were bytes as bytes; they are stored as base64 in JSON's quotes."""
    if '"x"' in types:
        for key, letter in msgspec.json.decode(types).items():
            value = attributes.get(key)
            if letter == "x" and isinstance(value, str):
                try:
                    attributes[key] = base64.b64decode(value.strip('"'), validate=True)
                except binascii.Error:
                    continue
    return attributes


def add_payload(
    record: SpanRecord, input_text: str, output_text: str, attributes: str, input_key: str, output_key: str, events: str
) -> None:
    """Gives a span back what is stored apart: its payload attributes, and its events where they were cut."""
    if attributes:
        record.attributes |= msgspec.json.decode(attributes)
    for key, value in ((input_key, input_text), (output_key, output_text)):
        if key:
            record.attributes[key] = value
    if events:
        record.events = [Event(**event) for event in msgspec.json.decode(events)]


def summary(trace_id: str, services: list[Any]) -> Summary:
    """One trace's summary from its rows of `jaeger_summaries`, one a service."""
    root = min(services, key=lambda row: row[6])
    return Summary(
        trace_id=trace_id,
        root_service=shown_service(root[0]),
        root_operation=root[7],
        start_ns=min(row[4] for row in services),
        end_ns=max(row[5] for row in services),
        span_count=sum(row[1] for row in services),
        error_count=sum(row[2] for row in services),
        orphan_count=sum(row[3] for row in services),
        services=[ServiceSummary(shown_service(row[0]), row[1], row[2]) for row in services],
    )
