"""The waterfall's first rows, for the HTML: what is there before any script, or without one.

Pure. The script then draws the same rows from the columns, so both must agree on geometry and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.outline import Outline, outline
from dashboard.timeline import Timeline, WaterfallSpan
from dashboard.waterfall import FLAGS, flags_of, label, label_of
from tracestore.clickhouse.rows import SpanRow

FIRST_ROWS = 50
#: Rows shown around a span that is asked for by `?span=` and lies further down.
ROWS_BEFORE = 12
#: Deeper levels are drawn at this one's indent.
DEEPEST = 24

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


#: A missing price is told in the cost column, a span that has not come yet by its name.
TOLD_ELSEWHERE = ("unpriced", "running")


@dataclass(slots=True)
class Row:
    """One row as the template draws it; `left` and `width` are per cent of the time line."""

    span: WaterfallSpan
    index: int
    rowindex: int
    level: int
    position: int
    siblings: int
    has_children: bool
    is_folded: bool
    kind: str
    label: str
    step: int
    shows_step: bool
    step_words: str
    finding: str
    context_cut: str
    offset_ns: int
    left: float
    width: float
    marks: list[str]
    selected: bool = False

    @property
    def indent(self) -> int:
        return min(self.level - 1, DEEPEST)

    @property
    def is_band(self) -> bool:
        return self.step % 2 == 1


@dataclass(slots=True)
class TableRow:
    """One row of the plain table: every span, no groups."""

    span: SpanRow
    index: int
    level: int
    label: str
    offset_ns: int

    @property
    def indent(self) -> int:
        return min(self.level - 1, DEEPEST)


def first_rows(timeline: Timeline, selected: int = -1, rows: Outline | None = None) -> list[Row]:
    """The first rows that show while groups are folded; or the chosen one with its ancestors and those around it.

    `selected` is a node. The groups that the chosen span is in are open.
    """
    rows = outline(timeline, selected=selected) if rows is None else rows
    chosen = rows.node.index(selected) if selected >= 0 else -1
    over: list[int] = []
    at = chosen
    while at >= 0:
        at = rows.parent[at]
        if at >= 0:
            over.append(at)
    folded = rows.groups.keys() - set(over)
    shown = visible_rows(rows, folded)
    places = sibling_places(rows.parent)
    numbers = wanted(shown, chosen, over)
    told = step_starts(timeline, rows, shown[numbers[-1]] + 1 if numbers else 0)
    findings, cuts = finding_words(timeline), cut_words(timeline)
    first, whole = timeline.begin_ns, max(timeline.end_ns - timeline.begin_ns, 1)
    made = []
    for number in numbers:
        row = shown[number]
        span, node, marks = rows.spans[row], rows.node[row], flags_of(timeline, rows, row)
        position, siblings = places[row]
        made.append(
            Row(
                span=span,
                index=row,
                rowindex=number + 1,
                level=rows.depth[row] + 1,
                position=position,
                siblings=siblings,
                has_children=row + 1 < len(rows.parent) and rows.parent[row + 1] == row,
                is_folded=row in folded,
                kind="group" if row in rows.groups else "hidden" if row in rows.hidden else "span",
                label=label_of(rows, row),
                step=timeline.steps.step[node] if node >= 0 else 0,
                shows_step=row in told,
                step_words=told.get(row, ""),
                finding=findings.get(node, ""),
                context_cut=cuts.get(node, ""),
                offset_ns=span.start_ns - first,
                left=round(100 * (span.start_ns - first) / whole, 4),
                width=round(100 * max(span.end_ns - span.start_ns, 0) / whole, 4),
                marks=[FLAG_WORDS[name] for name, bit in FLAGS.items() if marks & bit and name not in TOLD_ELSEWHERE],
                selected=row == chosen,
            )
        )
    return made


def step_starts(timeline: Timeline, rows: Outline, until: int) -> dict[int, str]:
    """The rows before `until` at which a step of a run begins, in reading order, with the words for it."""
    last: dict[int, int] = {}
    found = {}
    for row, node in enumerate(rows.node[:until]):
        step = timeline.steps.step[node] if node >= 0 else 0
        if not step:
            continue
        run = timeline.steps.run[node]
        if last.get(run) != step:
            last[run] = step
            agent = timeline.steps.runs[run].agent
            found[row] = f"Step {step} of {agent}" if agent else f"Step {step}"
    return found


def finding_words(timeline: Timeline) -> dict[int, str]:
    """Node → the titles and explanations of the findings that it shows."""
    found: dict[int, list[str]] = {}
    for finding, nodes in zip(timeline.findings, timeline.evidence(), strict=True):
        for node in nodes:
            found.setdefault(node, []).append(f"{finding.title}: {finding.explanation}")
    return {node: "\n".join(words) for node, words in found.items()}


def cut_words(timeline: Timeline) -> dict[int, str]:
    return {cut.node: f"{cut.after:,} tokens in, after {cut.before:,} in the call before" for cut in timeline.cuts}


def visible_rows(rows: Outline, folded: set[int]) -> list[int]:
    """The rows that show while those of `folded` are closed."""
    shown: list[int] = []
    below = -1  # rows deeper than this are inside a folded one
    for row, depth in enumerate(rows.depth):
        if below >= 0 and depth > below:
            continue
        shown.append(row)
        below = depth if row in folded else -1
    return shown


def wanted(shown: list[int], chosen: int, over: list[int]) -> list[int]:
    """Indexes in `shown` of the first rows, or of the chosen row's ancestors and neighbours."""
    at = shown.index(chosen) if chosen >= 0 else -1
    if at < FIRST_ROWS:
        return list(range(min(FIRST_ROWS, len(shown))))
    begin = max(at - ROWS_BEFORE, 0)
    around = range(begin, min(begin + FIRST_ROWS, len(shown)))
    numbers = {row: number for number, row in enumerate(shown)}
    return [numbers[row] for row in over[::-1] if numbers[row] < begin][-FIRST_ROWS:] + list(around)


def table_rows(timeline: Timeline, spans: Sequence[SpanRow], nodes: Sequence[int]) -> list[TableRow]:
    """`spans` are those that the timeline was made of."""
    tree = timeline.tree
    return [
        TableRow(span, node, tree.depth[node] + 1, label(span), span.start_ns - timeline.begin_ns)
        for node, span in ((node, spans[tree.order[node]]) for node in nodes)
    ]


def sibling_places(parent: Sequence[int]) -> list[tuple[int, int]]:
    """Of each row: its place among its siblings, from 1, and how many they are."""
    counts = [0] * (len(parent) + 1)
    places = [0] * len(parent)
    for row, over in enumerate(parent):
        counts[over] += 1  # roots count in the last entry, by index -1
        places[row] = counts[over]
    return [(places[row], counts[over]) for row, over in enumerate(parent)]
