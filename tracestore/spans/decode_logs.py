"""Log requests: read as far as to know that they are log requests, and how many records they hold."""

from __future__ import annotations

import msgspec
from google.protobuf.message import DecodeError
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
        request = wire.read_logs_request(body)
    except DecodeError:
        raise InvalidInput("the body is not an OTLP logs request in protobuf", field="body") from None
    return sum(len(part.log_records) for logs in request.resource_logs for part in logs.scope_logs)


def count_json(body: bytes) -> int:
    """The same for OTLP/JSON.

    Raises:
        InvalidInput: the body is not such a request.
    """
    request, _ = request_of(body, _REQUEST)
    return sum(len(part.log_records or ()) for logs in request.resource_logs or () for part in logs.scope_logs or ())
