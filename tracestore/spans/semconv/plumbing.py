"""Spans that speak no agent dialect: databases, HTTP, message plumbing of a framework."""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import autogen
from tracestore.spans.semconv.values import first_payload, first_text

#: `db.system.name` of stores whose queries are retrievals.
_VECTOR_STORES: Final = frozenset(
    {
        "chroma",
        "chromadb",
        "lancedb",
        "marqo",
        "milvus",
        "pinecone",
        "qdrant",
        "turbopuffer",
        "vespa",
        "weaviate",
    }
)


def read(span: Span) -> None:
    """Type `other` but for vector stores; whatever payload there is."""
    attributes = span.record.attributes
    system = first_text(attributes, "db.system.name", "db.system").lower()
    if system in _VECTOR_STORES:
        span.type, span.operation, span.provider = "retrieval", "retrieval", system
    elif span.record.scope.name.startswith(autogen.RUNTIME):
        autogen.read(span)
        return
    span.input = first_payload(attributes, "input.value", "message", "db.query.text")
    span.output = first_payload(attributes, "output.value")
