"""The one place where an error becomes an HTTP answer: `{"error": {"code", "message", "field"?, "offset"?}}`."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from tracestore.errors import InvalidInput, TracestoreError

log = structlog.get_logger(__name__)

#: HTTP status of each TracestoreError.
STATUSES: dict[str, int] = {
    "invalid_input": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "too_large": 413,
    "overloaded": 429,
    "unavailable": 503,
}

#: Codes of the errors that the framework itself raises, in our words.
CODES: dict[int, str] = {
    400: "invalid_input",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "overloaded",
}

AUTHENTICATE = 'Bearer realm="tracestore"'


def handle(exc: Exception, context: dict[str, Any]) -> Response:
    """Answers every exception of a view. What is not raised on purpose is logged and shown as `internal`."""
    set_rollback()
    if isinstance(exc, TracestoreError) and exc.code in STATUSES:
        return from_tracestore(exc)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, DataError):
        # A text or number of the request that the database has no form for: PostgreSQL and NUL in a parameter.
        return answer(400, "invalid_input", "A value of the request cannot be stored: expected other characters.")
    if isinstance(exc, exceptions.APIException):
        return from_framework(exc)
    view = context.get("view")
    log.error("unexpected error in the API", view=type(view).__name__, exc_info=exc)
    return answer(500, "internal", "An internal error occurred. The server's log tells more.")


def from_tracestore(exc: TracestoreError) -> Response:
    status = STATUSES[exc.code]
    field = exc.field if isinstance(exc, InvalidInput) else ""
    headers = {}
    if exc.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(exc.retry_after_s)))
    if status == 401:
        headers["WWW-Authenticate"] = AUTHENTICATE
    offset = exc.offset if isinstance(exc, InvalidInput) else None
    return answer(status, exc.code, exc.message, field, headers, offset)


def from_framework(exc: exceptions.APIException) -> Response:
    field, message = first_message(exc.detail)
    headers = {}
    if exc.status_code == 401:
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", AUTHENTICATE)
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    code = CODES.get(exc.status_code, "internal" if exc.status_code >= 500 else "invalid_input")
    return answer(exc.status_code, code, message, field, headers)


def first_message(detail: Any) -> tuple[str, str]:
    """The first complaint in a framework error's nested detail, and the path of its field."""
    if isinstance(detail, dict) and detail:
        name, inner = next(iter(detail.items()))
        field, message = first_message(inner)
        path = "" if name == "non_field_errors" else str(name)
        return ".".join(part for part in (path, field) if part), message
    if isinstance(detail, list) and detail:
        position = next((i for i, item in enumerate(detail) if item), 0)
        field, message = first_message(detail[position])
        # Lists of messages belong to their field; lists of objects (many=True) say which one.
        return (f"{position}.{field}" if field else ""), message
    return "", str(detail) if detail else "The request cannot be understood."


def answer(
    status: int,
    code: str,
    message: str,
    field: str = "",
    headers: dict[str, str] | None = None,
    offset: int | None = None,
) -> Response:
    error: dict[str, str | int] = {"code": code, "message": message}
    if field:
        error["field"] = field
    if offset is not None:
        error["offset"] = offset
    return Response({"error": error}, status=status, headers=headers)
