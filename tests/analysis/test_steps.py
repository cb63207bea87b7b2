"""Runs and steps: one model call and what it caused, of each agent by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.agent_runs import Call
from tracestore.analysis.steps import context_cuts, steps
from tracestore.analysis.tree import build


def told(spans: list[Call]) -> dict[str, tuple[str, int]]:
    """Span → (agent of the run that it counts in, step)."""
    tree = build(spans)
    found = steps(tree, spans)
    return {
        spans[index].span_id: (found.runs[found.run[node]].agent, found.step[node])
        for node, index in enumerate(tree.order)
    }


def test_a_step_is_a_model_call_and_the_tools_after_it() -> None:
    spans = [
        Call("run", "", "agent", 0, 100, "ada"),
        Call("guard", "run", "guardrail", 1, 2),
        Call("m1", "run", "llm", 5, 10),
        Call("t1", "run", "tool", 11, 20),
        Call("t2", "run", "tool", 12, 30),
        Call("m2", "run", "llm", 31, 40),
        Call("t3", "run", "tool", 39, 50),  # began while its model call was still streaming: the one before had ended
        Call("m3", "run", "llm", 51, 60),
    ]
    assert {name: step for name, (_, step) in told(spans).items()} == {
        "run": 0, "guard": 0, "m1": 1, "t1": 1, "t2": 1, "m2": 2, "t3": 1, "m3": 3,
    }  # fmt: skip


def test_spans_that_only_hold_others_have_the_step_that_all_of_these_share() -> None:
    spans = [
        Call("graph", "", "workflow", 0, 100),
        Call("agent node", "graph", "workflow", 0, 10),
        Call("m1", "agent node", "llm", 1, 9),
        Call("tools node", "graph", "workflow", 10, 20),
        Call("t1", "tools node", "tool", 11, 19),
        Call("rest", "graph", "workflow", 20, 90),
        Call("m2", "rest", "llm", 21, 30),
        Call("m3", "rest", "llm", 31, 40),
    ]
    found = {name: step for name, (_, step) in told(spans).items()}
    assert found == {"graph": 0, "agent node": 1, "m1": 1, "tools node": 1, "t1": 1, "rest": 0, "m2": 2, "m3": 3}


def test_a_sub_agent_has_its_own_steps_and_is_part_of_the_step_that_called_it() -> None:
    spans = [
        Call("lead", "", "agent", 0, 200, "lead"),
        Call("m1", "lead", "llm", 1, 10),
        Call("m2", "lead", "llm", 11, 20),
        Call("hand over", "lead", "tool", 21, 100),
        Call("sub", "hand over", "agent", 22, 99, "sub"),
        Call("s1", "sub", "llm", 23, 30),
        Call("st", "sub", "tool", 31, 40),
        Call("inner", "st", "llm", 32, 39),
        Call("s2", "sub", "llm", 41, 50),
        Call("m3", "lead", "llm", 101, 110),
        Call("peer", "lead", "agent", 120, 190, "peer"),
        Call("p1", "peer", "llm", 121, 130),
    ]
    assert told(spans) == {
        "lead": ("lead", 0), "m1": ("lead", 1), "m2": ("lead", 2), "hand over": ("lead", 2), "sub": ("lead", 2),
        "s1": ("sub", 1), "st": ("sub", 1), "inner": ("sub", 1), "s2": ("sub", 2), "m3": ("lead", 3),
        "peer": ("lead", 3), "p1": ("peer", 1),
    }  # fmt: skip


def test_an_agents_span_inside_a_span_of_the_same_agent_is_one_run() -> None:
    spans = [
        Call("a", "", "agent", 0, 100, "ada"),
        Call("a again", "a", "agent", 1, 99, "ada"),
        Call("m1", "a", "llm", 0, 1),
        Call("m2", "a again", "llm", 2, 3),
    ]
    assert told(spans)["m2"] == ("ada", 2)


def test_a_cut_context_is_found_per_run_and_model() -> None:
    spans = [
        Call("run", "", "agent", 0, 100, "ada"),
        *(
            Call(f"m{n}", "run", "llm", n, n, model=model, input_tokens=tokens)
            for n, (model, tokens) in enumerate(
                [("a", 9000), ("b", 500), ("a", 12000), ("a", 0), ("a", 7000), ("a", 5100), ("a", 1000)], 1
            )
        ),
    ]  # fmt: skip
    tree = build(spans)
    cuts = context_cuts(steps(tree, spans), tree, spans)
    assert [(spans[tree.order[cut.node]].span_id, cut.before, cut.after) for cut in cuts] == [
        ("m5", 12000, 7000), ("m7", 5100, 1000),
    ]  # fmt: skip


spans_of_any_shape = st.lists(
    st.tuples(
        st.integers(-1, 30),
        st.sampled_from(["agent", "llm", "tool", "workflow"]),
        st.integers(0, 50),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(spans_of_any_shape)
def test_each_model_call_outside_other_calls_is_a_step_of_its_own(given_spans: list[tuple[int, str, int, int]]) -> None:
    spans = [
        Call(str(n), str(parent) if parent >= 0 else "", kind, start, start + length, agent="abc"[start % 3])
        for n, (parent, kind, start, length) in enumerate(given_spans)
    ]
    tree = build(spans)
    found = steps(tree, spans)
    numbered = [(run, step) for run, step in zip(found.run, found.step, strict=True) if step]
    for number, run in enumerate(found.runs):
        assert [found.step[node] for node in run.calls] == list(range(1, len(run.calls) + 1))
        assert all(found.run[node] == number for node in run.calls)
    assert all(step <= len(found.runs[run].calls) for run, step in numbered)
    assert len(found.run) == len(found.step) == len(spans)
