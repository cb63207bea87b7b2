"""A trace as its page understands it: the spans, their tree, and what the analysis says of them.

Pure. Made once for the first rows and the columns of one page view, which must agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tracestore.analysis.repetitions import RepeatedSpan, Repetition, repetitions
from tracestore.analysis.steps import ContextCut, Steps, context_cuts, steps
from tracestore.analysis.timing import Segment, critical_path
from tracestore.analysis.tree import Tree, build
from tracestore.clickhouse.rows import TimelineSpan, TraceFinding

if TYPE_CHECKING:
    from dashboard.outline import Outline


class WaterfallSpan(RepeatedSpan, Protocol):
    """What the waterfall needs to know of a span; `SpanRow` and `TimelineSpan` have it."""

    @property
    def request_model(self) -> str: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def usage_rule(self) -> str: ...
    @property
    def price_source(self) -> str: ...
    @property
    def dropped_attributes(self) -> int: ...
    @property
    def incomplete(self) -> bool: ...
    @property
    def duration_ns(self) -> int: ...


#: The status of a span that must be there, since others name it as their parent, and has not come yet.
RUNNING = "running"


class Timeline:
    """`total` counts the spans received, `version` names the state of the trace that was read.

    Of a running trace (`is_running`) the parents that have not come yet are added as spans of the
    status `running`: from their first child to the end of what is known.
    """

    def __init__(
        self,
        spans: Sequence[WaterfallSpan],
        *,
        findings: Sequence[TraceFinding] = (),
        is_running: bool = False,
        version: str = "",
    ) -> None:
        self.total = len(spans)
        self.spans: Sequence[WaterfallSpan] = [*spans, *missing_parents(spans)] if is_running else spans
        self.findings = findings
        self.is_running = is_running
        self.version = version
        #: The rows when all spans are shown, once `outline` has made them: first rows and columns are of the same.
        self.rows: Outline | None = None

    @cached_property
    def tree(self) -> Tree:
        return build(self.spans)

    @cached_property
    def steps(self) -> Steps:
        return steps(self.tree, self.spans)

    @cached_property
    def repetitions(self) -> list[Repetition]:
        return repetitions(self.tree, self.spans)

    @cached_property
    def path(self) -> list[Segment]:
        """The critical path, by start time."""
        return critical_path(self.tree, self.spans)

    @cached_property
    def cuts(self) -> list[ContextCut]:
        return context_cuts(self.steps, self.tree, self.spans)

    @cached_property
    def begin_ns(self) -> int:
        return min((span.start_ns for span in self.spans), default=0)

    @cached_property
    def end_ns(self) -> int:
        return max((max(span.end_ns, span.start_ns) for span in self.spans), default=0)

    @cached_property
    def node_of(self) -> dict[str, int]:
        """Span id → node; of an id that came twice the first node."""
        found: dict[str, int] = {}
        for node, index in enumerate(self.tree.order):
            found.setdefault(self.spans[index].span_id, node)
        return found

    def span(self, node: int) -> WaterfallSpan:
        return self.spans[self.tree.order[node]]

    def evidence(self) -> list[list[int]]:
        """Of each finding the nodes of the spans that show it."""
        return [[self.node_of[one] for one in found.span_ids if one in self.node_of] for found in self.findings]


def missing_parents(spans: Sequence[WaterfallSpan]) -> list[TimelineSpan]:
    """One open span for each parent that children name and that was not received."""
    known = {span.span_id for span in spans}
    last = max((max(span.end_ns, span.start_ns) for span in spans), default=0)
    since: dict[str, int] = {}
    for span in spans:
        wanted = span.parent_span_id
        if wanted and wanted not in known:
            since[wanted] = min(since.get(wanted, span.start_ns), span.start_ns)
    return [made_up(wanted, "(running)", "other", start, last, status=RUNNING) for wanted, start in since.items()]


def made_up(
    span_id: str,
    name: str,
    span_type: str,
    start_ns: int,
    end_ns: int,
    *,
    status: str = "unset",
    cost_usd: float | None = None,
    tokens: tuple[int, int] = (0, 0),
) -> TimelineSpan:
    """A row that no span was received for."""
    return TimelineSpan(
        span_id, "", name, span_type, "", start_ns, end_ns, status, "", "", "", *tokens, cost_usd, "", 0, "", ""
    )
