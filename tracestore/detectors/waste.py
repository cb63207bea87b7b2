"""What repetition cost: the model calls that asked again, and the calls themselves; and what findings wasted together.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from tracestore.analysis.trajectory import TraceSpan, Trajectory


def wasted(trajectory: Trajectory, repeats: Iterable[TraceSpan], agents: Collection[str]) -> tuple[float, int, int]:
    """USD, tokens and model calls spent on `repeats`: all but what was useful, in order of time.

    Counted are the repeats, and the model calls of the given agents that led to them: those that asked for them
    by id and, for each repeat that none asked for by id, the last one before it.
    """
    spent = {span.span_id: span for span in repeats}
    by_call = trajectory.once("asked by id", _by_call)
    unasked = []
    for span in list(spent.values()):
        asked = by_call.get(span.tool_call_id) if span.tool_call_id else None
        if asked is not None:
            spent[asked.span_id] = asked
        elif span.type != "llm":
            unasked.append(span)
    if unasked:
        models = [span for span in trajectory.once("model calls", _models) if span.agent in agents]
        place = 0
        for span in sorted(unasked, key=lambda s: s.start_ns):
            while place < len(models) and models[place].start_ns < span.start_ns:
                place += 1
            if place:
                spent[models[place - 1].span_id] = models[place - 1]
    all_spent = list(spent.values())
    cost = sum(span.cost_usd or 0.0 for span in all_spent)
    return cost, sum(span.tokens for span in all_spent), sum(span.type == "llm" for span in all_spent)


def together(parts: Iterable[tuple[str, float]]) -> float:
    """What findings wasted together (USD), no dollar twice. `parts`: of each finding its kind of money, and its USD.

    Findings of one kind add up: they are of different runs, or different agents, users… Those of different kinds look
    at the same dollars from different sides, so the kind that accounts for most of them stands for all.
    """
    sums: dict[str, float] = defaultdict(float)
    for kind, usd in parts:
        sums[kind] += usd
    return max(sums.values(), default=0.0)


def kind_of_money(key: str, trace_id: str) -> str:
    """By what a finding looks at money: '' of a run, else `agent`, `model`, `user`…, which its key begins with."""
    return "" if trace_id else key.partition(":")[0]


def _by_call(trajectory: Trajectory) -> dict[str, TraceSpan]:
    return {request.id: span for span in trajectory.spans for request in span.requested if request.id}


def _models(trajectory: Trajectory) -> list[TraceSpan]:
    return trajectory.of_type("llm")
