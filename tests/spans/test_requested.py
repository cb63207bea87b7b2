"""What tools got and gave, from the model's calls: only when it is certain."""

from __future__ import annotations

import json

import pytest
from test_resolve import call, span

from tracestore.spans.model import Span
from tracestore.spans.resolve import resolve


def asking(*requests: tuple[str, str, object]) -> str:
    calls = [{"id": i, "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in requests]
    return json.dumps([{"role": "assistant", "tool_calls": calls}])


def ran(span_id: str, name: str, start: int, end: int, **columns: object) -> Span:
    return span(span_id, "run", type="tool", tool_name=name, start=start, end=end, **columns)


AGENT = {"type": "agent", "agent": "a", "end": 100}


@pytest.mark.parametrize(
    ("requests", "executions", "arguments"),
    [
        # Asked once, ran once.
        ([("1", "get", {"n": 1})], [("get", 10, 20)], ['{"n":1}']),
        # One after the other, name by name.
        ([("1", "get", {"n": 1}), ("2", "get", {"n": 2})], [("get", 10, 20), ("get", 20, 30)], ['{"n":1}', '{"n":2}']),
        # At the same time: which is which?
        ([("1", "get", {"n": 1}), ("2", "get", {"n": 2})], [("get", 10, 20), ("get", 15, 30)], ["", ""]),
        # At the same time, but of different names.
        ([("1", "get", {"n": 1}), ("2", "put", {"n": 2})], [("put", 10, 20), ("get", 15, 30)], ['{"n":2}', '{"n":1}']),
        # One of two was not executed.
        ([("1", "get", {"n": 1}), ("2", "get", {"n": 2})], [("get", 10, 20)], [""]),
        # Executed again by itself.
        ([("1", "get", {"n": 1})], [("get", 10, 20), ("get", 20, 30)], ["", ""]),
        # Not asked for.
        ([("1", "get", {"n": 1})], [("put", 10, 20)], [""]),
        # Before the call, and after the next.
        ([("1", "get", {"n": 1})], [("get", 0, 4)], [""]),
        ([("1", "get", {"n": 1})], [("get", 45, 50)], [""]),
    ],
)
def test_arguments_by_order(
    requests: list[tuple[str, str, object]], executions: list[tuple[str, int, int]], arguments: list[str]
) -> None:
    spans = [
        span("run", **AGENT),
        call("c1", "run", start=5, end=9, output=asking(*requests)),
        call("c2", "run", start=40, end=44, output="[]"),
    ]
    tools = [ran(f"t{number}", *found) for number, found in enumerate(executions)]
    resolve([*reversed(tools), *spans])
    assert [tool.input for tool in tools] == arguments


def test_calls_of_another_run_and_calls_at_the_same_time_tell_nothing() -> None:
    tool = ran("t", "get", 10, 20)
    other = call("c1", "other", start=5, end=9, output=asking(("1", "get", {})))
    resolve([span("run", **AGENT), span("other", **AGENT), other, tool])
    assert tool.input == ""
    tool = ran("t", "get", 10, 20)
    both = [call(f"c{n}", "run", start=5, end=9 + n, output=asking(("1", "get", {})), model=f"m{n}") for n in (0, 1)]
    resolve([span("run", **AGENT), *both, tool])
    assert tool.input == ""


def test_the_result_is_what_a_later_call_was_told() -> None:
    told = json.dumps([{"role": "tool", "tool_call_id": "1", "content": "sunny"}])
    tool = ran("t", "get", 10, 20)
    spans = [
        span("run", **AGENT),
        call("c0", "run", start=1, end=2, input=told),
        call("c1", "run", start=5, end=9, output=asking(("1", "get", {"n": 1}))),
        call("c2", "run", start=30, end=40, input=told),
        tool,
    ]
    changed = resolve(spans)
    assert tool in changed
    assert (tool.input, tool.output, tool.tool_call_id) == ('{"n":1}', "sunny", "1")
    assert resolve(spans) == []


def test_what_the_span_has_stays() -> None:
    told = json.dumps([{"role": "tool", "tool_call_id": "1", "content": "sunny"}])
    tool = ran("t", "get", 10, 20, input='{"n":7}', output="rain", tool_call_id="1")
    asked = call("c1", "run", start=5, end=9, output=asking(("1", "get", {"n": 1})))
    resolve([span("run", **AGENT), asked, call("c2", "run", start=30, end=40, input=told), tool])
    assert (tool.input, tool.output) == ('{"n":7}', "rain")


@pytest.mark.parametrize("payload", ["tool_calls", '["tool_calls"', '{"tool_calls": 3}', '[{"tool_calls": [1, null]}]'])
def test_strange_answers_tell_nothing(payload: str) -> None:
    tool = ran("t", "get", 10, 20)
    resolve([span("run", **AGENT), call("c1", "run", start=5, end=9, output=payload, input=payload), tool])
    assert tool.input == ""
