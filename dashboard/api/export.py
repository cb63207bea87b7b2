"""Whole tables as files: Parquet, CSV or JSON lines, sent as the engine produces them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import structlog
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from dashboard.api.endpoint import Endpoint
from dashboard.api.filters import bound
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED
from tracestore.clickhouse import charging, exporting
from tracestore.clickhouse.exporting import Export
from tracestore.search.parser import parse

log = structlog.get_logger(__name__)

PARAMETERS = [
    OpenApiParameter("table", str, OpenApiParameter.PATH, enum=list(exporting.TABLES), description="What to export."),
    OpenApiParameter(
        "format", str, OpenApiParameter.PATH, enum=list(exporting.FORMATS), description="The file's kind."
    ),
    OpenApiParameter("since", str, description=f"Rows that began at or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="Rows that began before this time; as `since`."),
    OpenApiParameter("columns", str, description="Names with commas between; all columns unless given."),
    OpenApiParameter("q", str, description="Of `traces` only: a search, as in the list of traces."),
    PROJECT,
]


class ExportView(Endpoint):
    @extend_schema(
        operation_id="export",
        tags=["export"],
        summary="A table as a file",
        description="All rows of the project in the time asked for, streamed. If the connection ends before the last"
        " chunk, the file is not whole: ask again. In CSV, a text that a spreadsheet would run gets an apostrophe.",
        parameters=PARAMETERS,
        responses=answers(OpenApiTypes.BINARY, 400, 404, 503),
    )
    def get(self, request: Request, table: str, format: str) -> StreamingHttpResponse:  # noqa: A002
        names = [name.strip() for name in request.query_params.get("columns", "").split(",")]
        wanted = Export(
            table,
            format,
            bound(request._request.GET, "since"),
            bound(request._request.GET, "until"),
            [name for name in names if name],
            parse(request.query_params.get("q", "")),
        )
        exporting.check(wanted)
        chunks = exporting.stream(self.project, wanted)
        # What fails before the first chunk still becomes a proper answer.
        first = next(chunks, b"")
        response = StreamingHttpResponse(sent(first, chunks), content_type=exporting.FORMATS[format][1])
        response["Content-Disposition"] = f'attachment; filename="{self.project}-{table}.{format}"'
        return response


def sent(first: bytes, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, each read in a thread. An error ends the connection, so that nobody takes a part for the whole.

    They are read after the request's own context has ended, and still on its account.
    """
    return _sent(first, chunks, charging.current())


async def _sent(first: bytes, chunks: Iterator[bytes], payer: charging.Payer | None) -> AsyncIterator[bytes]:
    def following() -> bytes | None:
        with charging.paying(payer):
            return next(chunks, None)

    try:
        yield first
        while (chunk := await asyncio.to_thread(following)) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            await asyncio.to_thread(close)
