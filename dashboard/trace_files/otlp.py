"""A trace as one ExportTraceServiceRequest in OTLP/JSON: posted to `/v1/traces`, it is the same trace again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from dashboard.api.rendering import ENCODER
from dashboard.jaeger.otlp import resource_spans, same_origin
from tracestore.spans.model import SpanRecord


def pieces(parts: Iterator[list[SpanRecord]]) -> Iterator[bytes]:
    """The file, one `resourceSpans` for neighbours in time that share a resource and a scope."""
    yield b'{"resourceSpans":['
    separator = b""
    for part in parts:
        for _, records in groupby(part, key=same_origin):
            yield separator + ENCODER.encode(resource_spans(list(records)))
            separator = b","
    yield b"]}"
