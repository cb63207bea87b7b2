"""Turns log records into the Arrow columns of `stored_logs`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from tracestore.clickhouse import columns
from tracestore.spans.model import LogRecord, Value
from tracestore.spans.semconv.log_events import PREFIX

Batch = Sequence[tuple[str, LogRecord]]

_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


def log_columns(batch: Batch, version: int) -> pa.Table:
    """The `stored_logs` table of (project, record) pairs. `version`: ns since the epoch."""
    records = [record for _, record in batch]
    made: dict[str, pa.Array] = {
        "project": columns.text(project for project, _ in batch),
        "time": columns.times(record.time_ns for record in records),
        "observed_time": columns.times(record.observed_ns for record in records),
    }
    for name in (
        "trace_id", "span_id", "severity_text", "event_name", "resource_schema_url", "scope_schema_url",
    ):  # fmt: skip
        made[name] = columns.text([getattr(record, name) for record in records])
    made["trace_flags"] = pa.array([record.trace_flags for record in records], pa.uint8())
    made["severity_number"] = pa.array([record.severity_number for record in records], pa.uint8())
    made["service"] = columns.text([record.resource.service for record in records])
    made["body"] = columns.text([columns.as_text(record.body) for record in records])
    made["body_type"] = columns.text([columns.letter(record.body) for record in records])
    made["attributes"] = columns.text_maps([texts(record.attributes) for record in records])
    made["attribute_types"] = columns.text([types(record.attributes) for record in records])
    made["dropped_attributes"] = pa.array([min(r.dropped_attributes, 2**32 - 1) for r in records], pa.uint32())
    made["resource_attributes"] = columns.text_maps([texts(record.resource.attributes) for record in records])
    made["scope_name"] = columns.text([record.scope.name for record in records])
    made["scope_version"] = columns.text([record.scope.version for record in records])
    made["scope_attributes"] = columns.text_maps([texts(record.scope.attributes) for record in records])
    made["bytes"] = columns.counts(record.size for record in records)
    made["content_hash"] = columns.counts(content_hash(record) for record in records)
    made["version"] = columns.counts([version] * len(records))
    return pa.table(made)


def activity_columns(batch: Batch) -> pa.Table:
    """The `trace_activity` rows of a write: traces whose spans something is to be joined to. May be empty."""
    times: dict[tuple[str, str], int] = {}
    for project, record in batch:
        if record.trace_id and record.span_id and record.event_name.startswith(PREFIX):
            key = (project, record.trace_id)
            times[key] = min(record.time_ns, times.get(key, record.time_ns))
    return pa.table(
        {
            "project": columns.text([project for project, _ in times]),
            "trace_id": columns.text([trace_id for _, trace_id in times]),
            "start_time": columns.times(times.values()),
        }
    )


def texts(attributes: Mapping[str, Value]) -> dict[str, str]:
    return {key: columns.as_text(value) for key, value in attributes.items()}


def types(attributes: Mapping[str, Value]) -> str:
    """The types of the attributes that are no strings, as a small JSON object; see `stored_spans`."""
    found = {key: columns.letter(value) for key, value in sorted(attributes.items()) if not isinstance(value, str)}
    return _sorted(found).decode() if found else ""


def content_hash(record: LogRecord) -> int:
    """64 bits of all that was received of a record: the same record gives the same whenever it comes."""
    told = (
        record.trace_id, record.span_id, record.time_ns, record.observed_ns, record.severity_number,
        record.severity_text, record.event_name, record.body, record.attributes, record.resource.attributes,
        record.scope.name, record.scope.version, record.scope.attributes,
    )  # fmt: skip
    try:
        encoded = _sorted(told)
    except UnicodeEncodeError:  # half a surrogate pair, which no decoder of ours lets through
        encoded = repr(told).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big")
