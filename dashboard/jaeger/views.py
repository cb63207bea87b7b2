"""Jaeger's v2 JSON API: what Grafana's data source and older Jaeger UIs ask, and every UI for one trace."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.jaeger import parameters, representation
from dashboard.jaeger.endpoint import JaegerEndpoint
from dashboard.jaeger.representation import envelope
from tracestore.errors import NotFound

#: Jaeger's own words for it.
NOT_FOUND = "trace not found"
LEFT_OUT = "left out: the answer would have too many spans; ask for fewer traces, or for this one by its id"


class Services(JaegerEndpoint):
    def get(self, request: Request) -> Response:
        names = self.reader.services(self.project)
        return Response(envelope(names, total=len(names)))


class OperationNames(JaegerEndpoint):
    """Names only, of all kinds: the older of the two questions."""

    def get(self, request: Request, service: str) -> Response:
        found = self.reader.operations(self.project, service)
        names = list(dict.fromkeys(operation.name for operation in found))
        return Response(envelope(names, total=len(names)))


class Operations(JaegerEndpoint):
    def get(self, request: Request) -> Response:
        service, kind = parameters.required_service(request.query_params), parameters.span_kind(request.query_params)
        data = [
            {"name": operation.name, "spanKind": "" if operation.kind == "unspecified" else operation.kind}
            for operation in self.reader.operations(self.project, service, kind)
        ]
        return Response(envelope(data, total=len(data)))


class Traces(JaegerEndpoint):
    def get(self, request: Request) -> Response:
        ids = parameters.trace_ids(request.query_params)
        if ids:
            found = self.reader.traces(self.project, ids, payloads=True)
        else:
            found = self.find(parameters.trace_search(request.query_params))
        there = {trace.trace_id for trace in found.traces}.union(found.left_out)
        errors: list[dict[str, Any]] = [{"msg": LEFT_OUT, "traceID": left} for left in found.left_out]
        errors += [{"msg": NOT_FOUND, "traceID": one} for one in dict.fromkeys(ids) if one not in there]
        return Response(envelope(representation.traces(found.traces), errors=errors))


class TraceById(JaegerEndpoint):
    """A whole trace. The bounds `start` and `end` are only a hint to other stores; here none is needed."""

    def get(self, request: Request, trace_id: str) -> Response:
        found = self.reader.traces(self.project, [parameters.trace_id(trace_id)], payloads=True)
        if not found.traces:
            raise NotFound(NOT_FOUND)
        return Response(envelope(representation.traces(found.traces)))


class Dependencies(JaegerEndpoint):
    def get(self, request: Request) -> Response:
        start_ns, end_ns = parameters.dependencies_range(request.query_params)
        service = parameters.text(request.query_params, "service")
        data = [
            {"parent": one.parent, "child": one.child, "callCount": one.calls}
            for one in self.reader.dependencies(self.project, start_ns, end_ns)
            if service in ("", one.parent, one.child)
        ]
        return Response(envelope(data))
