"""What drf-spectacular cannot see for itself: the ways to authenticate and the answers to failure.

Imported by `urls.py`, because extensions register themselves when their class is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from dashboard.api import shape_fields

PROJECT = OpenApiParameter(
    "project",
    str,
    description="The project, for a login with several. A key reads its own project only.",
)

#: What a failure means, by status.
FAILURES = {
    400: "A parameter has a bad value; `field` names it.",
    401: "No key, or a wrong one.",
    403: "The scope that the message names is missing.",
    404: "No such thing in this project.",
    413: "The body is larger than the API takes.",
    415: "The body is no JSON.",
    429: "Too much at once; try again after `Retry-After` seconds.",
    503: "The store does not answer; try again after `Retry-After` seconds.",
}
EVERYWHERE = (400, 401, 403, 404, 429, 503)
OF_BODIES = (413, 415)


def answers(shape: Any, *fails: int) -> dict[int, Any]:
    """For `extend_schema(responses=…)`: the shape of success, and the failures that can occur."""
    failures = {status: OpenApiResponse(shape_fields.Error, FAILURES[status]) for status in sorted({401, 403, *fails})}
    return {200: shape, **failures}


def files(types: Iterable[str], *fails: int) -> dict[Any, Any]:
    """The same for an operation that answers with a file, of one of these media types."""
    failures = answers(None, *fails)
    del failures[200]
    return {(200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in types} | failures


def add_failures(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Gives every operation the failures that any can have. A hook of drf-spectacular."""
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for described in operations.values():
            responses = described["responses"]
            for status in EVERYWHERE if "requestBody" not in described else (*EVERYWHERE, *OF_BODIES):
                responses.setdefault(str(status), {"content": error, "description": FAILURES[status]})
            described["responses"] = dict(sorted(responses.items()))
    return result


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "dashboard.api.authentication.KeyAuthentication"
    name: list[str] = ["bearer", "key"]  # noqa: RUF012 (declared so by drf-spectacular)

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "authorization: Bearer KEY"},
            {"type": "apiKey", "in": "header", "name": "x-api-key"},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"bearer": []}, {"key": []}]  # either, not both


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "dashboard.api.authentication.BrowserAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The browser's login; unsafe methods need the header x-csrftoken too.",
        }


class LoopbackScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Nothing needs to be sent on an open installation: an empty requirement, and no scheme."""

    target_class = "dashboard.api.authentication.LoopbackAuthentication"
    name: list[str] = []  # noqa: RUF012 (declared so by drf-spectacular)

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return []

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [] if settings.ENVIRONMENT.require_api_key else [{}]
