"""Builds the conditions of a search by Jaeger's rules: service, operation, duration and tags of one span.

Only fixed texts are put together here, as in `filters`; every value travels as a bound parameter.

A tag is looked for wherever Jaeger looks for it (storage integration tests, FindTraces): attributes
of the span, its resource, scope, events and links, and the tags that Jaeger makes of a span's own fields.
All conditions must hold for the same span.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tracestore.clickhouse.search_sql import Conditions
from tracestore.spans.semconv.payload import payload_attributes

#: A tag's value as asked for. Text matches a value of any type that is written so, because Jaeger UI
#: and Grafana send every value as text; numbers and truth values match their own type only.
TagValue: TypeAlias = str | int | float | bool

#: What Jaeger calls a service whose spans carry no `service.name`.
NO_SERVICE: Final = "missing-service-name"


@dataclass(slots=True, frozen=True)
class TraceSearch:
    """Which traces to find. None or '' means "any". Both bounds of the times and durations belong to the range.

    Times are nanoseconds since the epoch, of the start of the matching span; durations nanoseconds.
    """

    start_ns: int
    end_ns: int
    service: str = ""
    operation: str = ""
    tags: Mapping[str, TagValue] = field(default_factory=dict)
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    limit: int = 100


#: Tags that Jaeger makes of a span's fields → when a span has one with the text `$text`.
_OF_FIELDS: Final = {
    "span.kind": "kind != 'unspecified' AND kind = $text",
    "error": "status = 'error' AND $text = 'true'",
    "otel.status_code": "status != 'unset' AND upper(status) = $text",
    "otel.status_description": "status_message != '' AND status_message = $text",
    "otel.scope.name": "scope_name != '' AND scope_name = $text",
    "otel.scope.version": "scope_version != '' AND scope_version = $text",
    "w3c.tracestate": "trace_state != '' AND trace_state = $text",
    "event": "has(`events.name`, $text)",
}

#: The span's own attributes know their types (letters of `columns`), those of the other places do not.
_TYPED: Final = "(mapContains(attributes, $key) AND ($typed))"
_UNTYPED: Final = (
    "(mapContains(resource_attributes, $key) AND resource_attributes[$key] IN ($texts))",
    "(mapContains(scope_attributes, $key) AND scope_attributes[$key] IN ($texts))",
    "arrayExists(found -> mapContains(found, $key) AND found[$key] IN ($texts), `events.attributes`)",
    "arrayExists(found -> mapContains(found, $key) AND found[$key] IN ($texts), `links.attributes`)",
)

#: Messages and long texts are stored apart; asked only for a tag that would be there.
_PAYLOAD: Final = """(trace_id, span_id) IN (
    SELECT trace_id, span_id FROM stored_payloads
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC')
      AND ((input_attribute = $key AND input = $text) OR (output_attribute = $key AND output = $text)
        OR (JSONHas(attributes, $key) AND JSONExtractString(attributes, $key) = $text))
)"""


def conditions(wanted: TraceSearch) -> Conditions:
    """The expression over `stored_spans` that holds for the spans that are looked for."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    if wanted.service:
        parts.append("service = {service:String}")
        parameters["service"] = stored_service(wanted.service)
    if wanted.operation:
        parts.append("name = {operation:String}")
        parameters["operation"] = wanted.operation
    if wanted.min_duration_ns is not None:
        parts.append("duration_ns >= {min_duration:UInt64}")
        parameters["min_duration"] = wanted.min_duration_ns
    if wanted.max_duration_ns is not None:
        parts.append("duration_ns <= {max_duration:UInt64}")
        parameters["max_duration"] = wanted.max_duration_ns
    for number, (key, value) in enumerate(wanted.tags.items()):
        tag = _tag(number, key, value)
        parts.append(tag.text)
        parameters |= tag.parameters
    return Conditions(" AND ".join(parts) or "1", parameters)


def stored_service(shown: str) -> str:
    """The `service` column's value of a service that is shown under this name."""
    return "" if shown == NO_SERVICE else shown


def _tag(number: int, key: str, value: TagValue) -> Conditions:
    name = f"{{tag{number}:String}}"
    parameters = {f"tag{number}": key}
    typed: list[str] = []
    texts: list[str] = []
    for form, (letters, text) in enumerate(_written(value)):
        parameters[f"tag{number}_{form}"] = text
        texts.append(f"{{tag{number}_{form}:String}}")
        same = f"attributes[{name}] = {texts[-1]}"
        letter = f"JSONExtractString(attribute_types, {name})"
        typed.append(same if not letters else f"({same} AND {letter} = '{letters}')")
    places = [_TYPED, *_UNTYPED]
    if key in _OF_FIELDS:
        places.append(f"({_OF_FIELDS[key]})")
    if isinstance(value, str) and payload_attributes({key: value}):
        places.append(_PAYLOAD)
    text = "\n    OR ".join(places)
    for mark, filled in (
        ("$typed", " OR ".join(typed)), ("$texts", ", ".join(texts)), ("$text", texts[0]), ("$key", name),
    ):  # fmt: skip
        text = text.replace(mark, filled)
    return Conditions(f"({text})", parameters)


def _written(value: TagValue) -> list[tuple[str, str]]:
    """How a value that matches is written in the store: (letter of its type or '' for any, text) pairs."""
    if isinstance(value, bool):
        return [("b", "true" if value else "false")]
    if isinstance(value, int):
        return [("i", str(value)), ("d", repr(_float(value)))]
    if isinstance(value, float):
        whole = math.isfinite(value) and value.is_integer()
        return [("d", repr(value)), *([("i", str(int(value)))] if whole else [])]
    forms = [("", value)]
    number = _float(value)
    # "100" also means the double 100.0, "1e3" the double 1000.0.
    if not math.isnan(number) and repr(number) != value:
        forms.append(("d", repr(number)))
    return forms


def _float(value: str | int) -> float:
    """As a double; NaN for a text that is none."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
