"""Layout: nothing overlaps, edges reach their nodes, order lowers crossings, whatever the graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.graph_layout import Spacing, apart, layout, turned

S = Spacing()


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(0, 18))
    node = st.integers(0, max(count - 1, 0))
    return count, draw(st.lists(st.tuples(node, node), max_size=40)) if count else []


@given(graphs())
def test_nodes_never_overlap_and_edges_join_what_they_should(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    placed = layout(count, edges)
    for a in range(count):
        assert 0 <= placed.x[a] <= placed.width - S.width
        assert 0 <= placed.y[a] <= placed.height - S.height
        for b in range(a):
            apart_in_x = abs(placed.x[a] - placed.x[b]) >= S.width
            assert apart_in_x or abs(placed.y[a] - placed.y[b]) >= S.height + S.row_gap - 1e-6
    for (source, target), points, back in zip(edges, placed.paths, placed.back, strict=True):
        begin, end = points[0], points[-1]
        if source == target:
            assert begin[1] == end[1] == placed.y[source]
            continue
        assert begin[0] == placed.x[source] + (0 if back else S.width)
        assert end[0] == placed.x[target] + (S.width if back else 0)
        assert placed.y[source] < begin[1] < placed.y[source] + S.height
        assert placed.y[target] < end[1] < placed.y[target] + S.height
        assert (placed.layer[source] > placed.layer[target]) == back


@given(graphs())
def test_without_the_turned_edges_there_is_no_ring(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    left = [edge for edge, back in zip(edges, turned(count, edges), strict=True) if not back and edge[0] != edge[1]]
    waits = [0] * count
    for _, target in left:
        waits[target] += 1
    ready = [node for node in range(count) if not waits[node]]
    for node in ready:
        for source, target in left:
            if source == node:
                waits[target] -= 1
                if not waits[target]:
                    ready.append(target)
    assert len(ready) == count


def test_crossed_pairs_are_uncrossed() -> None:
    # 0 and 1 call 3 and 2 respectively: straight when ordered.
    placed = layout(4, [(0, 3), (1, 2)])
    assert (placed.y[0] < placed.y[1]) == (placed.y[3] < placed.y[2])


def test_a_high_graph_begins_at_the_top() -> None:
    placed = layout(101, [(0, k) for k in range(1, 101)])
    assert placed.y[0] < 400 < placed.height


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 90)), max_size=30))
def test_values_keep_order_and_distance(pairs: list[tuple[float, float]]) -> None:
    wish, size = [one for one, _ in pairs], [one for _, one in pairs]
    found = apart(wish, size)
    for k in range(1, len(found)):
        assert found[k] >= found[k - 1] + size[k - 1] - 1e-6
    assert all(value >= 0 for value in found)


def test_values_that_fit_are_left_alone() -> None:
    assert apart([10.0, 50.0], [20.0, 20.0]) == [10.0, 50.0]
