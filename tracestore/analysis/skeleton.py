"""The skeleton of a giant trace: which spans to show when all would be too many.

Pure, linear. Breadth first from the roots, so that what is nearest to them shows; whatever must show
(errors, evidence, the critical path) with its ancestors; and more of the subtrees that were asked for.
The result holds the parent of each of its nodes, so it is a tree again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tracestore.analysis.tree import Tree


def skeleton(tree: Tree, most: int, always: Iterable[int], opened: Sequence[tuple[int, int]] = ()) -> list[int]:
    """The nodes to show, ascending: the `most` nearest to the roots, all of `always`, and their ancestors.

    `opened` are (node, count): so many more of the nodes under it, nearest first.
    """
    count = len(tree)
    if most >= count:
        return list(range(count))
    shown = bytearray(count)
    for node in nearest(tree, list(tree.roots()), most):
        shown[node] = 1
    for node in always:
        while node >= 0 and not shown[node]:
            shown[node] = 1
            node = tree.parent[node]
    for top, more in opened:
        for node in nearest(tree, [top] if top >= 0 else list(tree.roots()), count):
            if more <= 0:
                break
            if not shown[node]:
                more -= 1
            # Breadth first meets a parent before its children; above `top` all may be hidden still.
            while node >= 0 and not shown[node]:
                shown[node] = 1
                node = tree.parent[node]
    return [node for node in range(count) if shown[node]]


def nearest(tree: Tree, level: list[int], most: int) -> Iterator[int]:
    """Nodes level by level from those given, `most` at most."""
    while level:
        below: list[int] = []
        for node in level:
            if most <= 0:
                return
            most -= 1
            yield node
            below.extend(tree.children(node))
        level = below
