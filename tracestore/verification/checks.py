"""Compares what was sent with what is read, and gives each difference the name of its kind.

The kinds are those by which Grafana Tempo's black-box checker counts, where they fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tracestore.moments import utc_text
from tracestore.verification.front_door import FrontDoor, RequestFailed
from tracestore.verification.traces import SERVICE, SentTrace

#: Kind of failure → what it means, in the order in which they are shown.
KINDS: Final[Mapping[str, str]] = {
    "requestfailed": "a request was refused or not answered",
    "notfound_byid": "the trace is not found by its id",
    "notfound_list": "the list of its time does not have the trace",
    "notfound_search": "a word of an answer does not find the trace",
    "notfound_search_attribute": "a search by fields does not find the trace",
    "notfound_sql": "SQL has no span of the trace",
    "missingspans": "fewer spans than were sent",
    "doubledspans": "more spans than were sent",
    "incorrectresult": "a span or its trace is not what was sent",
    "incorrect_sums": "counts, tokens or cost of the API are wrong",
    "incorrect_sql_sums": "counts, tokens or cost by SQL are wrong",
}


@dataclass(frozen=True, slots=True)
class Failure:
    kind: str
    trace_id: str
    detail: str


def look(door: FrontDoor, trace: SentTrace) -> list[Failure]:
    """What is wrong with the trace as it is read now, by every way of reading."""
    failures: list[Failure] = []
    for check in (by_id, in_list, by_word, by_fields, by_sql):
        try:
            failures += [Failure(kind, trace.trace_id, detail) for kind, detail in check(door, trace)]
        except RequestFailed as error:
            failures.append(Failure("requestfailed", trace.trace_id, str(error)))
    return failures


Found = list[tuple[str, str]]


def by_id(door: FrontDoor, trace: SentTrace) -> Found:
    read = door.trace(trace.trace_id)
    if read is None:
        return [("notfound_byid", "404")]
    spans = {span["span_id"]: span for span in read["spans"]}
    found = _number("by id", len(read["spans"]), len(trace.spans))
    for sent in trace.spans:
        if sent.span_id not in spans:
            continue
        span = spans[sent.span_id]
        wanted: dict[str, Any] = {
            "parent_span_id": sent.parent_span_id,
            "name": sent.name,
            "type": sent.type,
            "service": SERVICE,
            "session_id": trace.session_id,
            "duration_ns": sent.end_ns - sent.start_ns,
            "input_tokens": sent.input_tokens,
            "output_tokens": sent.output_tokens,
        }
        found += [
            ("incorrectresult", f"span {sent.span_id}: {name} is {span.get(name)!r}, sent was {value!r}")
            for name, value in wanted.items()
            if span.get(name) != value
        ]
        if (span["status"] == "error") != sent.error:
            found.append(("incorrectresult", f"span {sent.span_id}: status is {span['status']!r}"))
    return found + _figures("incorrect_sums", read, trace)


def in_list(door: FrontDoor, trace: SentTrace) -> Found:
    row = door.listed(trace.trace_id, *_around(trace))
    if row is None:
        return [("notfound_list", "not in the list of its second")]
    found = _figures("incorrect_sums", row, trace)
    if row["session_id"] != trace.session_id:
        found.append(("incorrectresult", f"list: session_id is {row['session_id']!r}"))
    return found


def by_word(door: FrontDoor, trace: SentTrace) -> Found:
    if door.listed(trace.trace_id, *_around(trace), q=trace.word) is None:
        return [("notfound_search", f"q={trace.word}")]
    return []


def by_fields(door: FrontDoor, trace: SentTrace) -> Found:
    q = f"service:{SERVICE} session:{trace.session_id}"
    if door.listed(trace.trace_id, *_around(trace), q=q) is None:
        return [("notfound_search_attribute", f"q={q}")]
    return []


def by_sql(door: FrontDoor, trace: SentTrace) -> Found:
    sums = door.sums(trace.trace_id)
    if not sums["span_count"]:
        return [("notfound_sql", "no rows in spans")]
    return _number("by SQL", int(sums["span_count"]), len(trace.spans)) + _figures("incorrect_sql_sums", sums, trace)


def _number(where: str, read: int, sent: int) -> Found:
    if read == sent:
        return []
    return [("missingspans" if read < sent else "doubledspans", f"{where}: {read} spans, sent were {sent}")]


def _figures(kind: str, read: Mapping[str, Any], trace: SentTrace) -> Found:
    same: Callable[[Any, float], bool] = lambda value, sent: (  # noqa: E731
        value is not None and math.isclose(value, sent, rel_tol=1e-12)
    )
    return [
        (kind, f"{name} is {read.get(name)!r}, sent was {sent!r}")
        for name, sent in trace.figures().items()
        if not same(read.get(name), sent)
    ]


def _around(trace: SentTrace) -> tuple[str, str]:
    """The second that begins with the trace, as the API takes times."""
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=trace.start_ns // 1000)
    return utc_text(start), utc_text(start + timedelta(seconds=1))
