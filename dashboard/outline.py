"""Which rows the waterfall has, in reading order: spans, groups of repetitions, and "+N hidden".

Pure. A group is a row around calls that came again and again, folded at first; a "hidden" row stands
for the spans of a giant trace that are not shown, and opens more of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.timeline import Timeline, WaterfallSpan, made_up
from tracestore.analysis.repetitions import Repetition
from tracestore.analysis.skeleton import skeleton
from tracestore.analysis.steps import WRAPPERS

#: Spans of one trace that are shown whole; above, a skeleton of so many (UI.md 3.4).
WHOLE = 20_000
#: So many hidden spans come with one press on "+N hidden".
MORE = 5_000


@dataclass(slots=True)
class Outline:
    """One entry per row: the span drawn (made up for groups and hidden ones), its node or -1, parent row, depth.

    `groups` and `hidden` say which rows are such; a hidden row's value is the span id to ask more of
    ('' for the whole trace) and how many spans it stands for.
    """

    spans: list[WaterfallSpan] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    groups: dict[int, Repetition] = field(default_factory=dict)
    hidden: dict[int, tuple[str, int]] = field(default_factory=dict)

    def add(self, span: WaterfallSpan, node: int, parent: int) -> int:
        self.spans.append(span)
        self.node.append(node)
        self.parent.append(parent)
        self.depth.append(self.depth[parent] + 1 if parent >= 0 else 0)
        return len(self.spans) - 1


def outline(timeline: Timeline, opened: Sequence[str] = (), selected: int = -1, whole: int | None = None) -> Outline:
    """The rows of a trace. `opened` are span ids under "+N hidden" rows that were pressed, once per press."""
    tree = timeline.tree
    whole = WHOLE if whole is None else whole
    if len(tree) > whole:
        nodes = skeleton(tree, whole, must_show(timeline, selected), asked(timeline, opened))
        return rows_of(timeline, nodes, hidden_under(timeline, nodes))
    if timeline.rows is None:
        timeline.rows = rows_of(timeline, range(len(tree)), {})
    return timeline.rows


def rows_of(timeline: Timeline, nodes: Iterable[int], absent: Mapping[int, int]) -> Outline:
    """The rows of some nodes, in their order; `absent` is how many hidden spans each of them stands over."""
    tree = timeline.tree
    made = Outline()
    groups = iter((*timeline.repetitions, None))
    following = next(groups)
    # What is open around the present node: where it stops, its row, its node (-1 for a group).
    around: list[tuple[int, int, int]] = []

    def close(until: int) -> None:
        while around and around[-1][0] <= until:
            _, row, node = around.pop()
            if node >= 0 and absent.get(node):
                add_hidden(made, timeline, node, row, absent[node])

    for node in nodes:
        close(node)
        while following is not None and following.first <= node:
            if node < following.stop:
                row = made.add(group_span(timeline, following), -1, around[-1][1] if around else -1)
                made.groups[row] = following
                around.append((following.stop, row, -1))
            following = next(groups)
        row = made.add(timeline.span(node), node, around[-1][1] if around else -1)
        if tree.end[node] > node + 1:
            around.append((tree.end[node], row, node))
    close(len(tree))
    if absent.get(-1):
        add_hidden(made, timeline, -1, -1, absent[-1])
    return made


def plain(timeline: Timeline) -> Outline:
    """Every span and nothing else, for views that are no list of rows."""
    tree = timeline.tree
    spans = [timeline.spans[index] for index in tree.order]
    return Outline(spans, list(range(len(tree))), list(tree.parent), list(tree.depth))


def must_show(timeline: Timeline, selected: int) -> list[int]:
    """Nodes that show however large the trace is: errors, evidence, the critical path, the chosen one."""
    errors = [node for node, index in enumerate(timeline.tree.order) if timeline.spans[index].status == "error"]
    evidence = [node for nodes in timeline.evidence() for node in nodes]
    return [*errors, *evidence, *(segment.node for segment in timeline.path), *([selected] if selected >= 0 else [])]


def asked(timeline: Timeline, opened: Sequence[str]) -> list[tuple[int, int]]:
    """What was pressed, as nodes; -1 is the whole trace, what is not there is left out."""
    return [
        (timeline.node_of[one] if one else -1, MORE * opened.count(one))
        for one in dict.fromkeys(opened)
        if not one or one in timeline.node_of
    ]


def hidden_under(timeline: Timeline, nodes: Iterable[int]) -> dict[int, int]:
    """How many spans that are not shown each shown node stands over first; -1 are those under no shown one."""
    tree = timeline.tree
    absent = {-1: len(tree)}
    for node in nodes:
        absent[node] = tree.end[node] - node - 1
        absent[tree.parent[node]] -= tree.end[node] - node
    return absent


def add_hidden(made: Outline, timeline: Timeline, node: int, parent: int, count: int) -> None:
    under = timeline.span(node).span_id if node >= 0 else ""
    begin = timeline.span(node).start_ns if node >= 0 else timeline.begin_ns
    row = made.add(made_up(f"more-{under}", f"+{count:,} hidden", "other", begin, begin), -1, parent)
    made.hidden[row] = (under, count)


def group_span(timeline: Timeline, group: Repetition) -> WaterfallSpan:
    """The group as one span: over the time of its members, with the sums of what they used."""
    inside = [timeline.spans[index] for index in timeline.tree.order[group.first : group.stop]]
    types = {span.type for span in inside} - WRAPPERS
    return made_up(
        f"group-{timeline.span(group.first).span_id}",
        f"× {group.times:,} {' → '.join(group.names)}",
        types.pop() if len(types) == 1 else "workflow",
        min(span.start_ns for span in inside),
        max(max(span.end_ns, span.start_ns) for span in inside),
        status="error" if group.failed else "unset",
        cost_usd=group.cost_usd,
        tokens=(sum(span.input_tokens for span in inside), sum(span.output_tokens for span in inside)),
    )


def group_words(group: Repetition) -> str:
    """What a group's row says after its name."""
    failed = f"{group.failed:,} failed, " if group.failed else ""
    return f"{failed}{group.distinct:,} distinct argument{'s' if group.distinct != 1 else ''}"
