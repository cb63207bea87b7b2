"""Two traces aligned by their steps; the typical run of an agent."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.comparison import STEP_LIMIT, Step, compare, steps
from tracestore.analysis.tree import build
from tracestore.analysis.typical_run import Run, typical_run, way


@dataclass
class Span:
    span_id: str
    parent_span_id: str = ""
    name: str = ""
    type: str = "tool"
    status: str = "unset"
    agent: str = ""
    model: str = ""
    request_model: str = ""
    tool_name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    input_preview: str = ""
    output_preview: str = ""
    input_bytes: int = 0
    output_bytes: int = 0


def step(number: int, name: str, arguments: str = "", **more: object) -> Step:
    values: dict[str, object] = {"type": "tool", "model": "", "answer": "", "failed": False}
    return Step(number - 1, number, name=name, arguments=arguments, **(values | more))  # type: ignore[arg-type]


def run(*calls: str) -> list[Step]:
    """`search:x` is the tool search with the argument x."""
    return [step(n, *call.partition(":")[::2]) for n, call in enumerate(calls, 1)]


def shown(a: list[Step], b: list[Step]) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(p.a.number if p.a else 0, p.b.number if p.b else 0, p.differences) for p in compare(a, b).pairs]


def test_the_same_call_with_other_arguments_is_the_same_step() -> None:
    assert shown(run("plan", "search:x", "answer"), run("plan", "search:y", "answer")) == [
        (1, 1, ()),
        (2, 2, ("arguments",)),
        (3, 3, ()),
    ]


def test_the_one_with_the_same_arguments_is_found_among_repetitions() -> None:
    assert shown(run("s:x", "s:y", "s:z"), run("s:y", "s:z")) == [(1, 0, ("only_a",)), (2, 1, ()), (3, 2, ())]


def test_steps_that_only_one_has_stand_where_they_happened() -> None:
    found = compare(run("a", "b"), run("a", "c", "d", "b"))
    assert [(pair.a is None, pair.b is None) for pair in found.pairs] == [
        (False, False),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert (found.first, found.same, found.count("only_b")) == (1, 2, 2)


def test_another_answer_is_no_other_way() -> None:
    a = [step(1, "planner", type="llm", model="m", answer="hello"), step(2, "t", failed=False)]
    b = [step(1, "planner", type="llm", model="m", answer="hi"), step(2, "t", failed=True)]
    found = compare(a, b)
    assert (found.first, found.first_answer) == (1, 0)
    assert [pair.differences for pair in found.pairs] == [("answer",), ("status",)]


names = st.sampled_from(["a", "a:1", "a:2", "b", "b:1", "c"])
runs = st.lists(names, max_size=12).map(lambda calls: run(*calls))


@given(runs, runs)
def test_every_step_appears_once_and_in_order(a: list[Step], b: list[Step]) -> None:
    pairs = compare(a, b).pairs
    assert [pair.a for pair in pairs if pair.a] == a
    assert [pair.b for pair in pairs if pair.b] == b
    for pair in pairs:
        if pair.a and pair.b:
            assert (pair.a.type, pair.a.name) == (pair.b.type, pair.b.name)


@given(runs)
def test_a_run_does_not_differ_from_itself(a: list[Step]) -> None:
    found = compare(a, a)
    assert (found.first, found.first_answer, found.same) == (-1, -1, len(a))


@given(runs, runs)
def test_the_other_way_round_the_same_is_found_the_same(a: list[Step], b: list[Step]) -> None:
    there, back = compare(a, b), compare(b, a)
    # How many steps find a partner does not depend on who is A; which ones may, where they are alike.
    assert (there.first < 0) == (back.first < 0)


def test_thousands_of_steps_are_aligned_in_a_moment_and_more_are_counted() -> None:
    a = run(*(f"t{n % 7}:{n % 91}" for n in range(STEP_LIMIT + 5)))
    b = run(*(f"t{n % 5}:{n % 83}" for n in range(STEP_LIMIT)))
    began = time.process_time()
    found = compare(a, b)
    assert time.process_time() - began < 10  # a hang, not a slow machine
    assert (found.hidden_a, found.hidden_b) == (5, 0)


def test_steps_are_what_was_called_not_the_plumbing() -> None:
    spans = [
        Span("1", type="agent", agent="planner", name="run", end_ns=100),
        Span("2", "1", type="agent", agent="planner", name="run again", start_ns=1, end_ns=99),
        Span("3", "2", type="workflow", name="node", start_ns=2, end_ns=90),
        Span("4", "3", type="llm", agent="planner", model="m", start_ns=3, end_ns=10),
        Span("5", "3", tool_name="search", input_preview='{"b": 1, "a": [2]}', start_ns=20, end_ns=30),
    ]
    found = steps(spans, build(spans))
    assert [(one.type, one.name, one.model) for one in found] == [
        ("agent", "planner", ""),
        ("llm", "planner", "m"),
        ("tool", "search", ""),
    ]
    reordered = [*spans[:4], replace(spans[4], input_preview='{"a":[2],"b":1}')]
    assert steps(reordered, build(reordered)) == found


def test_which_parallel_tool_begins_first_is_no_difference() -> None:
    def trace(*order: str) -> list[Step]:
        tools = [Span(name, tool_name=name, start_ns=n, end_ns=100) for n, name in enumerate(order)]
        return steps(tools, build(tools))

    assert compare(trace("x", "y", "z"), trace("z", "x", "y")).first == -1
    after = [Span("x", tool_name="x", end_ns=1), Span("y", tool_name="y", start_ns=2, end_ns=3)]
    swapped = [Span("y", tool_name="y", end_ns=1), Span("x", tool_name="x", start_ns=2, end_ns=3)]
    assert compare(steps(after, build(after)), steps(swapped, build(swapped))).first >= 0


@pytest.mark.parametrize(("digests", "differs"), [(({"1": (7, 8)}, {"1": (7, 9)}), True), (({}, {}), False)])
def test_long_results_are_told_apart_by_their_digest(
    digests: tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]], differs: bool
) -> None:
    spans = [Span("1", tool_name="t", output_preview="same start", output_bytes=5_000)]
    tree = build(spans)
    found = compare(steps(spans, tree, digests[0]), steps(spans, tree, digests[1]))
    assert (found.first_answer >= 0) is differs


def test_the_typical_run_is_in_the_middle_of_the_most_frequent_way() -> None:
    usual, other = ["llm:a", "tool:s", "tool:s", "llm:a"], ["llm:a"]
    figures = [("r1", 10, 0.1), ("r2", 30, 0.3), ("r3", 20, 0.2), ("odd", 20, 0.2)]
    runs = [Run(name, duration, cost, 4) for name, duration, cost in figures]
    paths = {"r1": usual, "r2": [*usual[:2], *usual[1:]], "r3": usual, "odd": other}
    found = typical_run(runs, paths)
    assert found is not None
    assert (found.trace_id, found.alike, found.total) == ("r3", 3, 4)
    assert way(usual) == ("llm:a", "tool:s", "llm:a")
    assert typical_run([], {}) is None
    assert typical_run([Run("open", 1, None, 1)], {}) is None
