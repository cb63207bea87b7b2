"""The protobuf wire format of OTLP traces, read lazily.

The official classes refuse a whole request for one invalid byte in one string, or one deep value,
make an object for every attribute, and turn 64 MiB of empty spans into gigabytes. So the containers
of a request are walked by hand, which costs a microsecond a span, and each span is parsed alone, by
upb, through a schema of our own: the field numbers are the official ones (opentelemetry-proto,
trace.proto and common.proto; a test holds the two together), but every string, and every message
that may be refused alone, is `bytes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _U32, _I32, _F32, _F64 = (
    _Field.TYPE_BYTES,
    _Field.TYPE_UINT32,
    _Field.TYPE_INT32,
    _Field.TYPE_FIXED32,
    _Field.TYPE_FIXED64,
)

#: message → field → (number, type or message name, repeated)
SCHEMA: Final[dict[str, dict[str, tuple[int, Any, bool]]]] = {
    "Resource": {"attributes": (1, _BYTES, True), "dropped_attributes_count": (2, _U32, False)},
    "InstrumentationScope": {
        "name": (1, _BYTES, False),
        "version": (2, _BYTES, False),
        "attributes": (3, _BYTES, True),
        "dropped_attributes_count": (4, _U32, False),
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
        "events": (11, _BYTES, True),
        "dropped_events_count": (12, _U32, False),
        "links": (13, _BYTES, True),
        "dropped_links_count": (14, _U32, False),
        "status": (15, "Status", False),
        "flags": (16, _F32, False),
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
        "flags": (6, _F32, False),
    },
    "Status": {"message": (2, _BYTES, False), "code": (3, _I32, False)},
    "LogRecord": {
        "time_unix_nano": (1, _F64, False),
        "severity_number": (2, _I32, False),
        "severity_text": (3, _BYTES, False),
        "body": (5, _BYTES, False),
        "attributes": (6, _BYTES, True),
        "dropped_attributes_count": (7, _U32, False),
        "flags": (8, _F32, False),
        "trace_id": (9, _BYTES, False),
        "span_id": (10, _BYTES, False),
        "observed_time_unix_nano": (11, _F64, False),
        "event_name": (12, _BYTES, False),
    },
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
read_span: Final[Any] = _CLASSES["Span"].FromString
read_event: Final[Any] = _CLASSES["Event"].FromString
read_link: Final[Any] = _CLASSES["Link"].FromString
read_resource: Final[Any] = _CLASSES["Resource"].FromString
read_scope: Final[Any] = _CLASSES["InstrumentationScope"].FromString
read_log: Final[Any] = _CLASSES["LogRecord"].FromString

#: Field numbers of the containers: the Resource or scope, the parts and their schema (also of the logs messages).
REQUEST_PARTS: Final = 1
HEAD: Final = 1
PARTS: Final = 2
SCHEMA_URL: Final = 3

#: The wire type of strings, bytes and messages.
LENGTH_DELIMITED: Final = 2

#: How many parts of a container are looked through for its schema.
SCHEMA_WITHIN: Final = 10_000
#: How far to look for a Resource or scope that is not where every encoder puts it, in front.
_HEAD_WITHIN: Final = 1_000


class Broken(ValueError):
    """The bytes are not protobuf from here on."""


def parts(body: bytes, at: int, end: int, *, remainder: bool = False) -> Iterator[tuple[int, int, int, int]]:
    """The fields of the message in `body[at:end]`: (number, wire type, start, stop) of each.

    With `remainder` a field that is longer than the message is given as far as it goes.

    Raises:
        Broken: at the first byte that cannot be read.
    """
    try:
        while at < end:
            tag = body[at]
            at += 1
            if tag > 127:
                tag, at = varint(body, at - 1)
            wire = tag & 7
            if wire == LENGTH_DELIMITED:
                length = body[at]
                at += 1
                if length > 127:
                    length, at = varint(body, at - 1)
                stop = at + length
            elif wire == 0:
                stop = at + 1
                while body[stop - 1] > 127:
                    stop += 1
                if stop - at > 10:
                    raise Broken("a number of more than ten bytes")
            elif wire == 1:
                stop = at + 8
            elif wire == 5:
                stop = at + 4
            else:
                raise Broken("an unknown wire type")
            if tag < 8:
                raise Broken("a field without number")
            if stop > end:
                if remainder and wire == LENGTH_DELIMITED and at <= end:
                    yield tag >> 3, wire, at, end
                raise Broken("a field is longer than its message")
            yield tag >> 3, wire, at, stop
            at = stop
    except IndexError:
        raise Broken("a number is cut short") from None


def head(body: bytes, at: int, end: int) -> bytes:
    """Field 1 of a container: the Resource or the scope; b'' when there is none."""
    try:
        for seen, (number, wire, start, stop) in enumerate(parts(body, at, end)):
            if number == HEAD and wire == LENGTH_DELIMITED:
                return body[start:stop]
            if seen > _HEAD_WITHIN:
                break
    except Broken:
        pass
    return b""


def fields(body: bytes, *, most: int) -> Iterator[tuple[int, bytes | int]]:
    """The fields of one message in order: integers for varint and fixed ones, else bytes.

    Raises:
        Broken: at the first byte that cannot be read, or after `most` fields.
    """
    for number, wire, start, stop in parts(body, 0, len(body)):
        most -= 1
        if most < 0:
            raise Broken("too many fields")
        if wire == LENGTH_DELIMITED:
            yield number, body[start:stop]
        elif wire == 0:
            yield number, varint(body, start)[0]
        else:
            yield number, int.from_bytes(body[start:stop], "little")


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
