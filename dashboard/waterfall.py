"""The waterfall's columns: a trace as parallel lists, in reading order, without payloads.

Pure. Columns with repeated strings are dictionary-coded, times are microseconds from the trace's
first start, so 100,000 spans are a few megabytes instead of sixteen (UI.md 3.2). The browser's
`js/waterfall/model.js` is the reader of this form; `FLAGS` is shared with it by a test. What few rows
have comes as lists of rows beside their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.outline import Outline, group_words, outline
from dashboard.timeline import RUNNING, Timeline, WaterfallSpan
from dashboard.visible_text import visible
from tracestore.analysis.timing import idle_gaps, self_times
from tracestore.analysis.tree import Tree
from tracestore.spans.model import SPAN_TYPES, STATUSES

#: What is odd about a row, as bits.
FLAGS = {
    "orphan": 1,  # its parent was not received
    "cut": 2,  # its parents formed a ring, broken here
    "outlives": 4,  # ends after its parent
    "early": 8,  # starts before its parent: a skewed clock
    "unpriced": 16,  # a model call whose price is unknown
    "unfinished": 32,  # ends before it starts
    "incomplete": 64,  # a model call whose usage the sender dropped
    "running": 128,  # not received yet, but others name it as their parent
}

#: Longer names are cut here; the drawer has the whole.
NAME_LENGTH = 200
#: Longer explanations of findings are cut here; the finding's own page has the whole.
EXPLANATION_LENGTH = 600
#: Points of the line of running cost: more than a screen has pixels for would not be seen.
LINE_POINTS = 400


class Dictionary:
    """Gives each distinct string a number, in order of appearance."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.strings: list[str] = list(known)
        self._codes = {text: code for code, text in enumerate(self.strings)}

    def code(self, text: str) -> int:
        found = self._codes.get(text)
        if found is None:
            found = self._codes[text] = len(self.strings)
            self.strings.append(text)
        return found


class Shown(Dictionary):
    """The same for received strings: each distinct one is made fit to show once."""

    def __init__(self, limit: int, known: Sequence[str] = ()) -> None:
        super().__init__(known)
        self.limit = limit
        self._received: dict[str, int] = {}

    def code(self, text: str) -> int:
        found = self._received.get(text)
        if found is None:
            found = self._received[text] = super().code(visible(text, limit=self.limit))
        return found


def label(span: WaterfallSpan) -> str:
    """What a row says after the name: the model, the tool or the agent, unless the name says so."""
    kind = span.type
    if kind == "llm":
        text = span.model or span.request_model
    elif kind == "embedding":
        text = span.model
    elif kind == "agent":
        text = span.agent
    elif span.status == RUNNING:
        text = "not received yet"
    else:
        text = span.tool_name
    return "" if text and text in span.name else text


def flags(span: WaterfallSpan, over: WaterfallSpan | None, node: int, tree: Tree) -> int:
    found = 0
    if node in tree.orphans:
        found |= FLAGS["orphan"]
    if node in tree.cut:
        found |= FLAGS["cut"]
    if over is not None:
        if span.end_ns > over.end_ns:
            found |= FLAGS["outlives"]
        if span.start_ns < over.start_ns:
            found |= FLAGS["early"]
    if is_unpriced(span):
        found |= FLAGS["unpriced"]
    if span.end_ns < span.start_ns:
        found |= FLAGS["unfinished"]
    if span.incomplete:
        found |= FLAGS["incomplete"]
    if span.status == RUNNING:
        found |= FLAGS["running"]
    return found


def is_unpriced(span: WaterfallSpan) -> bool:
    """Whether tokens were used and nobody knows what they cost."""
    return span.cost_usd is None and bool(span.input_tokens or span.output_tokens)


def row_flags(timeline: Timeline, rows: Outline) -> list[int]:
    """The flags of each row; a group and a hidden row have none."""
    return [flags_of(timeline, rows, row) for row in range(len(rows.spans))]


def flags_of(timeline: Timeline, rows: Outline, row: int) -> int:
    node, tree = rows.node[row], timeline.tree
    if node < 0:
        return 0
    over = tree.parent[node]
    return flags(rows.spans[row], timeline.span(over) if over >= 0 else None, node, tree)


def row_labels(rows: Outline) -> list[str]:
    found = [label(span) for span in rows.spans]
    for row, group in rows.groups.items():
        found[row] = group_words(group)
    return found


def label_of(rows: Outline, row: int) -> str:
    return group_words(rows.groups[row]) if row in rows.groups else label(rows.spans[row])


def columns(timeline: Timeline, rows: Outline | None = None) -> dict[str, Any]:
    """The columns of the rows given, as a dict ready for JSON.

    `n` counts rows, `total` the spans received. `t0` is text: nanoseconds since the epoch do not fit a
    JavaScript number. `critical` is three parallel lists: row, start, end of each piece of the critical
    path; `so_far` are row, cost and tokens in and out of everything that had ended when that row's call
    ended; `line` the same over time, thinned out; `gaps` starts and ends of idle times.
    """
    rows = outline(timeline) if rows is None else rows
    first = timeline.begin_ns
    names, labels, types = Shown(NAME_LENGTH), Shown(NAME_LENGTH, [""]), Shown(20, SPAN_TYPES)
    statuses = Shown(20, STATUSES)
    row_of = {node: row for row, node in enumerate(rows.node) if node >= 0}
    own = self_times(timeline.tree, timeline.spans)
    spans = rows.spans
    step, run = timeline.steps.step, timeline.steps.run
    cuts = [cut for cut in timeline.cuts if cut.node in row_of]
    so_far, line = running_sums(timeline, row_of)
    return {
        "n": len(spans),
        "total": timeline.total,
        "version": timeline.version,
        "running": timeline.is_running,
        "t0": str(first),
        "span": (timeline.end_ns - first) // 1000,
        "name": [names.code(span.name) for span in spans],
        "label": [labels.code(text) for text in row_labels(rows)],
        "type": [types.code(span.type) for span in spans],
        "status": [statuses.code(span.status) for span in spans],
        "names": names.strings,
        "labels": labels.strings,
        "types": types.strings,
        "statuses": statuses.strings,
        "parent": rows.parent,
        "depth": rows.depth,
        "start": [(span.start_ns - first) // 1000 for span in spans],
        "dur": [max(span.end_ns - span.start_ns, 0) // 1000 for span in spans],
        "self": [own[node] // 1000 if node >= 0 else 0 for node in rows.node],
        "tokens_in": [span.input_tokens for span in spans],
        "tokens_out": [span.output_tokens for span in spans],
        "cost": [span.cost_usd for span in spans],
        "flags": row_flags(timeline, rows),
        "step": [step[node] if node >= 0 else 0 for node in rows.node],
        "run": [run[node] if node >= 0 else 0 for node in rows.node],
        "runs": [visible(one.agent, limit=60) for one in timeline.steps.runs],
        "id": [span.span_id for span in spans],
        "critical": [
            [row_of[segment.node] for segment in timeline.path],
            [(segment.start_ns - first) // 1000 for segment in timeline.path],
            [(segment.end_ns - first) // 1000 for segment in timeline.path],
        ],
        "groups": list(rows.groups),
        "hidden": [
            list(rows.hidden),
            [under for under, _ in rows.hidden.values()],
            [n for _, n in rows.hidden.values()],
        ],
        "cuts": [[row_of[cut.node] for cut in cuts], [cut.before for cut in cuts], [cut.after for cut in cuts]],
        "gaps": [[(time - first) // 1000 for time in gap] for gap in idle_gaps(timeline.tree, timeline.spans)],
        "so_far": so_far,
        "line": line,
        "findings": [
            {
                "severity": visible(found.severity, limit=20),
                "title": visible(found.title, limit=NAME_LENGTH),
                "explanation": visible(found.explanation, limit=EXPLANATION_LENGTH),
                "rows": [row_of[node] for node in nodes],
            }
            for found, nodes in zip(timeline.findings, timeline.evidence(), strict=True)
        ],
    }


def running_sums(timeline: Timeline, row_of: dict[int, int]) -> tuple[list[list[Any]], list[list[Any]]]:
    """What had been used when each call ended: by row (`so_far`), and over time (`line`) in µs.

    A call counts whole at its end, since that is when its usage is known; costs are of the priced calls.
    """
    tree, spans, first = timeline.tree, timeline.spans, timeline.begin_ns
    calls = [
        (spans[index].end_ns, node)
        for node, index in enumerate(tree.order)
        if spans[index].input_tokens or spans[index].output_tokens
    ]
    calls.sort()
    by_row: list[list[Any]] = [[], [], [], []]
    line: list[list[Any]] = [[], [], []]
    cost, used_in, used_out = 0.0, 0, 0
    every = -(-len(calls) // LINE_POINTS) if calls else 1
    for number, (end, node) in enumerate(calls, 1):
        span = spans[tree.order[node]]
        cost += span.cost_usd or 0.0
        used_in += span.input_tokens
        used_out += span.output_tokens
        row = row_of.get(node)
        if row is not None:
            for column, value in zip(by_row, (row, round(cost, 10), used_in, used_out), strict=True):
                column.append(value)
        if number % every == 0 or number == len(calls):
            for column, value in zip(line, ((end - first) // 1000, round(cost, 10), used_in + used_out), strict=True):
                column.append(value)
    return by_row, line
