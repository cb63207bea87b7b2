"""Retrievals: which spans are one, what was asked, what came back, how good it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from records import event, record

from tracestore.spans.model import Event, Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.semconv.retrieved import (
    BEST_DISTANCE,
    BEST_SCORE,
    HITS,
    WORST_DISTANCE,
    WORST_SCORE,
)

KNN = "SELECT id FROM docs ORDER BY embedding <=> $1 LIMIT 5"


@pytest.mark.parametrize(
    ("name", "attributes", "type_"),
    [
        ("pinecone.query", {"db.system": "Pinecone", "pinecone.query.top_k": 3}, "retrieval"),
        ("pinecone.upsert", {"db.system": "Pinecone"}, "other"),
        ("pinecone.delete", {"db.system": "Pinecone"}, "other"),
        ("milvus.search", {"db.system": "milvus", "db.operation": "search"}, "retrieval"),
        ("milvus.hybrid_search", {"db.system": "milvus", "db.operation": "hybrid_search"}, "retrieval"),
        ("milvus.insert", {"db.system": "milvus", "db.operation": "insert"}, "other"),
        ("milvus.create_collection", {"db.system": "milvus", "db.operation": "create_collection"}, "other"),
        ("qdrant.query_points", {"db.system": "Qdrant"}, "retrieval"),
        ("qdrant.search_batch", {"db.system": "Qdrant"}, "retrieval"),
        ("qdrant.upload_points", {"db.system": "Qdrant"}, "other"),
        ("chroma.query", {"db.system": "chroma", "db.operation": "query"}, "retrieval"),
        ("chroma.query.segment._query", {"db.system": "chroma", "db.operation": "_query"}, "retrieval"),
        ("chroma.add", {"db.system": "chroma", "db.operation": "add"}, "other"),
        ("lancedb.search", {"db.system": "lancedb", "db.operation": "search"}, "retrieval"),
        ("db.weaviate.query.get.do", {"db.system": "weaviate", "db.operation": "do"}, "retrieval"),
        ("db.weaviate.query.aggregate.do", {"db.system": "weaviate", "db.operation": "do"}, "other"),
        ("x", {"db.system": "weaviate", "db.operation": "fetch_objects"}, "retrieval"),
        ("x", {"db.system": "weaviate", "db.operation": "batch_add_data_object"}, "other"),
        ("query docs", {"db.system.name": "qdrant", "db.operation.name": "query"}, "retrieval"),
        ("FT.SEARCH", {"db.system": "redis", "db.statement": "FT.SEARCH idx *=>[KNN 3 @v $q]"}, "retrieval"),
        ("redis.search", {"db.system": "redis", "redis.commands.search.query": "cats"}, "retrieval"),
        ("GET", {"db.system": "redis", "db.statement": "GET FT.SEARCH"}, "other"),
        ("SELECT docs", {"db.system.name": "postgresql", "db.query.text": KNN}, "retrieval"),
        ("SELECT", {"db.system": "postgresql", "db.statement": "SELECT 1"}, "other"),
        # `<->` is also how far two words of a text search stand apart.
        ("SELECT", {"db.system": "postgresql", "db.statement": "SELECT 'a <-> b'::tsquery"}, "other"),
        ("SELECT", {"db.system": "postgresql", "db.statement": "SELECT 1 ORDER BY e <-> $1::vector"}, "retrieval"),
        ("INSERT", {"db.system": "postgresql", "db.statement": "INSERT INTO d SELECT e <=> $1"}, "other"),
        # MySQL's `<=>` is a comparison.
        ("SELECT", {"db.system": "mysql", "db.statement": "SELECT a <=> b"}, "other"),
        ("DynamoDB.Query", {"db.system": "dynamodb", "db.operation": "Query", "aws.dynamodb.count": 2}, "retrieval"),
        ("DynamoDB.PutItem", {"db.system": "dynamodb", "db.operation": "PutItem"}, "other"),
        ("x", {"db.system": "elasticsearch", "db.operation": "search", "db.statement": '{"knn": {}}'}, "retrieval"),
        ("x", {"db.system": "elasticsearch", "db.operation": "search", "db.statement": '{"query": {}}'}, "other"),
        ("search_memory m", {"gen_ai.operation.name": "search_memory"}, "retrieval"),
        ("update_memory m", {"gen_ai.operation.name": "update_memory"}, "other"),
        ("POST", {"http.request.method": "POST", "url.full": "https://x.pinecone.io/query"}, "other"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("workflow", [False, True])
def test_only_queries_are_retrievals(name: str, attributes: dict[str, Value], type_: str, workflow: bool) -> None:
    """Also inside a workflow of OpenLLMetry's, which marks all spans with its name."""
    more: dict[str, Value] = {"traceloop.workflow.name": "rag"} if workflow else {}
    assert normalise(record(name, attributes | more)).type == type_


def read(attributes: dict[str, Value], events: list[Event] | None = None, **fields: Any) -> Span:
    span = normalise(record("pinecone.query", attributes, events=events, **fields))
    assert span.type == "retrieval"
    return span


RESULTS = [
    event("db.query.embeddings", **{"db.query.embeddings.vector": [0.1]}),
    event(
        "db.query.result",
        **{"db.query.result.id": "a", "db.query.result.score": 0.9, "db.query.result.vector": [1.0]},
    ),
    event("db.query.result", **{"db.query.result.id": "b", "db.query.result.score": 0.4}),
]
MILVUS = [
    event("db.search.result", **{"db.search.result.id": 1, "db.search.result.distance": "0.25"}),
    event("db.search.result", **{"db.search.result.id": 2, "db.search.result.distance": "0.75"}),
]
OI: dict[str, Value] = {
    "openinference.span.kind": "RETRIEVER",
    "input.value": "cats",
    "retrieval.documents.1.document.content": "second",
    "retrieval.documents.0.document.content": "first",
    "retrieval.documents.0.document.score": 0.8,
    "retrieval.documents.1.document.score": 0.5,
}


@pytest.mark.parametrize(
    ("attributes", "events", "derived"),
    [
        ({"db.system": "Pinecone"}, RESULTS, {HITS: 2, BEST_SCORE: 0.9, WORST_SCORE: 0.4}),
        (
            {"db.system": "milvus", "db.operation": "search"},
            MILVUS,
            {HITS: 2, BEST_DISTANCE: 0.25, WORST_DISTANCE: 0.75},
        ),
        (OI, None, {HITS: 2, BEST_SCORE: 0.8, WORST_SCORE: 0.5}),
        ({"db.system.name": "qdrant", "db.operation.name": "query", "db.response.returned_rows": 7}, None, {HITS: 7}),
        ({"db.system.name": "qdrant", "db.operation.name": "query", "db.response.returned_rows": 0}, None, {HITS: 0}),
        ({"db.system.name": "qdrant", "db.operation.name": "query"}, None, None),
        (
            {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": '[{"id": "a", "score": 0.7}]'},
            None,
            {HITS: 1, BEST_SCORE: 0.7, WORST_SCORE: 0.7},
        ),
        ({"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": "[]"}, None, {HITS: 0}),
        (
            {"gen_ai.operation.name": "search_memory", "gen_ai.memory.records": '{"results": [{"score": "nan"}]}'},
            None,
            {HITS: 1},
        ),
        ({"openinference.span.kind": "RETRIEVER", "output.value": "no documents found"}, None, None),
        ({"openinference.span.kind": "RETRIEVER", "output.value": '{"error": "x"}'}, None, None),
    ],
)  # fmt: skip
def test_hits_and_scores(attributes: dict[str, Value], events: list[Event] | None, derived: object) -> None:
    assert read(attributes, events).derived == derived


def test_query_and_documents() -> None:
    span = read(OI)
    assert (span.input, json.loads(span.output)[0]) == ("cats", {"content": "first", "score": 0.8})
    span = read({"db.system": "Pinecone", "pinecone.query.top_k": 3, "pinecone.query.filter": '{"a": 1}'}, RESULTS)
    assert json.loads(span.input) == {"pinecone.query.filter": '{"a": 1}', "pinecone.query.top_k": 3}
    assert json.loads(span.output) == [{"id": "a", "score": 0.9}, {"id": "b", "score": 0.4}]
    assert (span.provider, span.convention) == ("pinecone", "db")
    span = read({"gen_ai.operation.name": "search_memory", "gen_ai.memory.query.text": "likes"})
    assert span.input == "likes"


def test_hits_are_not_counted_from_events_that_the_sdk_dropped() -> None:
    assert read({"db.system": "Pinecone"}, RESULTS, dropped_events=1).derived is None
