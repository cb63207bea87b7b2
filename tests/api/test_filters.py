"""How the list's parameters are understood. The language of `q` itself: tests/search."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from dashboard.api.filters import trace_query
from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput
from tracestore.search.tree import And, Text, exactly


def test_parameters_and_the_search_stand_beside_each_other() -> None:
    query = trace_query(QueryDict("q=agent:a refund&agent=b&sort=cost-up&limit=7&cursor=x"))
    assert query.wanted == TraceFilter(agent="b", search=And((exactly("agent", "a"), Text("refund"))))
    assert (query.order.name, query.limit, query.cursor) == ("cost-up", 7, "x")


def test_nothing_asked_is_everything_newest_first() -> None:
    query = trace_query(QueryDict("q=&agent=&sort="))
    assert (query.wanted, query.order.name, query.limit) == (TraceFilter(), "time", 100)


def test_an_order_is_one_of_those_there_are() -> None:
    with pytest.raises(InvalidInput) as caught:
        trace_query(QueryDict("sort=beauty"))
    assert caught.value.field == "sort"
    assert "duration-up" in caught.value.message
