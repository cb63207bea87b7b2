"""Repetitions: calls of one parent that come again and again, alone or as a cycle of several.

Pure, linear in the spans. "× 38 search_kb, 3 distinct arguments, 2 failed": the children of a span
in reading order, told apart by type, name and what they call; a span that only holds others is told
apart by the calls in it as well, so that a graph's nodes count as what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tracestore.analysis.steps import WRAPPERS, StepSpan
from tracestore.analysis.tree import Tree

#: So often a cycle must come to be told as one.
LEAST = 5
#: The longest cycle looked for, in siblings.
LONGEST = 6
#: So many calls inside a holding span tell it apart; more would make every holder different.
CALLS_INSIDE = 6


class RepeatedSpan(StepSpan, Protocol):
    """What repetitions need to know of a span. `arguments`: equal for equal input."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def tool_name(self) -> str: ...
    @property
    def cost_usd(self) -> float | None: ...
    @property
    def arguments(self) -> str: ...


@dataclass(slots=True)
class Repetition:
    """Nodes `first <= n < stop`: a cycle of siblings that came `times` times, with all that is in them.

    `names` are the calls of one cycle; `distinct` counts the different inputs of its tool calls, or of
    its model calls where it has no tool; `cost_usd` is None when no price is known.
    """

    first: int
    stop: int
    times: int
    names: list[str] = field(default_factory=list)
    distinct: int = 0
    cost_usd: float | None = None
    failed: int = 0


def repetitions(tree: Tree, spans: Sequence[RepeatedSpan], least: int = LEAST) -> list[Repetition]:
    """All repetitions by first node; of one parent they do not overlap, one may lie inside another."""
    children: list[list[int]] = [[] for _ in range(len(tree) + 1)]
    for node, over in enumerate(tree.parent):
        children[over].append(node)  # roots in the last list, by index -1
    keys: list[int] | None = None
    calls: list[tuple[str, ...]] = []
    found = []
    for siblings in children:
        if len(siblings) < least:
            continue
        if keys is None:
            keys, calls = told_apart(tree, spans)
        for begin, period, times in cycles([keys[node] for node in siblings], least):
            cycle = siblings[begin : begin + period]
            names = [name for node in cycle for name in calls[node]]
            if not names:
                continue  # nothing in it calls anything
            last = siblings[begin + period * times - 1]
            found.append(summed(Repetition(cycle[0], tree.end[last], times, list(dict.fromkeys(names))), tree, spans))
    found.sort(key=lambda one: (one.first, -one.stop))
    return found


def told_apart(tree: Tree, spans: Sequence[RepeatedSpan]) -> tuple[list[int], list[tuple[str, ...]]]:
    """Per node a number that equal nodes share, and the names of the calls in it (a few)."""
    numbers: dict[tuple[object, ...], int] = {}
    calls: list[tuple[str, ...]] = [()] * len(tree)
    keys = [0] * len(tree)
    for node in range(len(tree) - 1, -1, -1):
        span = spans[tree.order[node]]
        if span.type not in WRAPPERS:
            calls[node] = (span.tool_name or span.name,)
        key = (span.type, span.name, span.tool_name, span.model, calls[node] if span.type in WRAPPERS else ())
        keys[node] = numbers.setdefault(key, len(numbers))
        over = tree.parent[node]
        if over >= 0 and len(calls[over]) < CALLS_INSIDE and spans[tree.order[over]].type in WRAPPERS:
            calls[over] = (*calls[node], *calls[over])[:CALLS_INSIDE]
    return keys, calls


def cycles(keys: list[int], least: int) -> list[tuple[int, int, int]]:
    """(begin, period, times) of each cycle, greedily from the left; the one that covers most, then the shortest."""
    count = len(keys)
    # same[p][i]: for how long keys[i:] equals itself moved by p.
    same = []
    for period in range(1, min(LONGEST, count // least) + 1):
        run = [0] * (count + 1)
        for i in range(count - period - 1, -1, -1):
            run[i] = run[i + 1] + 1 if keys[i] == keys[i + period] else 0
        same.append(run)
    found = []
    at = 0
    while at < count:
        best = (0, 0, 0)
        for period, run in enumerate(same, 1):
            times = run[at] // period + 1
            if times >= least and times * period > best[0]:
                best = (times * period, period, times)
        if best[0]:
            found.append((at, best[1], best[2]))
            at += best[0]
        else:
            at += 1
    return found


def summed(one: Repetition, tree: Tree, spans: Sequence[RepeatedSpan]) -> Repetition:
    inside = [spans[index] for index in tree.order[one.first : one.stop]]
    called = [span for span in inside if span.type not in WRAPPERS]
    tools = [span for span in called if span.type == "tool"]
    one.distinct = len({(span.tool_name or span.name, span.arguments) for span in tools or called})
    one.failed = sum(span.status == "error" for span in called)
    prices = [span.cost_usd for span in inside if span.cost_usd is not None]
    one.cost_usd = sum(prices) if prices else None
    return one
