"""The trace tree: spans in reading order, whatever their parent pointers say.

Pure and iterative: a trace may be 100,000 levels deep. Every span given appears exactly once, also
when its parent was never received, when it names itself, or when parents form a ring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class TreeSpan(Protocol):
    """What the tree needs to know of a span; `SpanRow` and `SpanRecord` have it."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_span_id(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...


class NamedSpan(TreeSpan, Protocol):
    """What tells who did what; `SpanRow` has it."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def request_model(self) -> str: ...
    @property
    def tool_name(self) -> str: ...


@dataclass(slots=True)
class Tree:
    """Spans in pre-order: a node's descendants follow it without a gap.

    All lists have one entry per node. `order[i]` is the index of node i in the spans as given;
    `parent[i]` is a node or -1; `depth[i]` starts at 0; the subtree of i is the nodes
    `i <= k < end[i]`. `orphans` are roots whose parent was not received; `cut` are roots that we
    made by breaking a ring of parents.
    """

    order: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    orphans: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.order)

    def children(self, node: int) -> Iterator[int]:
        """The node's children, by start time."""
        child, stop = node + 1, self.end[node]
        while child < stop:
            yield child
            child = self.end[child]

    def roots(self) -> Iterator[int]:
        root = 0
        while root < len(self.order):
            yield root
            root = self.end[root]

    def ancestors(self, node: int) -> list[int]:
        """From the root down to the node's parent."""
        found = []
        above = self.parent[node]
        while above >= 0:
            found.append(above)
            above = self.parent[above]
        return found[::-1]


def build(spans: Sequence[TreeSpan]) -> Tree:
    """Orders spans by parent, then start. Siblings that start together: the longer one first."""
    count = len(spans)
    # A span id that came twice: children belong to the first, the second is a node of its own.
    by_id: dict[str, int] = {}
    for index, span in enumerate(spans):
        by_id.setdefault(span.span_id, index)
    above = [-1] * count
    orphan = [False] * count
    for index, span in enumerate(spans):
        wanted = span.parent_span_id
        if wanted:
            above[index] = by_id.get(wanted, -1)
            orphan[index] = above[index] < 0
    cut = break_rings(above, spans)

    by_start = sorted(range(count), key=lambda i: (spans[i].start_ns, -spans[i].end_ns, spans[i].span_id))
    below: list[list[int]] = [[] for _ in range(count)]
    roots: list[int] = []
    for index in by_start:
        (roots if above[index] < 0 else below[above[index]]).append(index)

    tree = Tree()
    order, parent, depth = tree.order, tree.parent, tree.depth
    waiting: list[tuple[int, int, int]] = [(index, -1, 0) for index in reversed(roots)]
    while waiting:
        index, over, level = waiting.pop()
        node = len(order)
        order.append(index)
        parent.append(over)
        depth.append(level)
        for child in reversed(below[index]):
            waiting.append((child, node, level + 1))
    tree.end = subtree_ends(parent)
    tree.orphans = frozenset(node for node, index in enumerate(order) if orphan[index])
    tree.cut = frozenset(node for node, index in enumerate(order) if index in cut)
    return tree


def break_rings(above: list[int], spans: Sequence[TreeSpan]) -> set[int]:
    """Makes the earliest span of each ring of parents a root, in place; returns those spans."""
    cut: set[int] = set()
    seen = [0] * len(above)  # 0 new, else the number of the walk that saw it
    for start in range(len(above)):
        walk = start + 1
        at = start
        while at >= 0 and not seen[at]:
            seen[at] = walk
            at = above[at]
        if at >= 0 and seen[at] == walk:
            ring = [at]
            step = above[at]
            while step != at:
                ring.append(step)
                step = above[step]
            first = min(ring, key=lambda i: (spans[i].start_ns, -spans[i].end_ns, spans[i].span_id))
            above[first] = -1
            cut.add(first)
    return cut


def subtree_ends(parent: list[int]) -> list[int]:
    """Where each node's subtree ends, from the parents of a pre-order."""
    ends = list(range(1, len(parent) + 1))
    for node in range(len(parent) - 1, -1, -1):
        over = parent[node]
        if over >= 0 and ends[over] < ends[node]:
            ends[over] = ends[node]
    return ends
