"""The trace tree, for any parent pointers whatever."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.timing import critical_path, self_times
from tracestore.analysis.tree import build


@dataclass(slots=True)
class Node:
    span_id: str
    parent_span_id: str
    start_ns: int
    end_ns: int


@st.composite
def any_trace(draw: st.DrawFn) -> list[Node]:
    """Ids may repeat; parents may be missing, unknown, themselves or a ring; clocks may be skewed."""
    count = draw(st.integers(0, 25))
    ids = st.integers(0, 30).map(str)
    times = st.integers(0, 100)
    return [Node(draw(ids), draw(st.one_of(st.just(""), ids)), draw(times), draw(times)) for _ in range(count)]


@given(any_trace())
def test_every_span_appears_exactly_once(spans: list[Node]) -> None:
    tree = build(spans)
    assert sorted(tree.order) == list(range(len(spans)))


@given(any_trace())
def test_descendants_follow_their_ancestors_without_a_gap(spans: list[Node]) -> None:
    tree = build(spans)
    for node in range(len(tree)):
        over = tree.parent[node]
        assert over < node
        assert tree.depth[node] == (0 if over < 0 else tree.depth[over] + 1)
        assert node < tree.end[node] <= len(tree)
        if over >= 0:
            assert tree.end[node] <= tree.end[over]
            assert spans[tree.order[node]].parent_span_id == spans[tree.order[over]].span_id
    assert [node for node in range(len(tree)) if tree.parent[node] < 0] == list(tree.roots())


@given(any_trace())
def test_siblings_come_by_start(spans: list[Node]) -> None:
    tree = build(spans)
    for group in [list(tree.roots()), *(list(tree.children(node)) for node in range(len(tree)))]:
        starts = [spans[tree.order[node]].start_ns for node in group]
        assert starts == sorted(starts)


@given(any_trace())
def test_the_tree_does_not_depend_on_the_order_of_arrival(spans: list[Node]) -> None:
    unique = list({span.span_id: span for span in spans}.values())
    shuffled = random.Random(0).sample(unique, len(unique))
    one, other = build(unique), build(shuffled)
    assert [unique[i].span_id for i in one.order] == [shuffled[i].span_id for i in other.order]


@given(any_trace())
def test_timing_holds_for_any_tree(spans: list[Node]) -> None:
    tree = build(spans)
    for node, own in enumerate(self_times(tree, spans)):
        span = spans[tree.order[node]]
        assert 0 <= own <= max(span.end_ns - span.start_ns, 0)
    pieces = critical_path(tree, spans)
    for before, after in itertools.pairwise(pieces):
        assert before.end_ns <= after.start_ns
    for piece in pieces:
        span = spans[tree.order[piece.node]]
        assert span.start_ns <= piece.start_ns < piece.end_ns <= span.end_ns


def test_orphans_rings_and_self_parents_are_roots_with_a_mark() -> None:
    spans = [Node("a", "gone", 5, 9), Node("b", "c", 1, 3), Node("c", "b", 2, 4), Node("d", "d", 6, 7)]
    tree = build(spans)
    ids = [spans[i].span_id for i in tree.order]
    assert ids == ["b", "c", "a", "d"]
    assert {ids[n] for n in tree.orphans} == {"a"}
    assert {ids[n] for n in tree.cut} == {"b", "d"}
    assert tree.ancestors(1) == [0]


def test_a_chain_of_100_000_levels_is_no_problem() -> None:
    count = 100_000
    spans = [Node(str(i), str(i - 1) if i else "", i, 3 * count - i) for i in range(count)]
    tree = build(spans)
    assert tree.depth[-1] == count - 1
    assert sum(self_times(tree, spans)) == 3 * count
    pieces = critical_path(tree, spans)
    assert sum(piece.end_ns - piece.start_ns for piece in pieces) == 3 * count
