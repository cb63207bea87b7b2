"""What a retrieval brought: the documents in `output`, how many, and the best and worst score.

Told in many ways: OpenInference's flattened documents, the GenAI `gen_ai.retrieval.documents`,
OpenLLMetry's one event for each result, database attributes that only count. The figures stand in
`attributes` under names of our own, so that SQL can ask for them whoever sent the span.
"""

from __future__ import annotations

import math
from typing import Any, Final

from tracestore.spans.model import Attributes, Event, Span, Value
from tracestore.spans.semconv.values import MAX_PARSED, first_count, parse_json, plain, text, to_json

#: Number of documents that came back.
HITS: Final = "tracestore.retrieval.hits"
#: Of scores more is better, of distances less.
BEST_SCORE: Final = "tracestore.retrieval.best_score"
WORST_SCORE: Final = "tracestore.retrieval.worst_score"
BEST_DISTANCE: Final = "tracestore.retrieval.best_distance"
WORST_DISTANCE: Final = "tracestore.retrieval.worst_distance"

#: Attributes by which senders only count. Redis tells the matches of which it returns a page, but
#: no other figure.
_COUNTS: Final = (
    "db.response.returned_rows",
    "db.milvus.search.result_count",
    "aws.dynamodb.count",
    "gen_ai.memory.record.count",
    "redis.commands.search.total",
)
_EVENTS: Final = frozenset(
    {
        "db.query.result",
        "db.search.result",
        "db.chroma.query.result",
        "db.pinecone.query.result",
        "db.qdrant.query.result",
        "db.weaviate.query.result",
    }
)
_FLATTENED: Final = "retrieval.documents."
_SCORES: Final = ("score", "relevance_score", "similarity", "relevance", "@search.score")
_DISTANCES: Final = ("distance", "_distance")
#: Keys under which a result keeps its list of documents.
_LISTS: Final = ("documents", "results", "matches", "hits", "nodes", "source_nodes", "records", "points", "items")
_MAX_DOCUMENTS: Final = 10_000


def measure(span: Span) -> None:
    """Fill `output` where documents are told apart from it, and the figures of a retrieval."""
    record = span.record
    attributes = record.attributes
    documents = _flattened(attributes)
    if not documents and record.events:
        documents = _from_events(record.events)
        if documents and record.dropped_events:
            # The rest went over the SDK's limit: how many there were, nobody knows.
            span.output = span.output or to_json(documents)
            return
    told = documents or _listed(span.output)
    if documents and not span.output:
        span.output = to_json(documents)
    hits = len(told) if told is not None else first_count(attributes, *_COUNTS)
    derived: Attributes = {}
    if hits is not None:
        derived[HITS] = hits
    _range(derived, told or (), _SCORES, BEST_SCORE, WORST_SCORE, more_is_better=True)
    _range(derived, told or (), _DISTANCES, BEST_DISTANCE, WORST_DISTANCE, more_is_better=False)
    span.derived = derived or None


def _flattened(attributes: Attributes) -> list[dict[str, Any]]:
    """OpenInference: `retrieval.documents.N.document.{id,content,score,metadata}`."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        if not key.startswith(_FLATTENED):
            continue
        number, _, rest = key[len(_FLATTENED) :].partition(".")
        if number.isascii() and number.isdigit() and len(number) < 6:
            found.setdefault(int(number), {})[rest.removeprefix("document.")] = plain(value)
    return [found[number] for number in sorted(found)]


def _from_events(events: list[Event]) -> list[dict[str, Any]]:
    """One event for each result, its attributes named after the event. Vectors are left out."""
    found = []
    for event in events:
        if event.name in _EVENTS:
            document = {
                key.removeprefix(f"{event.name}."): plain(value)
                for key, value in event.attributes.items()
                if not key.endswith((".vector", ".embeddings"))
            }
            found.append(document)
    return found


def _listed(output: str) -> list[Any] | None:
    """The documents inside a result that is a list, or holds one; None when it cannot be told."""
    if output[:1] not in ("[", "{") or len(output) > MAX_PARSED:
        return None
    parsed = parse_json(output)
    for _ in range(3):
        if isinstance(parsed, list):
            # Several queries in one: a list of lists.
            if parsed and all(isinstance(item, list) for item in parsed):
                return [document for item in parsed for document in item]
            return parsed
        if not isinstance(parsed, dict):
            return None
        inner = next((parsed[key] for key in _LISTS if isinstance(parsed.get(key), list | dict)), None)
        if inner is None:
            return None
        parsed = inner
    return None


def _range(
    derived: Attributes, documents: Any, keys: tuple[str, ...], best: str, worst: str, *, more_is_better: bool
) -> None:
    found = [number for document in documents[:_MAX_DOCUMENTS] if (number := _figure(document, keys)) is not None]
    if found:
        high, low = max(found), min(found)
        derived[best], derived[worst] = (high, low) if more_is_better else (low, high)


def _figure(document: Any, keys: tuple[str, ...]) -> float | None:
    if not isinstance(document, dict):
        return None
    for holder in (document, document.get("metadata"), document.get("kwargs")):
        if not isinstance(holder, dict):
            continue
        for key in keys:
            number = _number(holder.get(key))
            if number is not None:
                return number
    return None


def _number(value: Value) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(text(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
