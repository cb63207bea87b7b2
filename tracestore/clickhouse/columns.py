"""Turns spans into the Arrow columns of the stored tables. Pure but for the format library.

Columns, not rows: building lists and handing each to Arrow at once costs about a third of a dict
per span, and the engine reads Arrow without parsing text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any, Final

import msgspec
import pyarrow as pa

from tracestore.clickhouse.envelope import envelopes
from tracestore.spans.linked import edges
from tracestore.spans.model import Attributes, Event, Resource, Scope, Span, SpanRecord, Value

#: How much of a payload stands in the hot table, in characters. Tool arguments and results are
#: mostly whole within this, so that loops can be seen and audited without reading payloads.
PREVIEW_CHARS: Final = 300
TOOL_PREVIEW_CHARS: Final = 1024
#: An event attribute longer than this is cut in the hot table and whole in the payload.
EVENT_VALUE_CHARS: Final = 1024

#: A span's plain columns that hold what the field of the same name on `Span` holds.
SPAN_TEXTS: Final = (
    "type", "agent", "agent_id", "agent_version", "session_id", "user_id", "error_type", "provider", "model",
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


def letter(value: Value) -> str:
    """The type of a value as `attribute_types` has it; '' for a string."""
    return "" if isinstance(value, str) else _LETTERS.get(type(value), "o")


def hot_attributes(spans: Sequence[Span]) -> tuple[pa.Array, pa.Array]:
    """The attributes that are not payload: a Map column of their texts, and the column of their types.

    The types of a span are a small JSON object {name: letter}, '' when all are strings.
    """
    keys: list[str] = []
    texts: list[str] = []
    ends = [0]
    types: list[str] = []
    for span in spans:
        payload = span.payload_attributes
        letters: dict[str, str] = {}
        for key, value in span.record.attributes.items():
            if key in payload:
                continue
            keys.append(key)
            if value.__class__ is str:
                texts.append(value)
            else:
                texts.append(as_text(value))
                letters[key] = letter(value)
        if span.derived:
            for key, value in span.derived.items():
                keys.append(key)
                texts.append(as_text(value))
                letters[key] = letter(value)
        ends.append(len(keys))
        types.append(_encode(dict(sorted(letters.items()))).decode() if letters else "")
    return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), text(keys), text(texts)), text(types)


def payload_attributes(span: Span) -> tuple[str, str, str]:
    """The payload attributes as a JSON object with their types, or '' when there are none.

    Also the names of the attributes whose text is the span's input and output: those are not
    repeated in the object. The payload is most of what is stored; once is enough.
    """
    attributes = span.record.attributes
    kept: Attributes = {}
    input_attribute = output_attribute = ""
    payload = span.payload_attributes
    # In the order of the sender: texts that repeat from span to span then compress far better.
    for key, value in attributes.items():
        if key not in payload:
            continue
        if isinstance(value, str):
            if not input_attribute and value and value == span.input:
                input_attribute = key
                continue
            if not output_attribute and value and value == span.output:
                output_attribute = key
                continue
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
    """All events of a span as a JSON array of {time_ns, name, attributes}, and dropped_attributes where there are."""
    return _encode(
        [
            {"time_ns": e.time_ns, "name": e.name, "attributes": e.attributes}
            | ({"dropped_attributes": e.dropped_attributes} if e.dropped_attributes else {})
            for e in span.record.events
        ]
    ).decode()


def span_columns(batch: Sequence[tuple[str, Span]], version: int) -> pa.Table:
    """The `stored_spans` table of (project, span) pairs. `version`: ns since the epoch."""
    spans = [span for _, span in batch]
    records = [span.record for span in spans]
    columns: dict[str, pa.Array] = {"project": text(project for project, _ in batch)}
    for names, things in ((RECORD_TEXTS, records), (SPAN_TEXTS, spans)):
        # All fields of a span at once and then turned: half the cost of asking field by field.
        turned = list(zip(*map(attrgetter(*names), things), strict=True)) or [()] * len(names)
        columns |= {name: text(list(values)) for name, values in zip(names, turned, strict=True)}
    columns["service"] = text([record.resource.service for record in records])
    columns["scope_name"] = text([record.scope.name for record in records])
    columns["scope_version"] = text([record.scope.version for record in records])
    columns["start_time"] = times(record.start_ns for record in records)
    columns["duration_ns"] = counts(record.end_ns - record.start_ns for record in records)
    for name in COUNTS:
        columns[name] = counts(map(attrgetter(name), spans))
    columns["cost_usd"] = pa.array([span.cost_usd for span in spans], pa.float64())
    for name in ("dropped_attributes", "dropped_events", "dropped_links"):
        columns[name] = dropped(list(map(attrgetter(name), records)))
    columns["input_preview"] = text([preview(span.input, span.type) for span in spans])
    columns["output_preview"] = text([preview(span.output, span.type) for span in spans])
    for side in ("input", "output"):
        texts, cut = map(attrgetter(side), spans), map(attrgetter(f"{side}_bytes"), spans)
        columns[f"{side}_bytes"] = counts(
            size(text) if had is None else had for text, had in zip(texts, cut, strict=True)
        )
    columns["attributes"], columns["attribute_types"] = hot_attributes(spans)
    columns["resource_attributes"] = shared_maps([record.resource for record in records])
    columns["scope_attributes"] = shared_maps([record.scope for record in records])
    columns["other_types"] = text(other_types(records))
    columns["envelope"] = text(envelopes(records))
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


#: What the audit trail takes from the span as it is.
_TRAIL: Final = (
    "project", "trace_id", "span_id", "parent_span_id", "start_time", "duration_ns", "name", "tool_name",
    "tool_call_id", "input_bytes", "output_bytes", "status", "status_message", "error_type", "service", "agent",
    "agent_id", "agent_version", "session_id", "user_id", "convention", "scope_name", "scope_version",
    "dropped_attributes", "version",
)  # fmt: skip


def tool_call_columns(batch: Sequence[tuple[str, Span]], spans: pa.Table) -> pa.Table:
    """The `stored_tool_calls` rows of a write; `spans` is what `span_columns` made of it. May be empty."""
    tools = [(index, span) for index, (_, span) in enumerate(batch) if span.type == "tool"]
    table = spans.select(_TRAIL).take(pa.array([index for index, _ in tools], pa.int64()))
    table = table.append_column("arguments", text([span.input for _, span in tools]))
    return table.append_column("result", text([span.output for _, span in tools]))


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


def traces_table(traces: Sequence[tuple[str, str]], starts: Sequence[int] | None = None) -> pa.Table:
    """(project, trace_id[, start_time]) as a table that travels with a statement."""
    rows = {"project": text([one[0] for one in traces]), "trace_id": text([one[1] for one in traces])}
    if starts is not None:
        rows["start_time"] = times(starts)
    return pa.table(rows)


def link_columns(batch: Sequence[tuple[str, Span]]) -> pa.Table:
    """The `trace_links` rows of a write: which other trace a trace was handed over by. Mostly empty."""
    rows = []
    for project, span in batch:
        if span.record.links:
            rows += [(project, one, other, span.record.start_ns) for one, other in edges([span])]
    return pa.table(
        {
            "project": text([row[0] for row in rows]),
            "trace_id": text([row[1] for row in rows]),
            "linked_trace_id": text([row[2] for row in rows]),
            "start_time": times(row[3] for row in rows),
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
    """Unsigned integers; what is outside their range becomes its end."""
    values = list(values)
    try:
        return pa.array(values, pa.uint64())
    except (pa.ArrowInvalid, OverflowError):
        return pa.array([min(max(value, 0), 2**64 - 1) for value in values], pa.uint64())


def dropped(values: list[int]) -> pa.Array:
    """Counts of 32 bits."""
    if max(values, default=0) >= 2**32:
        values = [min(value, 2**32 - 1) for value in values]
    return pa.array(values, pa.uint32())


def times(values: Iterable[int]) -> pa.Array:
    """Nanoseconds since the epoch as UTC timestamps; the decoder has checked their range."""
    return pa.array([max(0, value) for value in values], pa.int64()).cast(pa.timestamp("ns", "UTC"))


def preview(value: str, span_type: str) -> str:
    return value[: preview_chars(span_type)]


def preview_chars(span_type: str) -> int:
    return TOOL_PREVIEW_CHARS if span_type == "tool" else PREVIEW_CHARS


def size(value: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))


def text_maps(maps: Sequence[dict[str, str]]) -> pa.Array:
    """A Map column from flat keys and items with offsets: five times as fast as from pairs."""
    keys = text(list(chain.from_iterable(maps)))
    items = text(list(chain.from_iterable(one.values() for one in maps)))
    return pa.MapArray.from_arrays(offsets(maps), keys, items)


def shared_maps(holders: Sequence[Resource | Scope]) -> pa.Array:
    """Attributes of resources or scopes as text; one is shared by many spans, so each is turned once."""
    turned: dict[int, dict[str, str]] = {}
    maps = []
    for holder in holders:
        found = turned.get(id(holder))
        if found is None:
            found = turned[id(holder)] = {key: as_text(value) for key, value in holder.attributes.items()}
        maps.append(found)
    return text_maps(maps)


def letters(attributes: Attributes) -> dict[str, str]:
    """The types of the values that are no strings, by key."""
    return {key: letter(attributes[key]) for key in sorted(attributes) if not isinstance(attributes[key], str)}


def other_types(records: Sequence[SpanRecord]) -> list[str]:
    """The types of all values beside the spans' own attributes, as JSON texts; '' where all are strings."""
    shared: dict[tuple[int, int], tuple[dict[str, Any], str]] = {}
    made = []
    for record in records:
        key = (id(record.resource), id(record.scope))
        found = shared.get(key)
        if found is None:
            both = {"resource": letters(record.resource.attributes), "scope": letters(record.scope.attributes)}
            found = shared[key] = _types({}, both)
        if record.events or record.links:
            parts: dict[str, list[dict[str, str]]] = {
                "events": [letters(event.attributes) for event in record.events],
                "links": [letters(link.attributes) for link in record.links],
            }
            if any(map(any, parts.values())):
                found = _types(found[0], {name: part for name, part in parts.items() if any(part)})
        made.append(found[1])
    return made


def _types(parts: dict[str, Any], more: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    parts = {**parts, **{name: part for name, part in more.items() if part}}
    return parts, _encode(parts).decode() if parts else ""


def nested(lists: Sequence[Sequence[Any]], flat: pa.Array) -> pa.Array:
    """An Array column: `flat` cut into the lengths of `lists`."""
    return pa.ListArray.from_arrays(offsets(lists), flat)


def offsets(parts: Sequence[Sequence[Any] | Attributes | dict[str, str]]) -> pa.Array:
    return pa.array(accumulate((len(part) for part in parts), initial=0), pa.int32())
