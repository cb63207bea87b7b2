"""Agents that pass the conversation to each other and do nothing else.

Pure. An *activation* is a stretch of spans of one agent. Agents that take turns are the normal case (a supervisor
and its workers); it is a loop when the same order of agents comes three times back to back and, in the last two,
nobody called a tool in a new way or said anything new. Where the content was not captured nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.actions import Action

#: Most agents in a circle.
_PERIOD: Final = 4


@dataclass(slots=True)
class Activation:
    """What one agent did before another took over. `new`: it did something new; `known`: that can be told."""

    agent: str
    spans: list[TraceSpan] = field(default_factory=list)
    new: bool = False
    known: bool = False


def circles(trajectory: Trajectory, done: Sequence[Action], novelty: float) -> list[list[Activation]]:
    """The stretches of activations that go round with nothing new, each as long as it lasts."""
    if not _may_circle(trajectory):
        return []
    return _circles(_activations(trajectory, {action.span.span_id: action for action in done if action.tool}, novelty))


def _may_circle(trajectory: Trajectory) -> bool:
    """Whether some order of agents comes three times at all: most runs need not be read for what they say."""
    agents: list[str] = []
    for span in trajectory.spans:
        if span.type in ("llm", "tool") and span.agent and (not agents or agents[-1] != span.agent):
            agents.append(span.agent)
    return any(
        agents[start : start + period] * 3 == agents[start : start + 3 * period]
        for period in range(2, _PERIOD + 1)
        for start in range(len(agents) - 3 * period + 1)
    )


def _activations(trajectory: Trajectory, calls: dict[str, Action], novelty: float) -> list[Activation]:
    found: list[Activation] = []
    keys: set[int] = set()
    said: set[str] = set()
    for span in trajectory.spans:
        if span.type not in ("llm", "tool") or not span.agent:
            continue
        if not found or found[-1].agent != span.agent:
            found.append(Activation(span.agent))
        now = found[-1]
        now.spans.append(span)
        if (call := calls.get(span.span_id)) is not None:
            now.known = True
            now.new = now.new or call.key is None or call.key not in keys
            keys.update(() if call.key is None else (call.key,))
        if span.type == "llm":
            now.known = now.known or bool(span.output or span.requested)
            words = canonical.words(canonical.unnoised(span.output))
            now.new = now.new or (bool(words) and len(words - said) > novelty * len(words))
            if len(said) < 20_000:
                said |= words
    return found


def _circles(activations: list[Activation]) -> list[list[Activation]]:
    """Seen when the third round's last agent begins: what it does is not known by then."""
    found: list[list[Activation]] = []
    first, end = 0, 0
    for place in range(len(activations)):
        for period in range(2, _PERIOD + 1):
            start = place - 3 * period + 1
            if start < 0:
                break
            agents = [activation.agent for activation in activations[start : place + 1]]
            judged = activations[start + period : place]
            if agents[:period] * 3 != agents or any(a.new or not a.known for a in judged):
                continue
            if found and start <= end:
                found[-1] = activations[first : place + 1]
            else:
                first = start
                found.append(activations[start : place + 1])
            end = place
            break
    return found
