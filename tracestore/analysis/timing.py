"""Where a trace's time went: self time of each span, the critical path through the trace, idle gaps.

Pure, iterative, O(n log n). Works on a `Tree` and the spans it was built from. Children are clipped
to their parent's time: what a child does after its parent has ended, or before it began (a skewed
clock), takes nothing from the parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracestore.analysis.tree import Tree, TreeSpan


def self_times(tree: Tree, spans: Sequence[TreeSpan]) -> list[int]:
    """Nanoseconds in which a node ran and none of its children did; per node of the tree."""
    covered = [0] * len(tree)
    busy_until: list[int] = []
    starts, ends = [], []
    for index in tree.order:
        span = spans[index]
        starts.append(span.start_ns)
        ends.append(max(span.end_ns, span.start_ns))
        busy_until.append(span.start_ns)
    # Nodes come in pre-order with siblings by start, so each parent sees its children by start:
    # one running "busy until" per parent merges their intervals without sorting again.
    for node, over in enumerate(tree.parent):
        if over < 0:
            continue
        begin = starts[node] if starts[node] > busy_until[over] else busy_until[over]
        finish = ends[node] if ends[node] < ends[over] else ends[over]
        if finish > begin:
            covered[over] += finish - begin
            busy_until[over] = finish
    return [ends[node] - starts[node] - covered[node] for node in range(len(tree))]


@dataclass(slots=True, frozen=True)
class Segment:
    """A piece of the critical path: from `start_ns` to `end_ns` the trace waited for `node` itself."""

    node: int
    start_ns: int
    end_ns: int


def critical_path(tree: Tree, spans: Sequence[TreeSpan]) -> list[Segment]:
    """The chain of work that decided when the trace ended, earliest piece first.

    Walks back from the end: at any moment the path is in the child that finished last before it, and
    in the span itself where no child explains the time. Shortening anything else would not have made
    the trace shorter. Several roots are taken as children of the whole trace; gaps between roots are
    on nobody's account.
    """
    if not len(tree):
        return []
    found: list[Segment] = []
    last = max(max(spans[i].end_ns, spans[i].start_ns) for i in tree.order)
    first = min(spans[i].start_ns for i in tree.order)
    # (node, the moment from which we look back, the earliest moment that counts)
    waiting = chain(list(tree.roots()), tree, spans, last, first)[0]
    while waiting:
        node, until, floor = waiting.pop()
        span = spans[tree.order[node]]
        begin = max(span.start_ns, floor)
        below, gaps = chain(list(tree.children(node)), tree, spans, until, begin)
        found.extend(Segment(node, low, high) for low, high in gaps if high > low)
        waiting.extend(below)
    found.sort(key=lambda segment: (segment.start_ns, segment.end_ns, segment.node))
    return found


def chain(
    nodes: list[int], tree: Tree, spans: Sequence[TreeSpan], until: int, begin: int
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Which of some siblings are on the path between `begin` and `until`, and the gaps between them."""
    nodes.sort(key=lambda n: (min(spans[tree.order[n]].end_ns, until), spans[tree.order[n]].start_ns))
    taken: list[tuple[int, int, int]] = []
    gaps: list[tuple[int, int]] = []
    at = until
    for node in reversed(nodes):
        span = spans[tree.order[node]]
        end = min(span.end_ns, until)
        start = max(span.start_ns, begin)
        if end > at or end <= start:
            continue  # ran beside a later finisher, or lies outside the parent altogether
        gaps.append((end, at))
        taken.append((node, end, start))
        at = start
    gaps.append((begin, at))
    return taken, gaps


#: Gaps that are told: no shorter than this, and than this share of the trace.
GAP_NS = 100_000_000
GAP_SHARE = 0.02


def idle_gaps(tree: Tree, spans: Sequence[TreeSpan]) -> list[tuple[int, int]]:
    """Times (start, end in ns) in which nothing ran, by start; so few that each can be shown.

    A span with children only waits while none of them runs, so what counts as running are the spans
    without children: a run is idle while its outermost span is all that is open.
    """
    leaves = sorted(
        (spans[index].start_ns, spans[index].end_ns)
        for node, index in enumerate(tree.order)
        if tree.end[node] == node + 1
    )
    if not leaves:
        return []
    first = min(span.start_ns for span in spans)
    last = max(max(span.end_ns, span.start_ns) for span in spans)
    least = max(GAP_NS, int(GAP_SHARE * (last - first)))
    found, busy_until = [], first
    for start, end in (*leaves, (last, last)):
        if start - busy_until >= least:
            found.append((busy_until, start))
        busy_until = max(busy_until, end)
    return found
