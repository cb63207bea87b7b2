"""Calls that come again and again, alone or in cycles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.agent_runs import Call
from tracestore.analysis.repetitions import cycles, repetitions
from tracestore.analysis.tree import build


def under_a_run(*calls: Call) -> list[Call]:
    return [Call("run", "", "agent", 0, 10_000, "ada"), *calls]


def test_a_tool_called_many_times_is_told_with_what_it_took() -> None:
    spans = under_a_run(
        Call("first", "run", "llm", 0, 1),
        *(
            Call(
                f"t{n}", "run", "tool", n, n + 1, tool_name="search_kb", arguments=str(n % 3), cost_usd=0.01,
                status="error" if n in (4, 7) else "ok",
            )
            for n in range(1, 39)
        ),
        Call("last", "run", "llm", 90, 91),
    )  # fmt: skip
    (found,) = repetitions(build(spans), spans)
    assert (found.first, found.stop, found.times, found.names) == (2, 40, 38, ["search_kb"])
    assert (found.distinct, found.failed) == (3, 2)
    assert found.cost_usd is not None
    assert abs(found.cost_usd - 0.38) < 1e-9


def test_a_cycle_of_graph_nodes_is_told_by_the_calls_in_it() -> None:
    spans = under_a_run()
    for n in range(6):
        spans += [
            Call(f"a{n}", "run", "workflow", 10 * n, 10 * n + 4, name="agent"),
            Call(f"m{n}", f"a{n}", "llm", 10 * n, 10 * n + 3, name="chat"),
            Call(f"b{n}", "run", "workflow", 10 * n + 5, 10 * n + 9, name="tools"),
            Call(f"t{n}", f"b{n}", "tool", 10 * n + 5, 10 * n + 8, tool_name="search_kb", arguments="same"),
        ]
    (found,) = repetitions(build(spans), spans)
    assert (found.times, found.names, found.distinct, found.cost_usd) == (6, ["chat", "search_kb"], 1, None)
    assert (found.first, found.stop) == (1, 25)


def test_four_times_or_different_tools_or_mere_holders_are_no_repetition() -> None:
    four = under_a_run(*(Call(f"t{n}", "run", "tool", n, n, tool_name="find") for n in range(4)))
    mixed = under_a_run(*(Call(f"t{n}", "run", "tool", n, n, tool_name=f"tool {n}") for n in range(20)))
    holders = under_a_run(*(Call(f"t{n}", "run", "workflow", n, n, name="tick") for n in range(20)))
    assert [repetitions(build(spans), spans) for spans in (four, mixed, holders)] == [[], [], []]


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(2, 5))
def test_cycles_are_what_they_say_and_do_not_overlap(keys: list[int], least: int) -> None:
    end = 0
    for begin, period, times in cycles(keys, least):
        assert begin >= end
        assert times >= least
        end = begin + period * times
        assert keys[begin:end] == keys[begin : begin + period] * times
    for begin in range(len(keys) - least + 1):
        # Nothing that stands still for `least` is left over whole.
        if len(set(keys[begin : begin + least])) == 1:
            assert any(b < begin + least and begin < b + p * t for b, p, t in cycles(keys, least))
