"""The base of the views of Jaeger's API: like the rest of the API, but errors have Jaeger's shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import errors
from dashboard.api.endpoint import Endpoint
from dashboard.jaeger.representation import envelope
from tracestore.clickhouse.jaeger_reader import JaegerReader, Traces, get_jaeger_reader
from tracestore.clickhouse.jaeger_search import TraceSearch


class JaegerEndpoint(Endpoint):
    """A view of the v2 API."""

    # Not in the OpenAPI schema: these shapes are Jaeger's to describe.
    schema = None

    @property
    def reader(self) -> JaegerReader:
        return get_jaeger_reader()

    def get_exception_handler(self) -> Callable[..., Response]:
        def handle(exc: Exception, context: dict[str, Any]) -> Response:
            response = errors.handle(exc, context)
            response.data = self.failure(response.status_code, response.data["error"]["message"])
            return response

        return handle

    def failure(self, status: int, message: str) -> dict[str, Any]:
        return envelope(None, errors=[{"code": status, "msg": message}])

    def find(self, wanted: TraceSearch) -> Traces:
        """The traces of a search, newest first, without their payloads: a list of runs must not ship every prompt."""
        return self.reader.traces(self.project, self.reader.find(self.project, wanted), payloads=False)


class JaegerEndpointV3(JaegerEndpoint):
    """A view of the v3 API."""

    def failure(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"httpCode": status, "message": message}}


class Unknown(JaegerEndpoint):
    """Addresses of Jaeger's that are not served (archive, metrics, transform): a 404 that its clients can read."""

    # Nobody needs to prove anything to learn that an address does not exist.
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise exceptions.NotFound("Tracestore does not serve this part of Jaeger's API.")
