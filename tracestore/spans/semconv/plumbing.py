"""Spans that speak no agent dialect: databases, HTTP, message plumbing of a framework."""

from __future__ import annotations

from tracestore.spans.model import Span
from tracestore.spans.semconv import autogen, vector_stores
from tracestore.spans.semconv.values import first_payload


def read(span: Span) -> None:
    """Type `other` but for queries of vector stores and AutoGen's runtime; whatever payload there is."""
    attributes = span.record.attributes
    if vector_stores.is_database(attributes):
        vector_stores.read(span)
    elif span.record.scope.name.startswith(autogen.RUNTIME):
        autogen.read(span)
    else:
        span.input = first_payload(attributes, "input.value", "message")
        span.output = first_payload(attributes, "output.value")
