"""Puts spans into lanes in which they nest, as viewers that know threads but no parents need them.

Pure. In a lane any two spans either do not overlap, or one holds the other and is its ancestor. A span goes
into its parent's lane if it can, else into one that is free, else into a new one. O(n log n).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from tracestore.analysis.tree import Tree, TreeSpan


def lanes(spans: Sequence[TreeSpan], tree: Tree) -> list[int]:
    """The lane of each tree node, from 0."""
    count = len(tree)
    starts = [spans[index].start_ns for index in tree.order]
    ends = [max(spans[index].end_ns, spans[index].start_ns) for index in tree.order]
    lane = [-1] * count
    open_in: list[list[int]] = []  # of each lane, the nodes that run, the innermost last
    free: list[tuple[int, int]] = []  # (end of what is outermost in it, lane)
    for node in sorted(range(count), key=lambda n: (starts[n], n)):
        over = tree.parent[node]
        if over >= 0 and lane[over] >= 0 and fits(open_in[lane[over]], node, starts, ends, tree):
            lane[node] = lane[over]
        else:
            if free and free[0][0] <= starts[node]:
                lane[node] = heapq.heappop(free)[1]
                open_in[lane[node]] = []
            else:
                lane[node] = len(open_in)
                open_in.append([])
            heapq.heappush(free, (ends[node], lane[node]))
        open_in[lane[node]].append(node)
    return lane


def fits(running: list[int], node: int, starts: list[int], ends: list[int], tree: Tree) -> bool:
    """Whether a node may lie on what runs in a lane when it starts; what has ended is taken off."""
    while running and (ends[running[-1]] <= starts[node] and running[-1] != tree.parent[node]):
        running.pop()
    if not running:
        return False
    top = running[-1]
    return ends[node] <= ends[top] and top < node < tree.end[top]
