"""The protobuf wire format of OTLP traces, read lazily.

The official classes refuse a whole request for one invalid byte in one string, or one deep value,
and make an object for every attribute. So the request is parsed through a schema of our own that
has the same field numbers (opentelemetry-proto, trace.proto and common.proto; a test holds the two
together) but where every string, and every message that may be refused alone, is `bytes`. What upb
still refuses is then broken framing, and `fields` reads that by hand up to the break.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _U32, _I32, _F64 = (
    _Field.TYPE_BYTES,
    _Field.TYPE_UINT32,
    _Field.TYPE_INT32,
    _Field.TYPE_FIXED64,
)

#: message → field → (number, type or message name, repeated)
SCHEMA: Final[dict[str, dict[str, tuple[int, Any, bool]]]] = {
    "ExportTraceServiceRequest": {"resource_spans": (1, "ResourceSpans", True)},
    "ResourceSpans": {"resource": (1, _BYTES, False), "scope_spans": (2, "ScopeSpans", True)},
    "ScopeSpans": {"scope": (1, _BYTES, False), "spans": (2, "Span", True)},
    "Resource": {"attributes": (1, _BYTES, True)},
    "InstrumentationScope": {
        "name": (1, _BYTES, False),
        "version": (2, _BYTES, False),
        "attributes": (3, _BYTES, True),
    },
    "Span": {
        "trace_id": (1, _BYTES, False),
        "span_id": (2, _BYTES, False),
        "trace_state": (3, _BYTES, False),
        "parent_span_id": (4, _BYTES, False),
        "name": (5, _BYTES, False),
        "kind": (6, _I32, False),
        "start_time_unix_nano": (7, _F64, False),
        "end_time_unix_nano": (8, _F64, False),
        "attributes": (9, _BYTES, True),
        "dropped_attributes_count": (10, _U32, False),
        "events": (11, "Event", True),
        "dropped_events_count": (12, _U32, False),
        "links": (13, "Link", True),
        "dropped_links_count": (14, _U32, False),
        "status": (15, "Status", False),
    },
    "Event": {
        "time_unix_nano": (1, _F64, False),
        "name": (2, _BYTES, False),
        "attributes": (3, _BYTES, True),
        "dropped_attributes_count": (4, _U32, False),
    },
    "Link": {
        "trace_id": (1, _BYTES, False),
        "span_id": (2, _BYTES, False),
        "trace_state": (3, _BYTES, False),
        "attributes": (4, _BYTES, True),
        "dropped_attributes_count": (5, _U32, False),
    },
    "Status": {"message": (2, _BYTES, False), "code": (3, _I32, False)},
    "ExportLogsServiceRequest": {"resource_logs": (1, "ResourceLogs", True)},
    "ResourceLogs": {"scope_logs": (2, "ScopeLogs", True)},
    "ScopeLogs": {"log_records": (2, _BYTES, True)},
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="tracestore/lazy_trace.proto", package="tracestore.lazy", syntax="proto3"
    )
    for message, fields_ in SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields_.items():
            one = described.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                one.type, one.type_name = _Field.TYPE_MESSAGE, f".tracestore.lazy.{kind}"
            else:
                one.type = kind
    # A pool of our own: the default one holds the official messages.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tracestore.lazy.{message}"))
        for message in SCHEMA
    }


_CLASSES: Final = _classes()
read_request: Final[Any] = _CLASSES["ExportTraceServiceRequest"].FromString
read_logs_request: Final[Any] = _CLASSES["ExportLogsServiceRequest"].FromString
read_span: Final[Any] = _CLASSES["Span"].FromString
read_resource: Final[Any] = _CLASSES["Resource"].FromString
read_scope: Final[Any] = _CLASSES["InstrumentationScope"].FromString


#: Fields of one message that are read by hand at most: half a second of work.
MOST_FIELDS: Final = 500_000


class Broken(ValueError):
    """The bytes are not protobuf from here on."""


def salvaged(body: bytes, number: int, *, remainder: bool) -> tuple[bytes, list[bytes]]:
    """Of a container that upb refuses: its field 1, and every field `number`, up to the break.

    With `remainder` the field that the break is in is given as far as it goes.
    """
    head, found = b"", []
    try:
        for at, payload in fields(body, remainder=remainder):
            if isinstance(payload, bytes):
                if at == number:
                    found.append(payload)
                elif at == 1:
                    head = payload
    except Broken:
        pass
    return head, found


def fields(body: bytes, *, most: int = MOST_FIELDS, remainder: bool = False) -> Iterator[tuple[int, bytes | int]]:
    """The fields of one message in order: integers for varint and fixed ones, else bytes.

    With `remainder` a field that is longer than the message gives the bytes there are.

    Raises:
        Broken: at the first byte that cannot be read, or after `most` fields.
    """
    at, size = 0, len(body)
    while at < size:
        most -= 1
        if most < 0:
            raise Broken("too many fields")
        tag, at = varint(body, at)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            length, at = varint(body, at)
            if at + length > size:
                if remainder:
                    yield number, body[at:]
                raise Broken("a field is longer than its message")
            yield number, body[at : at + length]
            at += length
        elif wire == 0:
            value, at = varint(body, at)
            yield number, value
        elif wire in (1, 5):
            end = at + (8 if wire == 1 else 4)
            if end > size:
                raise Broken("a number is cut short")
            yield number, int.from_bytes(body[at:end], "little")
            at = end
        else:
            raise Broken("an unknown wire type")
        if not number:
            raise Broken("a field without number")


def varint(body: bytes, at: int) -> tuple[int, int]:
    """The base-128 integer at `at` (64 bits), and where it ends."""
    value = shift = 0
    try:
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at
            shift += 7
            if shift > 63:
                raise Broken("a number of more than ten bytes")
    except IndexError:
        raise Broken("a number is cut short") from None
