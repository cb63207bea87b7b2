"""A whole trace in parts, so that one of any size can be written to a file with little memory.

First its outline (few columns of all spans), then the spans themselves, as many at a time as their
payloads allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.jaeger_reader import Origins, add_payload, span_record
from tracestore.clickhouse.reader import MOST_LOGS
from tracestore.clickhouse.span_logs import events_of
from tracestore.errors import NotFound
from tracestore.spans.model import SpanRecord
from tracestore.spans.semconv.log_events import unrepeated

#: A trace with more spans is written up to here, by start time.
MOST_SPANS: Final = 500_000
PART_SPANS: Final = 4_000
#: Payload of one part; a span with more is a part of its own.
PART_BYTES: Final = 8 << 20


@dataclass(slots=True)
class Outline:
    """One span without what makes it large. Times in nanoseconds; `payload_bytes` of its input and output."""

    span_id: str
    parent_span_id: str
    name: str
    type: str
    status: str
    agent: str
    model: str
    request_model: str
    tool_name: str
    start_ns: int
    end_ns: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    payload_bytes: int


def outline(project: str, trace_id: str) -> list[Outline]:
    """All spans by start time.

    Raises:
        NotFound: no span of that trace is stored in this project.
        Unavailable: the store does not answer.
    """
    parameters = {"project": project, "trace_id": trace_id, "limit": MOST_SPANS}
    rows = client.run(queries.load("trace_outline"), parameters).result_rows
    if not rows:
        raise NotFound(f"There is no trace {trace_id} in project {project}.")
    return [Outline(*row) for row in rows]


def parts(spans: Sequence[Outline]) -> Iterator[list[Outline]]:
    """Neighbours, as many as may be in memory together with their payloads."""
    part: list[Outline] = []
    taken = 0
    for span in spans:
        if part and (len(part) >= PART_SPANS or taken + span.payload_bytes > PART_BYTES):
            yield part
            part, taken = [], 0
        part.append(span)
        taken += span.payload_bytes
    if part:
        yield part


def records(project: str, trace_id: str, spans: Sequence[Outline]) -> Iterator[list[SpanRecord]]:
    """The spans as they were received, part by part. What log records told of a span is among its events.

    Raises:
        Unavailable: the store does not answer.
    """
    origins = Origins()
    for part in parts(spans):
        parameters: dict[str, Any] = {
            "project": project, "trace_id": trace_id, "span_ids": [span.span_id for span in part],
            "first_ns": part[0].start_ns, "last_ns": part[-1].start_ns, "limit": MOST_LOGS,
        }  # fmt: skip
        rows = client.run(queries.load("trace_part_spans"), parameters).result_rows
        payloads, logs = both(
            lambda p=parameters: client.run(queries.load("trace_part_payloads"), p).result_rows,  # type: ignore[misc]
            lambda p=parameters: client.run(queries.load("span_logs"), p).result_rows,  # type: ignore[misc]
        )
        told: dict[str, list[Sequence[Any]]] = {}
        for log in logs:
            told.setdefault(log[-1], []).append(log)
        apart = {row[:3]: row[3:] for row in payloads}
        made = []
        for row in rows:
            record = span_record(row, origins)
            payload = apart.get((record.trace_id, record.span_id, record.start_ns))
            if payload is not None:
                add_payload(record, *payload)
            add_log_events(record, told.get(record.span_id, ()))
            made.append(record)
        yield made


def add_log_events(record: SpanRecord, logs: Sequence[Sequence[Any]]) -> None:
    """Log records have no place in a span but its events, where the conventions read them just as well."""
    if logs:
        record.events += unrepeated(events_of(logs), record.attributes, record.events)
