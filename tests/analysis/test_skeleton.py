"""Which spans of a giant show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.test_tree import Node
from tracestore.analysis.skeleton import skeleton
from tracestore.analysis.tree import build


def chain_and_fan() -> list[Node]:
    """root > a > b > c, and nine more children of the root."""
    spans = [Node("root", "", 0, 100), Node("a", "root", 1, 9), Node("b", "a", 1, 9), Node("c", "b", 1, 9)]
    return spans + [Node(f"f{n}", "root", 10 + n, 20) for n in range(9)]


def shown(most: int, always: tuple[str, ...] = (), opened: tuple[tuple[str, int], ...] = ()) -> list[str]:
    spans = chain_and_fan()
    tree = build(spans)
    node = {spans[index].span_id: node for node, index in enumerate(tree.order)}
    found = skeleton(tree, most, [node[name] for name in always], [(node[name], more) for name, more in opened])
    return [spans[tree.order[node]].span_id for node in found]


def test_the_nearest_to_the_root_show_and_what_must_with_its_ancestors() -> None:
    assert shown(4) == ["root", "a", "f0", "f1"]
    assert shown(2, always=("c",)) == ["root", "a", "b", "c"]
    assert len(shown(100)) == 13


def test_more_is_shown_of_what_was_opened() -> None:
    assert shown(2, opened=(("a", 1),)) == ["root", "a", "b"]
    assert shown(2, opened=(("root", 3),)) == ["root", "a", "f0", "f1", "f2"]
    assert shown(2, opened=(("root", 3), ("root", 3))) == ["root", "a", "f0", "f1", "f2", "f3", "f4", "f5"]


@given(st.data())
def test_a_skeleton_is_a_tree_again(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 40))
    spans = [Node(str(n), str(data.draw(st.integers(-1, n))), n, n + 5) for n in range(count)]
    tree = build(spans)
    most = data.draw(st.integers(1, 40))
    always = data.draw(st.lists(st.integers(0, count - 1)))
    opened = data.draw(st.lists(st.tuples(st.integers(-1, count - 1), st.integers(1, 9)), max_size=3))
    found = skeleton(tree, most, always, opened)
    assert found == sorted(set(found))
    assert set(always) <= set(found)
    assert len(found) >= min(most, count)
    assert all(tree.parent[node] in found or tree.parent[node] < 0 for node in found)
