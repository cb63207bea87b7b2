"""The one table of how a result is told to a sender: error → gRPC code, HTTP status, retry or not.

OTLP 1.11 says which codes a sender retries: specification.md "OTLP/gRPC Response" (failures) and
"OTLP/HTTP Response" (failures; throttling). RESOURCE_EXHAUSTED counts as retryable only with
RetryInfo; over HTTP exactly 429, 502, 503 and 504 are.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#failures
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#failures-1
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlpgrpc-throttling
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import grpc
import structlog

from tracestore.errors import TracestoreError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """How one error code is told. `retryable` says whether a delay is sent along."""

    grpc: grpc.StatusCode
    http: int
    retryable: bool = False


_CODE = grpc.StatusCode

#: `TracestoreError.code` → status.
TABLE: Final[dict[str, Status]] = {
    "invalid_input": Status(_CODE.INVALID_ARGUMENT, 400),
    "too_large": Status(_CODE.RESOURCE_EXHAUSTED, 413),
    "unauthenticated": Status(_CODE.UNAUTHENTICATED, 401),
    "forbidden": Status(_CODE.PERMISSION_DENIED, 403),
    "not_found": Status(_CODE.UNIMPLEMENTED, 404),
    "overloaded": Status(_CODE.RESOURCE_EXHAUSTED, 429, retryable=True),
    "unavailable": Status(_CODE.UNAVAILABLE, 503, retryable=True),
    "internal": Status(_CODE.INTERNAL, 500),
}

#: What only HTTP can do wrong.
WRONG_METHOD: Final = Status(_CODE.UNIMPLEMENTED, 405)
WRONG_CONTENT: Final = Status(_CODE.INVALID_ARGUMENT, 415)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as told to a sender. `retry_after_s` is None when it must not be sent again."""

    status: Status
    message: str
    retry_after_s: float | None = None


def failure_of(error: BaseException) -> Failure:
    """How to tell an error. What we did not raise on purpose is a defect: logged, not shown."""
    if isinstance(error, TracestoreError):
        status = TABLE[error.code]
        return Failure(status, error.message, error.retry_after_s if status.retryable else None)
    log.error("ingest defect", exc_info=error)
    return Failure(TABLE["internal"], "internal error")


def number_of(code: grpc.StatusCode) -> int:
    """The number of a gRPC code, as google.rpc.Status has it."""
    number: int = code.value[0]
    return number
