"""Log requests: read as far as to know that they are log requests, and how many records they hold."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from tracestore.errors import InvalidInput
from tracestore.spans import decode_wire as wire
from tracestore.spans.otlp_json import request_of


class _ScopeLogs(Struct, rename="camel"):
    log_records: list[Raw] | None = None


class _ResourceLogs(Struct, rename="camel"):
    scope_logs: list[_ScopeLogs] | None = None


class _Request(Struct, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def count_protobuf(body: bytes) -> int:
    """The log records of an ExportLogsServiceRequest (logs_service.proto).

    Raises:
        InvalidInput: the body is not such a request.
    """
    try:
        return sum(
            number == wire.PARTS
            for _, at, end in parts_of(body, wire.REQUEST_PARTS, 0, len(body))
            for _, start, stop in parts_of(body, wire.PARTS, at, end)
            for number, _, _ in parts_of(body, wire.PARTS, start, stop)
        )
    except wire.Broken:
        raise InvalidInput("the body is not an OTLP logs request in protobuf", field="body") from None


def parts_of(body: bytes, wanted: int, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The parts of a container with this field number: (number, start, stop)."""
    for number, kind, start, stop in wire.parts(body, at, end):
        if number == wanted and kind == wire.LENGTH_DELIMITED:
            yield number, start, stop


def count_json(body: bytes) -> int:
    """The same for OTLP/JSON.

    Raises:
        InvalidInput: the body is not such a request.
    """
    request, _ = request_of(body, _REQUEST)
    return sum(len(part.log_records or ()) for logs in request.resource_logs or () for part in logs.scope_logs or ())
