"""The waterfall's first rows, for the HTML: what is there before any script, or without one.

Pure. The script then draws the same rows from the columns, so both must agree on geometry and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.waterfall import FLAGS, flags, label
from tracestore.analysis.tree import Tree
from tracestore.clickhouse.rows import SpanRow

FIRST_ROWS = 50
#: Rows shown around a span that is asked for by `?span=` and lies further down.
ROWS_BEFORE = 12

#: What each flag says on its row; `js/waterfall/words.js` has the same words.
FLAG_WORDS = {
    "orphan": "parent not received",
    "cut": "parents form a ring",
    "outlives": "ends after its parent",
    "early": "starts before its parent: clocks differ",
    "unpriced": "price unknown",
    "unfinished": "ends before it starts",
    "incomplete": "tokens incomplete: the sender dropped attributes",
}


@dataclass(slots=True)
class Row:
    """One row as the template draws it; `left` and `width` are per cent of the time line."""

    span: SpanRow
    index: int
    level: int
    position: int
    siblings: int
    has_children: bool
    label: str
    offset_ns: int
    left: float
    width: float
    marks: list[str]
    selected: bool = False


def rows(spans: Sequence[SpanRow], tree: Tree, nodes: Sequence[int], selected: int = -1) -> list[Row]:
    first = min((span.start_ns for span in spans), default=0)
    last = max((max(span.end_ns, span.start_ns) for span in spans), default=0)
    whole = max(last - first, 1)
    places = sibling_places(tree)
    made = []
    for node in nodes:
        span = spans[tree.order[node]]
        over = tree.parent[node]
        odd = flags(span, spans[tree.order[over]] if over >= 0 else None, node, tree)
        position, siblings = places[node]
        made.append(
            Row(
                span=span,
                index=node,
                level=tree.depth[node] + 1,
                position=position,
                siblings=siblings,
                has_children=tree.end[node] > node + 1,
                label=label(span),
                offset_ns=span.start_ns - first,
                left=round(100 * (span.start_ns - first) / whole, 4),
                width=round(100 * max(span.end_ns - span.start_ns, 0) / whole, 4),
                marks=[FLAG_WORDS[name] for name, bit in FLAGS.items() if odd & bit and name != "unpriced"],
                selected=node == selected,
            )
        )
    return made


def first_nodes(tree: Tree, selected: int) -> list[int]:
    """The first rows; or the selected one with its ancestors and the rows around it."""
    if selected < FIRST_ROWS:
        return list(range(min(FIRST_ROWS, len(tree))))
    begin = max(selected - ROWS_BEFORE, 0)
    around = range(begin, min(begin + FIRST_ROWS, len(tree)))
    return [node for node in tree.ancestors(selected) if node < begin][-FIRST_ROWS:] + list(around)


def sibling_places(tree: Tree) -> list[tuple[int, int]]:
    """Of each node: its place among its siblings, from 1, and how many they are."""
    counts = [0] * (len(tree) + 1)
    places = [0] * len(tree)
    for node, over in enumerate(tree.parent):
        counts[over] += 1  # roots count in the last entry, by index -1
        places[node] = counts[over]
    return [(places[node], counts[over]) for node, over in enumerate(tree.parent)]
