"""What was received around a span's own content: flags, schemas, and what was dropped beside its attributes.

One JSON text in the column `envelope`, since nearly all spans of an installation have one of very few: '' when all of
it is empty or 0. Names and meanings are those of opentelemetry-proto, trace.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tracestore.spans.model import SpanRecord


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """`…_dropped`: attributes that the sender's SDK threw away; of events and links one number each, in their order."""

    flags: int = 0
    resource_schema_url: str = ""
    scope_schema_url: str = ""
    resource_dropped: int = 0
    scope_dropped: int = 0
    events_dropped: list[int] = []
    link_flags: list[int] = []
    links_dropped: list[int] = []

    def of_parts(self, events: int, links: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """Of each of so many events what was dropped; of each of so many links its flags and what was dropped."""
        return (
            _of_each(self.events_dropped, events), _of_each(self.link_flags, links),
            _of_each(self.links_dropped, links),
        )  # fmt: skip


EMPTY: Final = Envelope()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Envelope).decode


def read(text: str) -> Envelope:
    """The column of a row."""
    return _decode(text) if text else EMPTY


def envelopes(records: Sequence[SpanRecord]) -> list[str]:
    """The column of a write. Spans of a request share resource and scope, so nearly all texts are made once."""
    shared: dict[tuple[int, int, int], str] = {}
    made = []
    for record in records:
        if (record.events or record.links) and _tells_of_parts(record):
            made.append(_text(record))
            continue
        key = (record.flags, id(record.resource), id(record.scope))
        found = shared.get(key)
        if found is None:
            found = shared[key] = _text(record)
        made.append(found)
    return made


def _of_each(numbers: Sequence[int], count: int) -> Sequence[int]:
    return numbers if len(numbers) == count else [0] * count


def _tells_of_parts(record: SpanRecord) -> bool:
    return any(event.dropped_attributes for event in record.events) or any(
        link.flags or link.dropped_attributes for link in record.links
    )


def _text(record: SpanRecord) -> str:
    resource, scope = record.resource, record.scope
    whole = Envelope(
        record.flags, resource.schema_url, scope.schema_url, resource.dropped_attributes, scope.dropped_attributes,
        _told(event.dropped_attributes for event in record.events), _told(link.flags for link in record.links),
        _told(link.dropped_attributes for link in record.links),
    )  # fmt: skip
    return "" if whole == EMPTY else _encode(whole).decode()


def _told(numbers: Iterable[int]) -> list[int]:
    found = list(numbers)
    return found if any(found) else []
