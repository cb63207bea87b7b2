"""Runs and steps: which invocation of an agent a span belongs to, and which step of it.

Pure, O(n log n). A run is one invocation of an agent; a step is one model call and what it caused.
Where no span says that it is an agent, each outermost span is taken as a run. A sub-agent has a run
and steps of its own, and is itself part of the step that called it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tracestore.analysis.tree import Tree, TreeSpan


class StepSpan(TreeSpan, Protocol):
    """What steps need to know of a span."""

    @property
    def type(self) -> str: ...
    @property
    def agent(self) -> str: ...


#: Types that only hold others together; everything else is a call.
WRAPPERS = frozenset({"workflow", "other", "agent"})


@dataclass(slots=True)
class Run:
    """One invocation of an agent: its outermost node, the agent's name or '', its model calls by start."""

    node: int
    agent: str
    calls: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Steps:
    """Per node: the run that it is counted in (an index of `runs`), and its step there from 1.

    Step 0 is before the first model call, or around several steps. A sub-agent's outermost node is
    counted in the run that called it.
    """

    runs: list[Run] = field(default_factory=list)
    run: list[int] = field(default_factory=list)
    step: list[int] = field(default_factory=list)


def steps(tree: Tree, spans: Sequence[StepSpan]) -> Steps:
    runs, run, call_over, own = find_runs(tree, spans)
    types = [spans[index].type for index in tree.order]
    starts = [spans[index].start_ns for index in tree.order]
    step = [0] * len(tree)
    for node, kind in enumerate(types):
        # A model call inside another call (a tool that asks a model) is part of that call.
        if kind == "llm" and call_over[node] < 0:
            runs[run[node]].calls.append(node)
    endings = []
    for one in runs:
        one.calls.sort(key=lambda node: (starts[node], node))
        for number, node in enumerate(one.calls, 1):
            step[node] = number
        endings.append(sorted((spans[tree.order[node]].end_ns, step[node]) for node in one.calls))
    for node, kind in enumerate(types):
        over = call_over[node]
        if over >= 0:
            step[node] = step[over]
        elif not step[node] and (kind not in WRAPPERS or (own[node] and tree.parent[node] >= 0)):
            step[node] = caused_by(starts[node], runs[run[node]].calls, endings[run[node]], starts)
    around(tree, run, types, step)
    return Steps(runs, run, step)


def find_runs(tree: Tree, spans: Sequence[StepSpan]) -> tuple[list[Run], list[int], list[int], list[bool]]:
    """The runs; per node the run it is counted in, the call around it in that run or -1, whether a run begins."""
    runs: list[Run] = []
    run: list[int] = []
    inside: list[int] = []
    call_over: list[int] = []
    call_inside: list[int] = []
    own: list[bool] = []
    for node, index in enumerate(tree.order):
        span, over = spans[index], tree.parent[node]
        current = inside[over] if over >= 0 else -1
        above = call_inside[over] if over >= 0 else -1
        # An agent's span directly inside a run of the same agent (frameworks nest them) is no new run.
        begins = over < 0 or (span.type == "agent" and (above >= 0 or span.agent != runs[current].agent))
        if begins:
            runs.append(Run(node, span.agent))
        own.append(begins)
        run.append(current if over >= 0 else len(runs) - 1)
        call_over.append(above)
        inside.append(len(runs) - 1 if begins else current)
        if begins:
            call_inside.append(node if span.type not in WRAPPERS else -1)
        else:
            call_inside.append(above if above >= 0 or span.type in WRAPPERS else node)
    return runs, run, call_over, own


def caused_by(start: int, calls: list[int], endings: list[tuple[int, int]], starts: list[int]) -> int:
    """The step of what began at `start`: of the model call that ended last before, else that began last before."""
    ended = bisect_right(endings, (start, len(calls) + 1))
    if ended:
        return endings[ended - 1][1]
    return bisect_right(calls, start, key=starts.__getitem__)


def around(tree: Tree, run: list[int], types: list[str], step: list[int]) -> None:
    """Gives a span that only holds others the step of all calls in it, where they share one. In place."""
    low, high = step.copy(), step.copy()
    for node in range(len(tree) - 1, -1, -1):
        over = tree.parent[node]
        if not step[node] and types[node] in WRAPPERS and low[node] and low[node] == high[node] and over >= 0:
            step[node] = low[node]
        if over < 0 or run[over] != run[node]:
            continue
        if low[node]:
            low[over] = min(low[over] or low[node], low[node])
            high[over] = max(high[over], high[node])


@dataclass(slots=True, frozen=True)
class ContextCut:
    """A model call that was given much less than the call before it in its run: tokens before and after."""

    node: int
    before: int
    after: int


class CallSpan(StepSpan, Protocol):
    @property
    def model(self) -> str: ...
    @property
    def input_tokens(self) -> int: ...


#: A context counts as cut when a call's input is smaller than the last one's by more than both.
CUT_SHARE = 0.4
CUT_TOKENS = 2_000


def context_cuts(found: Steps, tree: Tree, spans: Sequence[CallSpan]) -> list[ContextCut]:
    """Where an agent's context was cut: consecutive calls of a run to one model, by node.

    Calls of unknown input (0 tokens) are skipped.
    """
    cuts = []
    for run in found.runs:
        last: dict[str, int] = {}
        for node in run.calls:
            span = spans[tree.order[node]]
            if not span.input_tokens:
                continue
            before = last.get(span.model, 0)
            drop = before - span.input_tokens
            if drop > CUT_TOKENS and drop > CUT_SHARE * before:
                cuts.append(ContextCut(node, before, span.input_tokens))
            last[span.model] = span.input_tokens
    return sorted(cuts, key=lambda cut: cut.node)
