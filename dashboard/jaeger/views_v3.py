"""Jaeger's v3 JSON API: what current Jaeger UIs ask for services, span names and results of a search."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.jaeger import otlp, parameters
from dashboard.jaeger.endpoint import JaegerEndpointV3
from tracestore.clickhouse.jaeger_reader import Traces as FoundTraces
from tracestore.errors import NotFound


class Services(JaegerEndpointV3):
    def get(self, request: Request) -> Response:
        return Response({"services": self.reader.services(self.project)})


class Operations(JaegerEndpointV3):
    def get(self, request: Request) -> Response:
        service, kind = parameters.required_service(request.query_params), parameters.span_kind(request.query_params)
        found = self.reader.operations(self.project, service, kind)
        # Jaeger has no "unspecified" here, and OTLP says to take it for internal.
        named = {(one.name, "internal" if one.kind == "unspecified" else one.kind): None for one in found}
        return Response({"operations": [{"name": name, "spanKind": kind} for name, kind in named]})


class Traces(JaegerEndpointV3):
    def get(self, request: Request) -> Response:
        return answer(self.find(parameters.trace_search_v3(request.query_params)))


class TraceById(JaegerEndpointV3):
    def get(self, request: Request, trace_id: str) -> Response:
        return answer(self.reader.traces(self.project, [parameters.trace_id(trace_id)], payloads=True))


class TraceSummaries(JaegerEndpointV3):
    def get(self, request: Request) -> Response:
        found = self.reader.find(self.project, parameters.trace_search_v3(request.query_params))
        return Response({"summaries": [otlp.summary(one) for one in self.reader.summaries(self.project, found)]})


def answer(found: FoundTraces) -> Response:
    """As Jaeger does, a search without results is a 404 too."""
    if not found.traces:
        raise NotFound("No traces found")
    return Response(otlp.traces(found.traces))
