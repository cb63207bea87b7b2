"""The trace list while traces are settled, and when stored versions of a summary disagree."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.clickhouse.spans import llm, span
from tests.clickhouse.test_settling import settle, short_quiet
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client, trace_list
from tracestore.clickhouse.orders import ORDERS
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.search.parser import parse

__all__ = ["short_quiet"]


def settle_after(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Settles when that many statements were answered; tells whether it has. Statements are asked one at a time."""
    lock, answered = threading.RLock(), [0]

    def passed(run: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*rest: Any, **named: Any) -> Any:
            with lock:
                answer = run(*rest, **named)
                answered[0] += 1
                if answered[0] == number:
                    settle()
                return answer

        return ask

    for name in ("run", "query_arrow"):
        monkeypatch.setattr(client, name, passed(getattr(client, name)))
    return lambda: answered[0] >= number


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("order", ["time", "tokens"])
@pytest.mark.parametrize("wanted", [TraceFilter(), TraceFilter(text="span")], ids=["all", "word"])
def test_a_trace_is_listed_while_it_is_settled(
    number: int, order: str, wanted: TraceFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(span(1, trace=1))
    settle()
    write(span(2, trace=2))
    with monkeypatch.context() as patch:
        settled = settle_after(number, patch)
        page = get_reader().list_traces("default", wanted, order=ORDERS[order])
        assert settled()
    assert sorted(trace.name for trace in page.results) == ["span 1", "span 2"]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_summary_that_matched_before_does_not_shorten_the_page(limit: int) -> None:
    for number in range(1, 6):
        write(llm(number, trace=number, input_tokens=10))
    settle()
    for number in (3, 4, 5):
        write(llm(50 + number, trace=number, parent=number, input_tokens=500))
    settle()
    seen, cursor = [], None
    while True:
        page = get_reader().list_traces("default", TraceFilter(search=parse("tokens<100")), limit=limit, cursor=cursor)
        seen += [int(trace.trace_id, 16) for trace in page.results]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.results) == limit
    assert seen == [2, 1]


@pytest.mark.parametrize("order", ["time", "time-up"])
@pytest.mark.parametrize("question", ["parcel", "lost parcel agent:planner", "-parcel", "span(parcel type:llm)"])
def test_words_are_looked_for_in_a_few_traces_at_a_time(
    question: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the few end, each trace with the word comes once, in its order."""
    monkeypatch.setattr(trace_list, "_READ", (2, 4))
    with_word = {2, 3, 9, 17, 18, 24}
    for number in range(1, 26):
        said = "the lost Parcel" if number in with_word else "the weather"
        agent = "planner" if number % 2 else "writer"
        write(
            llm(number, trace=number, input=said, agent=agent),
            # Long after, among the times of other traces.
            llm(100, trace=number, parent=number, input="later"),
        )
    settle()
    wanted = {
        "parcel": with_word,
        "lost parcel agent:planner": {3, 9, 17},
        "-parcel": set(range(1, 26)) - with_word,
        "span(parcel type:llm)": with_word,
    }[question]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        filtered = TraceFilter(search=parse(question))
        page = get_reader().list_traces("default", filtered, limit=2, cursor=cursor or None, order=ORDERS[order])
        seen += [int(trace.trace_id, 16) for trace in page.results]
        cursor = page.next
    assert seen == sorted(wanted, reverse=order == "time")


def test_a_common_word_is_found_without_reading_every_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_list, "_READ", (4, 100))
    for number in range(1, 20):
        write(llm(number, trace=number, input="parcel"))
    settle()
    read: list[int] = []
    run = client.run

    def counted(statement: str, *rest: Any, tables: Any = None, **named: Any) -> Any:
        read.append(tables["places"].num_rows if tables and "places" in tables else 0)
        return run(statement, *rest, tables=tables, **named)

    monkeypatch.setattr(client, "run", counted)
    page = get_reader().list_traces("default", TraceFilter(text="parcel"), limit=3)
    assert [int(trace.trace_id, 16) for trace in page.results] == [19, 18, 17]
    assert max(read) == 4
