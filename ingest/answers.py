"""The bodies of answers: Export…Response and google.rpc.Status, in protobuf and in JSON."""

from __future__ import annotations

import json
import math
from typing import Any, Final, Literal, TypeAlias

from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ingest.status import Failure, number_of

Signal: TypeAlias = Literal["traces", "logs"]
Encoding: TypeAlias = Literal["protobuf", "json"]

#: Far below the 4 MiB that a response may have; long messages help nobody.
MESSAGE_CHARS: Final = 4_000


def accepted(signal: Signal, encoding: Encoding, rejected: int, message: str) -> bytes:
    """The answer to an export that was accepted, wholly or in part.

    `partial_success` stays unset when all is well; `rejected` 0 with a message is a warning
    (OTLP "Partial Success").
    """
    message = shortened(message)
    if encoding == "json":
        if not rejected and not message:
            return b"{}"
        name = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
        partial: dict[str, Any] = {name: str(rejected)} if rejected else {}
        if message:
            partial["errorMessage"] = message
        return json.dumps({"partialSuccess": partial}).encode()
    if not rejected and not message:
        return b""
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = rejected
        traces.partial_success.error_message = message
        return bytes(traces.SerializeToString())
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = rejected
    logs.partial_success.error_message = message
    return bytes(logs.SerializeToString())


def retry_info(seconds: float) -> RetryInfo:
    whole = math.floor(seconds)
    return RetryInfo(retry_delay=Duration(seconds=whole, nanos=int((seconds - whole) * 1e9)))


def rpc_status(failure: Failure) -> RpcStatus:
    """The failure as google.rpc.Status, with RetryInfo when the sender should try again."""
    status = RpcStatus(code=number_of(failure.status.grpc), message=shortened(failure.message))
    if failure.retry_after_s is not None:
        detail = any_pb2.Any()
        detail.Pack(retry_info(failure.retry_after_s))
        status.details.append(detail)
    return status


def refused(failure: Failure, encoding: Encoding) -> bytes:
    """The body of an HTTP error (OTLP "OTLP/HTTP Response", failures)."""
    if encoding == "protobuf":
        return bytes(rpc_status(failure).SerializeToString())
    body: dict[str, Any] = {
        "code": number_of(failure.status.grpc),
        "message": shortened(failure.message),
    }
    if failure.retry_after_s is not None:
        body["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{failure.retry_after_s:.3f}s",
            }
        ]
    return json.dumps(body).encode()


def shortened(message: str) -> str:
    return message if len(message) <= MESSAGE_CHARS else message[: MESSAGE_CHARS - 1] + "…"
