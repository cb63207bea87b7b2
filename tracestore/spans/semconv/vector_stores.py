"""Queries of vector stores, and of other stores where a query is certainly one for similar or kept items.

OpenTelemetry's database conventions (`db.system.name`, `db.operation.name`, `db.query.text`, … and
their older names), as the instrumentations of each store send them: OpenLLMetry's for Pinecone,
Milvus, Weaviate, Qdrant, Chroma, Marqo and LanceDB, and OpenTelemetry's own for Redis, PostgreSQL,
DynamoDB and search engines. Only reading is a `retrieval`; what writes stays `other`, and so does
every plain SQL, Redis or HTTP span. What came back is measured by `retrieved.py`.
"""

from __future__ import annotations

import re
from typing import Final

from tracestore.spans.model import Attributes, Span, Value
from tracestore.spans.semconv.values import first_payload, first_text, plain, to_json

CONVENTION: Final = "db"

#: `db.system(.name)` of stores made for similar items: reading them is always a retrieval.
VECTOR_STORES: Final = frozenset(
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

#: Words of an operation's name that mean reading, and those that mean something else after all.
_READS: Final = frozenset(
    {
        "bm25",
        "discover",
        "fetch",
        "get",
        "hybrid",
        "knn",
        "near",
        "peek",
        "query",
        "raw",
        "recommend",
        "retrieve",
        "scroll",
        "search",
        "select",
    }
)
_WRITES: Final = frozenset(
    {
        "add",
        "aggregate",
        "alter",
        "collection",
        "collections",
        "create",
        "data",
        "delete",
        "describe",
        "drop",
        "insert",
        "modify",
        "schema",
        "update",
        "upload",
        "upsert",
    }
)

#: Attributes in which instrumentations keep the parameters of a query that has no text.
_PARAMETERS: Final = (
    "db.chroma.",
    "db.marqo.",
    "db.milvus.",
    "db.vector.",
    "db.weaviate.",
    "pinecone.query.",
    "qdrant.",
)

_WORD: Final = re.compile(r"[a-z0-9]+")
#: pgvector's operators for cosine and inner product; `<->` also belongs to other types.
_PGVECTOR: Final = re.compile(r"<=>|<#>|<->(?=.*\bvector\b)|\bvector\b.*<->", re.IGNORECASE | re.DOTALL)
_MAX_SEARCHED: Final = 65_536


def is_database(attributes: Attributes) -> bool:
    """Whether the span speaks of a database at all."""
    return "db.system.name" in attributes or "db.system" in attributes


def read(span: Span) -> None:
    """Fill the columns of a database span: `retrieval` for queries of the kinds above, else `other`."""
    attributes = span.record.attributes
    system = first_text(attributes, "db.system.name", "db.system").lower()
    operation = first_text(attributes, "db.operation.name", "db.operation") or span.record.name
    query = first_text(attributes, "db.query.text", "db.statement")
    span.input = first_payload(
        attributes,
        "gen_ai.retrieval.query.text",
        "db.query.text",
        "db.statement",
        "redis.commands.search.query",
        "db.marqo.search.query",
        "input.value",
    )
    span.output = first_payload(attributes, "gen_ai.retrieval.documents", "output.value")
    if _is_retrieval(system, operation, span.record.name, query[:_MAX_SEARCHED]):
        span.type, span.operation, span.provider, span.convention = "retrieval", "retrieval", system, CONVENTION
        span.input = span.input or _parameters(attributes)


def _is_retrieval(system: str, operation: str, name: str, query: str) -> bool:
    if system in VECTOR_STORES:
        # Weaviate's builders all end in `do`: the name of the span says what was built.
        words = set(_WORD.findall((name if operation == "do" else operation).lower()))
        return bool(words & _READS) and not words & _WRITES
    command = operation.lower()
    if system == "redis":
        return "ft.search" in (command, query[:9].lower()) or name == "redis.search"
    if system in ("dynamodb", "aws.dynamodb"):
        return command in ("query", "scan")
    if system == "postgresql":
        head = query.lstrip()[:6].lower()
        return (head == "select" or head[:4] == "with") and _PGVECTOR.search(query) is not None
    if system in ("elasticsearch", "opensearch"):
        return "search" in command and ('"knn"' in query or '"neural"' in query)
    if system == "mongodb":
        return "$vectorSearch" in query
    return False


def _parameters(attributes: Attributes) -> str:
    """What the query was like when its text is not there: limit, filter, namespace, …"""
    found: dict[str, Value] = {
        key: plain(value) for key, value in attributes.items() if key.startswith(_PARAMETERS) and "result" not in key
    }
    return to_json(found, canonical=True) if found else ""
