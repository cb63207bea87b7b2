"""How the words of `q` are understood."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from dashboard.api.filters import split_question, trace_query
from tracestore.errors import InvalidInput


@pytest.mark.parametrize(
    ("question", "found", "text"),
    [
        ("", {}, ""),
        ("no route to host", {}, "no route to host"),
        ("  two   spaces ", {}, "two spaces"),
        ("agent:planner", {"agent": "planner"}, ""),
        ("session:s-1 user:u:1", {"session_id": "s-1", "user_id": "u:1"}, ""),
        ('tool:"web search" refund', {"tool": "web search"}, "refund"),
        ('"agent:planner"', {}, "agent:planner"),
        ("http://host:80/ at 12:30", {}, "http://host:80/ at 12:30"),
        ("agent: planner", {}, "agent: planner"),
        ('an "open quote', {}, "an open quote"),
        ('agent:""', {}, ""),
        ("status:error status:error", {"status": "error"}, ""),
    ],
)
def test_words(question: str, found: dict[str, str], text: str) -> None:
    assert split_question(question) == (found, text)


@pytest.mark.parametrize("query", ["q=agent:a agent:b", "q=agent:a&agent=b", "q=status:lost"])
def test_contradictions_are_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        trace_query(QueryDict(query))


def test_the_same_filter_twice_is_fine() -> None:
    assert trace_query(QueryDict("q=agent:a&agent=a")).wanted.agent == "a"
