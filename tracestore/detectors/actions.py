"""What an agent did, as the detectors of repetition compare it: calls of tools, and messages without any.

Pure. A tool call that the framework reports twice (a call of an MCP tool inside a tool's span, a retrieval inside
a tool) is one action. A call that only the model's request shows, since the tools are not instrumented, is an
action on the model's span. Two actions are `together` when one answer of the model asked for both, or they ran
at the same time: to ask at once is one decision, not a repetition.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.canonical import Arguments
from tracestore.detectors.hidden_errors import hidden_error

_HAND_OFF: Final = re.compile(
    r"(?:transfer|hand_?off|hand_over|delegate|route|escalate|switch)(?:_(?:back_)?to)?(?:_|$)", re.IGNORECASE
)
#: Words that a message must have to count when what was asked is not known.
_TELLING: Final = 5


@dataclass(eq=False)
class Action:
    """One tool call, or one message of a model that asked for no tool.

    `key` is equal for equal actions of one agent, None when nothing is known of what was asked. `turn` counts the
    user's turns of a session. `raw` is the result as it came, '' of a message. What a result says is worked out only
    when a rule asks for it: nearly all calls are repeated by no other, and nothing of theirs needs to be compared.
    """

    place: int
    span: TraceSpan
    agent: str
    tool: str
    key: int | None
    arguments: Arguments | None
    raw: str
    asked_by: str
    turn: int
    said: int | None = None

    @cached_property
    def result(self) -> int | None:
        """The result without its noise, as 64 bits; None when it is not known. Of a message, what it says."""
        return canonical.masked(self.raw) if self.tool else self.said

    @cached_property
    def told(self) -> frozenset[str]:
        """The result's words that are not in the arguments."""
        return canonical.words(canonical.unnoised(self.raw)) - _words(self.arguments) if self.raw else frozenset()

    @cached_property
    def failed(self) -> bool:
        return bool(self.tool) and ((self.span.type != "llm" and self.span.failed) or bool(hidden_error(self.raw)))

    @cached_property
    def waiting(self) -> bool:
        return canonical.waiting(self.raw)


def actions(trajectory: Trajectory) -> list[Action]:
    """All actions in order of their start. Hand-overs between agents that carry no task are left out."""
    spans = trajectory.spans
    asked_by = {request.id: span.span_id for span in spans for request in span.requested if request.id}
    tools = {span.tool_call_id for span in spans if span.type == "tool" and span.tool_call_id}
    # A retrieval is a call too; some instrumentations give it neither the id of the call nor a tool name.
    named = {span.tool_name or span.name for span in spans if span.type in ("tool", "retrieval")}
    agents = {_folded(span.agent) for span in spans if span.agent}
    results = _results(spans)
    turns = _turns(spans)
    answers = {
        span.span_id: canonical.digest(canonical.collapsed(span.output[: canonical.READ]))
        for span in spans
        if span.type == "llm" and span.output and not span.requested and not span.failed
    }
    given = Counter(answers.values())
    found: list[Action] = []
    for span in spans:
        if span.type in ("tool", "retrieval"):
            if not _inside(span, trajectory):
                name = span.tool_name or span.name
                if not hands_over(name, span.input, agents):
                    found.append(_call(len(found), span, name, span.input, span.output, asked_by, turns))
        elif span.type == "llm":
            for request in span.requested:
                if request.id in tools or request.name in named or hands_over(request.name, request.arguments, agents):
                    continue
                result = results.get(span.span_id, "") if len(span.requested) == 1 else ""
                by = {request.id: span.span_id}
                found.append(_call(len(found), span, request.name, request.arguments, result, by, turns, request.id))
            if (said := answers.get(span.span_id)) is not None:
                found.append(_message(len(found), span, said, given[said] > 1, turns))
    return found


def _call(
    place: int,
    span: TraceSpan,
    tool: str,
    given: str,
    result: str,
    asked_by: Mapping[str, str],
    turns: Mapping[str, int],
    call_id: str = "",
) -> Action:
    asked = canonical.arguments(given[: canonical.READ]) if given else None
    key = canonical.digest(f"{tool}\x1f{asked.exact}") if asked else None
    call = Action(
        place, span, span.agent, tool, key, asked, result, asked_by.get(call_id or span.tool_call_id, ""),
        turns[span.span_id],
    )  # fmt: skip
    if key is None and call.result is not None and len(call.told) >= canonical.INFORMATIVE:
        call.key = canonical.digest(f"{tool}\x1f?{call.result}")
    return call


def _words(asked: Arguments | None) -> frozenset[str]:
    return frozenset().union(*(words for _, words in asked.fields.values())) if asked else frozenset()


def _message(place: int, span: TraceSpan, said: int, again: bool, turns: Mapping[str, int]) -> Action:
    """The same answer to the same question; a label given to many inputs is no repetition.

    `said` is the answer as 64 bits, and `again` whether it was given more than once; else its question is not read.
    """
    key: int | None = said
    if again:
        asked = canonical.masked(span.input)
        telling = asked is not None or len(span.output.split(maxsplit=_TELLING)) >= _TELLING
        key = canonical.digest(f"{said}\x1f{asked}") if telling else None
    return Action(place, span, span.agent, "", key, None, "", "", turns[span.span_id], said)


def hands_over(tool: str, given: str, agents: Iterable[str]) -> bool:
    """Whether a call only passes the conversation on: named so, or named like an agent, and without a task."""
    folded = _folded(tool)
    if not (_HAND_OFF.match(tool) or any(agent and agent in folded for agent in agents)):
        return False
    return given.strip() in ("", "{}", "null", "[]") or (_HAND_OFF.match(tool) is not None and len(given) < 60)


def together(one: Action, other: Action) -> bool:
    if one.asked_by and one.asked_by == other.asked_by:
        return True
    return one.span.trace_id == other.span.trace_id and other.span.start_ns < one.span.end_ns


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _inside(span: TraceSpan, trajectory: Trajectory) -> bool:
    """Whether a span above it is the same call, or a tool whose retrieval it is, with no agent between."""
    above = trajectory.span(span.parent_span_id) if span.parent_span_id else None
    for _ in range(20):
        if above is None or above.type in ("agent", "llm"):
            return False
        if above.type == "tool":
            return span.type == "retrieval" or above.tool_name == span.tool_name
        above = trajectory.span(above.parent_span_id) if above.parent_span_id else None
    return False


def _results(spans: tuple[TraceSpan, ...]) -> dict[str, str]:
    """What the model was sent next, by the model call that asked for one tool."""
    found: dict[str, str] = {}
    waits: dict[tuple[str, str], str] = {}
    for span in spans:
        if span.type == "llm":
            before = waits.pop((span.trace_id, span.agent), "")
            if before:
                found[before] = span.input
            if len(span.requested) == 1:
                waits[span.trace_id, span.agent] = span.span_id
    return found


def _turns(spans: tuple[TraceSpan, ...]) -> dict[str, int]:
    """The user's turn that each span belongs to: another trace that begins with other words begins one."""
    opened: dict[str, str] = {}
    for span in spans:
        if span.type in ("agent", "llm") and not opened.get(span.trace_id):
            opened[span.trace_id] = canonical.collapsed(span.input[: canonical.READ])
    numbers: dict[str, int] = {}
    turn, last = 0, ""
    for span in spans:
        if span.trace_id not in numbers:
            words = opened.get(span.trace_id, "")
            if words and last and words != last:
                turn += 1
            last = words or last
            numbers[span.trace_id] = turn
    return {span.span_id: numbers[span.trace_id] for span in spans}
