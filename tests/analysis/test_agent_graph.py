"""The agent graph: who called whom, what came after what, loops, and sums that stay when it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.pages.fake_reader import MS, span_row
from tracestore.analysis.agent_graph import NODES_WHEN_CUT, AgentGraph, agent_graph, aggregated
from tracestore.analysis.tree import build
from tracestore.clickhouse.rows import SpanRow

TRACE = "a" * 32


def make(number: int, parent: int, span_type: str, name: str, start: int, end: int, **more: object) -> SpanRow:
    known = {"agent": {"agent": name}, "llm": {"model": name}, "tool": {"tool_name": name}}.get(span_type, {})
    return span_row(
        TRACE, f"{number:016x}", f"{parent:016x}" if parent else "", name,
        type=span_type, start_ns=start * MS, end_ns=end * MS, **{**known, **more},
    )  # fmt: skip


def graph_of(spans: list[SpanRow]) -> AgentGraph:
    return agent_graph(spans, build(spans))


def edges(graph: AgentGraph) -> dict[tuple[str, str, str], int]:
    return {(one.source[1], one.kind, one.target[1]): one.figures.count for one in graph.edges}


def test_callers_are_found_through_plumbing() -> None:
    graph = graph_of(
        [
            make(1, 0, "agent", "concierge", 0, 100),
            make(2, 1, "workflow", "tools", 1, 90),
            make(3, 2, "tool", "ask_stylist", 2, 80),
            make(4, 3, "agent", "stylist", 3, 79),
            make(5, 4, "llm", "gpt", 4, 20, cost_usd=0.5),
            make(6, 1, "llm", "gpt", 91, 99, cost_usd=0.25, status="error"),
        ]
    )
    assert edges(graph) == {
        ("concierge", "calls", "ask_stylist"): 1, ("ask_stylist", "calls", "stylist"): 1,
        ("stylist", "calls", "gpt"): 1, ("concierge", "calls", "gpt"): 1,
    }  # fmt: skip
    of = {node.name: node.figures for node in graph.nodes}
    assert (of["gpt"].count, of["gpt"].errors, of["gpt"].cost_usd) == (2, 1, 0.75)
    assert (of["concierge"].cost_usd, of["stylist"].cost_usd) == (0.75, 0.5)


def test_a_tool_called_again_and_again_has_an_edge_to_itself() -> None:
    spans = [make(1, 0, "agent", "a", 0, 100)]
    spans += [make(2 + k, 1, "tool", "search_kb", 10 * k, 10 * k + 5) for k in range(8)]
    assert edges(graph_of(spans)) == {("a", "calls", "search_kb"): 8, ("search_kb", "then", "search_kb"): 7}


def test_a_ping_pong_goes_both_ways_and_a_plan_draws_no_web() -> None:
    names = ["read", "write"] * 3
    spans = [make(1, 0, "agent", "a", 0, 100)]
    spans += [make(2 + k, 1, "tool", name, 10 * k, 10 * k + 5) for k, name in enumerate(names)]
    assert edges(graph_of(spans)) | {} == {
        ("a", "calls", "read"): 3, ("a", "calls", "write"): 3,
        ("write", "then", "read"): 2, ("read", "then", "write"): 2,
    }  # fmt: skip
    plan = [make(1, 0, "agent", "a", 0, 100)]
    plan += [make(2 + k, 1, "tool", f"t{k}", 10 * k, 10 * k + 5) for k in range(5)]
    assert {one.kind for one in graph_of(plan).edges} == {"calls"}


def test_agents_hand_over_and_back_but_not_when_they_run_at_once() -> None:
    over = [make(1, 0, "agent", "a", 0, 10), make(2, 0, "agent", "b", 11, 20), make(3, 0, "agent", "a", 21, 30)]
    assert edges(graph_of(over)) == {("a", "then", "b"): 1, ("b", "then", "a"): 1}
    at_once = [make(1, 0, "agent", "a", 0, 10), make(2, 0, "agent", "b", 5, 20)]
    assert edges(graph_of(at_once)) == {}


def test_an_agent_told_twice_is_one_run_and_a_client_alone_has_its_agent() -> None:
    twice = [make(1, 0, "agent", "a", 0, 10), make(2, 1, "agent", "a", 1, 9), make(3, 2, "llm", "m", 2, 3)]
    graph = graph_of(twice)
    assert [(node.name, node.figures.count) for node in graph.nodes] == [("a", 1), ("m", 1)]
    alone = graph_of([make(1, 0, "llm", "m", 0, 1, agent="helper"), make(2, 0, "llm", "", 2, 3)])
    assert edges(alone) == {("helper", "calls", "m"): 1}
    assert ("llm", "(model not told)") in {node.key for node in alone.nodes}


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["agent", "llm", "tool", "workflow"])), max_size=60))
def test_putting_nodes_together_keeps_the_sums(shape: list[tuple[int, str]]) -> None:
    spans = [
        make(k + 1, min(over, k), kind, f"{kind}{over}", k, k + 1 + over, cost_usd=1.0 if kind == "llm" else None)
        for k, (over, kind) in enumerate(shape)
    ]
    whole = graph_of(spans)
    small = aggregated(whole, most_nodes=5, most_edges=6)
    assert sum(n.figures.count for n in small.nodes) == sum(n.figures.count for n in whole.nodes)
    assert sum(e.figures.count for e in small.edges if e.kind == "calls") == sum(
        e.figures.count for e in whole.edges if e.kind == "calls"
    )
    keys = {node.key for node in small.nodes}
    assert all(one.source in keys and one.target in keys for one in small.edges)
    if len(whole.nodes) <= 5 and len(whole.edges) <= 6:
        assert small is whole


def test_four_hundred_tools_become_readable() -> None:
    spans = [make(1, 0, "agent", "a", 0, 10_000)]
    spans += [make(2 + k, 1, "tool", f"tool_{k}", k, k + 1 + k % 7) for k in range(400)]
    graph = aggregated(graph_of(spans))
    assert len(graph.nodes) <= NODES_WHEN_CUT + 1
    (others,) = [node for node in graph.nodes if node.merged]
    assert others.name == f"{graph.left_out} other tools"
    assert others.figures.count == graph.left_out
    assert ("agent", "a") in {node.key for node in graph.nodes}
