"""Takes what models, tools and users said out of spans and log records before they are stored. Pure.

`off` keeps no content, only what `capture_names` knows to be harmless; `preview` keeps the beginning of each text.
It runs after everything that is worked out of content (tokens, costs, sizes, figures of retrievals, doubled
spans), so these stay what they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

import msgspec

from tracestore import capture_names as names
from tracestore.clickhouse.columns import PREVIEW_CHARS, as_text, preview, preview_chars, size
from tracestore.detectors import canonical
from tracestore.spans.model import Attributes, LogRecord, Resource, Scope, Span, SpanRecord, Value
from tracestore.spans.semconv.log_events import PREFIX
from tracestore.spans.semconv.payload import payload_attributes

Mode = Literal["off", "preview"]
#: The attribute that says of a stored span how much of it was kept.
ATTRIBUTE: Final = "tracestore.capture"

#: Stands where a text stood of which only whether it is the same as another may be known. Letters alone: digits
#: and hexadecimal would be taken for noise where results are compared (`detectors.canonical`).
_LETTERS: Final = "ghjkmnpqrstvwxyz"
_STANDS_FOR: Final = re.compile(rf"\[not kept: [{_LETTERS}]{{16}}\]")
_REMEMBERED: Final = 10_000


class Cutter:
    """One project's mode. `key` makes the digests of two projects or installations differ. Serves several threads."""

    def __init__(self, mode: Mode, key: bytes) -> None:
        self.mode: Mode = mode
        self._key = key[:64]
        #: Name → (text is kept, numbers are kept).
        self._known: dict[str, tuple[bool, bool]] = {}
        self._resource: tuple[Resource, Resource] | None = None
        self._scope: tuple[Scope, Scope] | None = None

    def span(self, span: Span) -> None:
        """Changes the span in place; doing it again changes nothing. Never raises: what fails is emptied."""
        if span.input_bytes is not None:
            return  # the same batch is saved once more
        span.input_bytes, span.output_bytes = size(span.input), size(span.output)
        try:
            self._off(span) if self.mode == "off" else self._preview(span)
        except Exception:
            span.record = _emptied(span.record)
            span.input = span.output = ""
            span.payload_attributes = frozenset()
        span.derived = {**(span.derived or {}), ATTRIBUTE: self.mode}

    def log(self, record: LogRecord) -> LogRecord:
        """The record without content. Never raises."""
        try:
            return self._off_log(record) if self.mode == "off" else self._preview_log(record)
        except Exception:
            return replace(record, body=None, attributes={}, resource=Resource(), scope=Scope(), event_name="",
                           severity_text="")  # fmt: skip

    def stands_for(self, text: str, compared: Callable[[str], object] = str) -> str:
        """What stands in place of a text: the same for the same text, and nothing can be read from it."""
        if not text or _STANDS_FOR.fullmatch(text):
            return text
        told = str(compared(text)).encode("utf-8", "surrogatepass")
        found = hashlib.blake2b(told, key=self._key, digest_size=8).hexdigest()
        return f"[not kept: {''.join(_LETTERS[int(digit, 16)] for digit in found)}]"

    def _off(self, span: Span) -> None:
        record = span.record
        if span.type == "tool":
            # Which calls are the same is what loops are made of.
            span.input = self.stands_for(span.input, _arguments)
            span.output = self.stands_for(span.output, _result)
        else:
            span.input = span.output = ""
        span.payload_attributes = frozenset()
        span.record = replace(
            record,
            name=record.name[: names.MOST_NAME],
            status_message=self.stands_for(record.status_message, _result),
            attributes=self._kept(record.attributes),
            events=[
                replace(e, name=e.name[: names.MOST_NAME], attributes=self._kept(e.attributes)) for e in record.events
            ],
            links=[replace(k, attributes=self._kept(k.attributes)) for k in record.links],
            resource=self._shared_resource(record.resource),
            scope=self._shared_scope(record.scope),
        )

    def _off_log(self, record: LogRecord) -> LogRecord:
        body = record.body
        if record.event_name.startswith(PREFIX):
            found = body if isinstance(body, dict) else {}
            body = {name: found[name] for name in names.BODY if name in found and _is_short(found[name])} or None
        elif body is not None:
            # So that two lines of one moment stay two.
            body = self.stands_for(as_text(body))
        return replace(
            record, body=body, attributes=self._kept(record.attributes),
            resource=self._shared_resource(record.resource), scope=self._shared_scope(record.scope),
            event_name=record.event_name[: names.MOST_NAME], severity_text=record.severity_text[:64],
        )  # fmt: skip

    def _kept(self, attributes: Mapping[str, Value]) -> Attributes:
        payload = payload_attributes(dict(attributes)) if attributes else ()
        return {
            name: value for name, value in attributes.items()
            if (name not in payload and self._keeps(name, value)) or (name in names.FIGURES and _is_figures(value))
        }  # fmt: skip

    def _keeps(self, name: str, value: Value) -> bool:
        known = self._known.get(name)
        if known is None:
            known = names.keeps_text(name), names.keeps_number(name)
            if len(self._known) < _REMEMBERED:
                self._known[name] = known
        if isinstance(value, str):
            return known[0] and len(value) <= names.MOST_TEXT
        if isinstance(value, list):
            return known[0] and len(value) <= names.MOST_ITEMS and all(map(_is_short, value))
        return known[1] and (value is None or isinstance(value, int | float))

    def _shared_resource(self, resource: Resource) -> Resource:
        """Resources are shared by the spans of a request: each is worked on once, and stays shared."""
        known = self._resource
        if known is None or known[0] is not resource:
            kept = {
                name: value for name, value in resource.attributes.items()
                if _is_short(value) and not name.startswith(names.COMMANDS)
            }  # fmt: skip
            known = self._resource = resource, replace(resource, attributes=kept)
        return known[1]

    def _shared_scope(self, scope: Scope) -> Scope:
        known = self._scope
        if known is None or known[0] is not scope:
            known = self._scope = scope, replace(scope, attributes=self._kept(scope.attributes))
        return known[1]

    def _preview(self, span: Span) -> None:
        most = preview_chars(span.type)
        record = span.record
        span.input, span.output = preview(span.input, span.type), preview(span.output, span.type)
        span.record = replace(
            record,
            status_message=record.status_message[:most],
            attributes=_cut(record.attributes, most),
            events=[replace(e, name=e.name[:most], attributes=_cut(e.attributes, most)) for e in record.events],
            links=[replace(k, attributes=_cut(k.attributes, most)) for k in record.links],
            resource=replace(record.resource, attributes=_cut(record.resource.attributes, most)),
            scope=replace(record.scope, attributes=_cut(record.scope.attributes, most)),
        )
        span.payload_attributes = payload_attributes(span.record.attributes)

    @staticmethod
    def _preview_log(record: LogRecord) -> LogRecord:
        most = PREVIEW_CHARS
        return replace(
            record, body=_cut_value(record.body, most), attributes=_cut(record.attributes, most),
            resource=replace(record.resource, attributes=_cut(record.resource.attributes, most)),
            scope=replace(record.scope, attributes=_cut(record.scope.attributes, most)),
        )  # fmt: skip


#: A project's cutter from memory, None where everything is kept. Raises Unavailable before it could be read.
CutterOf: TypeAlias = Callable[[str], Cutter | None]


def _cut(attributes: Attributes, most: int) -> Attributes:
    return {name: _cut_value(value, most) for name, value in attributes.items()}


def _cut_value(value: Value, most: int) -> Value:
    """A text's beginning. Of a structure that is longer than that as JSON, the beginning of its JSON."""
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, bytes | list | dict):
        text = as_text(value)
        return text[:most] if len(text) > most else value
    return value


def _is_short(value: Value) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= names.MOST_TEXT)


def _is_figures(value: Value) -> bool:
    """Whether a JSON object holds only numbers under names that are identifiers."""
    found: Any = value
    if isinstance(value, str):
        try:
            found = msgspec.json.decode(value) if len(value) <= 4096 else None
        except msgspec.DecodeError:
            return False
    return isinstance(found, dict) and all(
        isinstance(figure, int | float | None) and names.keeps_number(str(name)) for name, figure in found.items()
    )


def _arguments(text: str) -> object:
    return canonical.arguments(text[: canonical.READ]).exact if len(text) <= canonical.READ else text


def _result(text: str) -> object:
    return canonical.masked(text) if len(text) <= canonical.READ else text


def _emptied(record: SpanRecord) -> SpanRecord:
    return SpanRecord(record.trace_id, record.span_id, record.parent_span_id, "[not kept]", record.start_ns,
                      record.end_ns, record.kind, record.status)  # fmt: skip
