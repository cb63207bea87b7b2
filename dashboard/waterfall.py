"""The waterfall's columns: a trace as parallel lists, in reading order, without payloads.

Pure. Columns with repeated strings are dictionary-coded, times are microseconds from the trace's
first start, so 100,000 spans are a few megabytes instead of sixteen (UI.md 3.2). The browser's
`js/waterfall/model.js` is the reader of this form; `FLAGS` is shared with it by a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.visible_text import visible
from tracestore.analysis.timing import critical_path, self_times
from tracestore.analysis.tree import Tree, build
from tracestore.clickhouse.rows import SpanRow
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
}

#: Longer names are cut here; the drawer has the whole.
NAME_LENGTH = 200

MODEL_TYPES = ("llm", "embedding", "rerank")


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


def label(span: SpanRow) -> str:
    """What a row says after the name: the model, the tool or the agent, unless the name says so."""
    text = {"llm": span.model or span.request_model, "embedding": span.model, "agent": span.agent}.get(
        span.type, span.tool_name
    )
    return "" if text and text in span.name else text


def flags(span: SpanRow, over: SpanRow | None, node: int, tree: Tree) -> int:
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
    return found


def is_unpriced(span: SpanRow) -> bool:
    """Whether tokens were used and nobody knows what they cost."""
    return span.cost_usd is None and bool(span.input_tokens or span.output_tokens)


def columns(spans: list[SpanRow], tree: Tree | None = None) -> dict[str, Any]:
    """The columns of all spans given, as a dict ready for JSON.

    `t0` is text: nanoseconds since the epoch do not fit a JavaScript number. `critical` is three
    parallel lists: node, start, end of each piece of the critical path.
    """
    tree = build(spans) if tree is None else tree
    first = min((span.start_ns for span in spans), default=0)
    names, labels = Dictionary(), Dictionary([""])
    types, statuses = Dictionary(SPAN_TYPES), Dictionary(STATUSES)
    rows = [spans[index] for index in tree.order]
    path = critical_path(tree, spans)
    return {
        "n": len(rows),
        "t0": str(first),
        "span": max((max(span.end_ns, span.start_ns) - first for span in rows), default=0) // 1000,
        "name": [names.code(visible(span.name, limit=NAME_LENGTH)) for span in rows],
        "label": [labels.code(visible(label(span), limit=NAME_LENGTH)) for span in rows],
        "type": [types.code(visible(span.type, limit=20)) for span in rows],
        "status": [statuses.code(visible(span.status, limit=20)) for span in rows],
        "names": names.strings,
        "labels": labels.strings,
        "types": types.strings,
        "statuses": statuses.strings,
        "parent": tree.parent,
        "depth": tree.depth,
        "start": [(span.start_ns - first) // 1000 for span in rows],
        "dur": [max(span.end_ns - span.start_ns, 0) // 1000 for span in rows],
        "self": [time // 1000 for time in self_times(tree, spans)],
        "tokens_in": [span.input_tokens for span in rows],
        "tokens_out": [span.output_tokens for span in rows],
        "cost": [span.cost_usd for span in rows],
        "flags": [
            flags(span, rows[over] if over >= 0 else None, node, tree)
            for node, (span, over) in enumerate(zip(rows, tree.parent, strict=True))
        ],
        "id": [span.span_id for span in rows],
        "critical": [
            [segment.node for segment in path],
            [(segment.start_ns - first) // 1000 for segment in path],
            [(segment.end_ns - first) // 1000 for segment in path],
        ],
    }
