"""One trace as a file: for another OpenTelemetry backend, for a viewer of profiles, for replaying it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from dashboard.api import trace_ids
from dashboard.api.endpoint import Endpoint
from dashboard.api.export import sent
from dashboard.api.schema import PROJECT, answers
from dashboard.trace_files import otlp, perfetto, replay, speedscope
from tracestore.clickhouse import trace_parts
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.trace_parts import Outline
from tracestore.errors import NotFound

Make = Callable[[str, str, Sequence[Outline]], Iterator[bytes]]

#: Name in the address → ending of the file's name, and what makes it of project, trace and outline.
FORMATS: dict[str, tuple[str, Make]] = {
    "otlp": ("otlp.json", lambda project, trace, spans: otlp.pieces(trace_parts.records(project, trace, spans))),
    "speedscope": ("speedscope.json", lambda project, trace, spans: speedscope.pieces(trace, spans)),
    "perfetto": ("perfetto.json", lambda project, trace, spans: perfetto.pieces(trace, spans)),
    "replay": (
        "replay.json",
        lambda project, trace, spans: replay.pieces(
            trace, spans, lambda ids: get_reader().spans_by_id(project, trace, ids)
        ),
    ),
}

DESCRIPTION = """`otlp`: an ExportTraceServiceRequest in OTLP/JSON with all payloads; posted to `/v1/traces`, \
it is the same trace again. `speedscope`: for https://www.speedscope.app. `perfetto`: Chrome's Trace Event JSON, \
for https://ui.perfetto.dev. `replay`: model and tool calls in order with their recorded answers \
(docs/replay-bundle.md). The file is streamed; if the connection ends before the last chunk, it is not whole: ask \
again."""


class TraceExport(Endpoint):
    @extend_schema(
        operation_id="traces_export",
        tags=["traces"],
        summary="A trace as a file",
        description=DESCRIPTION,
        parameters=[
            OpenApiParameter("trace_id", str, OpenApiParameter.PATH, description="32 hexadecimal digits."),
            OpenApiParameter("format", str, OpenApiParameter.PATH, enum=list(FORMATS), description="The file's kind."),
            PROJECT,
        ],
        responses=answers(OpenApiTypes.OBJECT, 404, 503),
    )
    def get(self, request: Request, trace_id: str, format: str) -> StreamingHttpResponse:  # noqa: A002
        found = trace_ids.trace_id(trace_id)
        if format not in FORMATS:
            raise NotFound(f"{format[:100]} is no format: expected one of {', '.join(FORMATS)}.")
        ending, make = FORMATS[format]
        chunks = gathered(make(self.project, found, trace_parts.outline(self.project, found)))
        # What fails before the first chunk still becomes a proper answer.
        first = next(chunks, b"")
        response = StreamingHttpResponse(sent(first, chunks), content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="{found}.{ending}"'
        return response


def gathered(pieces: Iterator[bytes], size: int = 1 << 16) -> Iterator[bytes]:
    """Small pieces put together, so that each chunk is worth its way."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)
