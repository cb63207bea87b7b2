"""Turns spans into the Arrow columns of the stored tables. Pure but for the format library.

Columns, not rows: building lists and handing each to Arrow at once costs about a third of a dict
per span, and the engine reads Arrow without parsing text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, Final

import msgspec
import pyarrow as pa

from tracestore.spans.model import Attributes, Event, Span, Value

#: How much of a payload stands in the hot table, in characters. Tool arguments and results are
#: mostly whole within this, so that loops can be seen and audited without reading payloads.
PREVIEW_CHARS: Final = 300
TOOL_PREVIEW_CHARS: Final = 1024
#: An event attribute longer than this is cut in the hot table and whole in the payload.
EVENT_VALUE_CHARS: Final = 1024

#: A span's plain columns that hold what the field of the same name on `Span` holds.
SPAN_TEXTS: Final = (
    "type", "agent", "agent_version", "session_id", "user_id", "error_type", "provider", "model",
    "request_model", "operation", "usage_rule", "price_source", "tool_name", "tool_call_id",
    "finish_reason", "response_id", "convention",
)  # fmt: skip
RECORD_TEXTS: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_state",
    "name",
    "kind",
    "status",
    "status_message",
)
COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")

TEXT_MAP: Final = pa.map_(pa.string(), pa.string())
_encode = msgspec.json.Encoder(decimal_format="number").encode
#: Letters of `attribute_types`. Strings have none: they are the rule.
_LETTERS: Final = {bool: "b", int: "i", float: "d", list: "a", dict: "o", bytes: "x", type(None): "n"}


def as_text(value: Value) -> str:
    """A value as the Collector's ClickHouse exporter writes it: text as it is, JSON for structures."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if value is None:
        return ""
    return _encode(value).decode()


def hot_attributes(span: Span) -> tuple[dict[str, str], str]:
    """The attributes that are not payload, as text, and their types as a small JSON object."""
    payload = span.payload_attributes
    texts: dict[str, str] = {}
    types: dict[str, str] = {}
    for key, value in span.record.attributes.items():
        if key in payload:
            continue
        if type(value) is str:
            texts[key] = value
        else:
            texts[key] = as_text(value)
            types[key] = _LETTERS.get(type(value), "o")
    for key, value in (span.derived or {}).items():
        texts[key] = as_text(value)
        types[key] = _LETTERS.get(type(value), "o")
    return texts, _encode(dict(sorted(types.items()))).decode() if types else ""


def payload_attributes(span: Span) -> tuple[str, str, str]:
    """The payload attributes as a JSON object with their types, or '' when there are none.

    Also the names of the attributes whose text is the span's input and output: those are not
    repeated in the object. The payload is most of what is stored; once is enough.
    """
    attributes = span.record.attributes
    kept: Attributes = {}
    input_attribute = output_attribute = ""
    for key in span.payload_attributes:
        value = attributes.get(key)
        if isinstance(value, str):
            if not input_attribute and value and value == span.input:
                input_attribute = key
                continue
            if not output_attribute and value and value == span.output:
                output_attribute = key
                continue
        if key in attributes:
            kept[key] = value
    return _encode(kept).decode() if kept else "", input_attribute, output_attribute


def hot_event_attributes(event: Event) -> tuple[dict[str, str], bool]:
    """An event's attributes as text, cut to what the hot table keeps; and whether any was cut."""
    texts = {key: as_text(value) for key, value in event.attributes.items()}
    cut = False
    for key, text in texts.items():
        if len(text) > EVENT_VALUE_CHARS:
            texts[key] = text[:EVENT_VALUE_CHARS]
            cut = True
    return texts, cut


def full_events(span: Span) -> str:
    """All events of a span as a JSON array of {time_ns, name, attributes}."""
    return _encode(
        [{"time_ns": e.time_ns, "name": e.name, "attributes": e.attributes} for e in span.record.events]
    ).decode()


def span_columns(batch: Sequence[tuple[str, Span]], version: int) -> pa.Table:
    """The `stored_spans` table of (project, span) pairs. `version`: ns since the epoch."""
    spans = [span for _, span in batch]
    records = [span.record for span in spans]
    columns: dict[str, pa.Array] = {"project": text(project for project, _ in batch)}
    for name in RECORD_TEXTS:
        columns[name] = text([getattr(record, name) for record in records])
    for name in SPAN_TEXTS:
        columns[name] = text([getattr(span, name) for span in spans])
    columns["service"] = text([record.resource.service for record in records])
    columns["scope_name"] = text([record.scope.name for record in records])
    columns["scope_version"] = text([record.scope.version for record in records])
    columns["start_time"] = times(record.start_ns for record in records)
    columns["duration_ns"] = counts(max(0, record.end_ns - record.start_ns) for record in records)
    for name in COUNTS:
        columns[name] = counts(max(0, getattr(span, name)) for span in spans)
    columns["cost_usd"] = pa.array([span.cost_usd for span in spans], pa.float64())
    columns["dropped_attributes"] = pa.array([min(r.dropped_attributes, 2**32 - 1) for r in records], pa.uint32())
    columns["input_preview"] = text([preview(span.input, span.type) for span in spans])
    columns["output_preview"] = text([preview(span.output, span.type) for span in spans])
    columns["input_bytes"] = counts(size(span.input) for span in spans)
    columns["output_bytes"] = counts(size(span.output) for span in spans)
    hot = [hot_attributes(span) for span in spans]
    columns["attributes"] = text_maps([texts for texts, _ in hot])
    columns["attribute_types"] = text([types for _, types in hot])
    columns["resource_attributes"] = resource_maps(spans)
    events = [record.events for record in records]
    columns["events.time"] = nested(events, times(event.time_ns for event in chain.from_iterable(events)))
    columns["events.name"] = nested(events, text([event.name for event in chain.from_iterable(events)]))
    columns["events.attributes"] = nested(
        events, text_maps([hot_event_attributes(event)[0] for event in chain.from_iterable(events)])
    )
    links = [record.links for record in records]
    for name in ("trace_id", "span_id", "trace_state"):
        columns[f"links.{name}"] = nested(links, text([getattr(link, name) for link in chain.from_iterable(links)]))
    columns["links.attributes"] = nested(
        links,
        text_maps([{k: as_text(v) for k, v in link.attributes.items()} for link in chain.from_iterable(links)]),
    )
    columns["version"] = counts([version] * len(spans))
    return pa.table(columns)


def payload_columns(batch: Sequence[tuple[str, Span]], version: int) -> pa.Table:
    """The `stored_payloads` table: one row for each span that has a payload. May be empty."""
    rows = []
    for project, span in batch:
        attributes, input_attribute, output_attribute = payload_attributes(span)
        cut = any(hot_event_attributes(event)[1] for event in span.record.events)
        if span.input or span.output or attributes or cut:
            events = full_events(span) if cut else ""
            rows.append((project, span, attributes, input_attribute, output_attribute, events))
    records = [row[1].record for row in rows]
    return pa.table(
        {
            "project": text([row[0] for row in rows]),
            "trace_id": text([record.trace_id for record in records]),
            "span_id": text([record.span_id for record in records]),
            "start_time": times(record.start_ns for record in records),
            "input": text([row[1].input for row in rows]),
            "output": text([row[1].output for row in rows]),
            "attributes": text([row[2] for row in rows]),
            "input_attribute": text([row[3] for row in rows]),
            "output_attribute": text([row[4] for row in rows]),
            "events": text([row[5] for row in rows]),
            "version": counts([version] * len(rows)),
        }
    )


def activity_columns(batch: Sequence[tuple[str, Span]]) -> pa.Table:
    """The `trace_activity` rows of a write: each trace once, with its earliest start in the batch."""
    starts: dict[tuple[str, str], int] = {}
    for project, span in batch:
        key = (project, span.record.trace_id)
        start = span.record.start_ns
        if start < starts.get(key, start + 1):
            starts[key] = start
    return pa.table(
        {
            "project": text([project for project, _ in starts]),
            "trace_id": text([trace_id for _, trace_id in starts]),
            "start_time": times(starts.values()),
        }
    )


def serialise(table: pa.Table) -> memoryview:
    """The table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def text(values: Iterable[str]) -> pa.Array:
    """A string column. A lone surrogate (legal in a Python string, not in UTF-8) becomes `?`."""
    values = values if isinstance(values, list) else list(values)
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([value.encode("utf-8", "replace").decode() for value in values], pa.string())


def counts(values: Iterable[int]) -> pa.Array:
    return pa.array([min(value, 2**64 - 1) for value in values], pa.uint64())


def times(values: Iterable[int]) -> pa.Array:
    """Nanoseconds since the epoch as UTC timestamps; the decoder has checked their range."""
    return pa.array([max(0, value) for value in values], pa.int64()).cast(pa.timestamp("ns", "UTC"))


def preview(value: str, span_type: str) -> str:
    return value[: TOOL_PREVIEW_CHARS if span_type == "tool" else PREVIEW_CHARS]


def size(value: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))


def text_maps(maps: Sequence[dict[str, str]]) -> pa.Array:
    """A Map column from flat keys and items with offsets: five times as fast as from pairs."""
    keys = text(list(chain.from_iterable(maps)))
    items = text(list(chain.from_iterable(one.values() for one in maps)))
    return pa.MapArray.from_arrays(offsets(maps), keys, items)


def resource_maps(spans: Sequence[Span]) -> pa.Array:
    """Resource attributes as text; one resource is shared by many spans, so each is turned once."""
    turned: dict[int, dict[str, str]] = {}
    maps = []
    for span in spans:
        resource = span.record.resource
        found = turned.get(id(resource))
        if found is None:
            found = turned[id(resource)] = {key: as_text(value) for key, value in resource.attributes.items()}
        maps.append(found)
    return text_maps(maps)


def nested(lists: Sequence[Sequence[Any]], flat: pa.Array) -> pa.Array:
    """An Array column: `flat` cut into the lengths of `lists`."""
    return pa.ListArray.from_arrays(offsets(lists), flat)


def offsets(parts: Sequence[Sequence[Any] | Attributes | dict[str, str]]) -> pa.Array:
    return pa.array(accumulate((len(part) for part in parts), initial=0), pa.int32())
