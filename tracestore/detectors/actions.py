"""What an agent did, as the detectors of repetition compare it: calls of tools, and messages without any.

Pure. A tool call that the framework reports twice (a call of an MCP tool inside a tool's span, a retrieval inside
a tool) is one action. A call that only the model's request shows, since the tools are not instrumented, is an
action on the model's span. Two actions are `together` when one answer of the model asked for both, or they ran
at the same time: to ask at once is one decision, not a repetition.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.canonical import Arguments
from tracestore.detectors.hidden_errors import hidden_error

T = TypeVar("T")

_HAND_OFF: Final = re.compile(
    r"(?:transfer|hand_?off|hand_over|delegate|route|escalate|switch)(?:_(?:back_)?to)?(?:_|$)", re.IGNORECASE
)
#: Words that a message must have to count when what was asked is not known.
_TELLING: Final = 5


class _worked_out(Generic[T]):  # noqa: N801 (used as a decorator)
    """A property that is worked out when first asked for. As `functools.cached_property`, without its lock."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__

    def __get__(self, instance: Any, owner: type) -> T:
        found = instance.__dict__[self._name] = self._work(instance)
        return found


@dataclass(eq=False)
class Action:
    """One tool call, or one message of a model that asked for no tool.

    `key` is equal for equal actions of one agent, None when nothing is known of what was asked. `turn` counts the
    user's turns of a session. `given` and `raw` are the arguments and the result as they came, '' of a message. What
    a result says is worked out only when a rule asks for it: nearly all calls are repeated by no other, and nothing of
    theirs needs to be compared. What follows from the span alone is kept with it (`facts`), since its run is looked
    at again while it grows.
    """

    place: int
    span: TraceSpan
    agent: str
    tool: str
    key: int | None
    given: str
    raw: str
    asked_by: str
    turn: int
    said: int | None = None

    @_worked_out
    def arguments(self) -> Arguments | None:
        return canonical.arguments(self.given[: canonical.READ]) if self.given else None

    @_worked_out
    def result(self) -> int | None:
        """The result without its noise, as 64 bits; None when it is not known. Of a message, what it says."""
        return self._of_raw("result", canonical.masked) if self.tool else self.said

    @_worked_out
    def told(self) -> frozenset[str]:
        """The result's words that are not in the arguments."""
        if not self.raw:
            return frozenset()
        words = canonical.words(canonical.unnoised(self.raw))
        return words - self.arguments.words if self.arguments else words

    @_worked_out
    def failed(self) -> bool:
        if not self.tool:
            return False
        return (self.span.type != "llm" and self.span.failed) or self._of_raw("failed", _says_failure)

    @_worked_out
    def waiting(self) -> bool:
        return self._of_raw("waiting", canonical.waiting)

    def _of_raw(self, name: str, work: Callable[[str], T]) -> T:
        if self.raw is not self.span.output:
            return work(self.raw)  # what another span was sent
        return _fact(self.span, name, work, self.raw)


def _fact(span: TraceSpan, name: str, work: Callable[[str], T], text: str) -> T:
    """What follows from a text of a span, worked out once for all looks at its run."""
    facts = span.facts
    if name not in facts:
        facts[name] = work(text)
    found: T = facts[name]
    return found


def _says_failure(result: str) -> bool:
    return bool(hidden_error(result))


def actions(trajectory: Trajectory) -> list[Action]:
    """All actions in order of their start. Hand-overs between agents that carry no task are left out."""
    return trajectory.once("actions", _actions)


def _actions(trajectory: Trajectory) -> list[Action]:
    spans = trajectory.spans
    asked_by = {request.id: span.span_id for span in spans for request in span.requested if request.id}
    tools = {span.tool_call_id for span in spans if span.type == "tool" and span.tool_call_id}
    # A retrieval is a call too; some instrumentations give it neither the id of the call nor a tool name.
    named = {span.tool_name or span.name for span in spans if span.type in ("tool", "retrieval")}
    agents = {_folded(name) for name in {span.agent for span in spans} if name}
    handing = _Handing(agents)
    results: dict[str, str] | None = None
    turns = _turns(spans)
    answers = {
        span.span_id: _fact(span, "answer", _digest, span.output)
        for span in spans
        if span.type == "llm" and span.output and not span.requested and not span.failed
    }
    given = Counter(answers.values())
    found: list[Action] = []
    for span in spans:
        if span.type in ("tool", "retrieval"):
            if not _inside(span, trajectory):
                name = span.tool_name or span.name
                if not handing.over(name, span.input):
                    found.append(_call(len(found), span, name, span.input, span.output, asked_by, turns))
        elif span.type == "llm":
            for request in span.requested:
                if request.id in tools or request.name in named or handing.over(request.name, request.arguments):
                    continue
                if results is None:
                    results = _results(spans)
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
    key = None
    if given:
        # A model's span may ask for several calls; a tool's span is one.
        own = span.type != "llm"
        key = _fact(span, "key", lambda text: _key(tool, text), given) if own else _key(tool, given)
    call = Action(
        place, span, span.agent, tool, key, given, result, asked_by.get(call_id or span.tool_call_id, ""),
        turns[span.trace_id],
    )  # fmt: skip
    if key is None and call.result is not None and len(call.told) >= canonical.INFORMATIVE:
        call.key = canonical.digest(f"{tool}\x1f?{call.result}")
    return call


def _key(tool: str, given: str) -> int:
    return canonical.digest(f"{tool}\x1f{canonical.arguments(given[: canonical.READ]).exact}")


def _digest(text: str) -> int:
    """What a text says, as 64 bits, whatever its case and white space; 0 when it says nothing."""
    said = canonical.collapsed(text[: canonical.READ])
    return canonical.digest(said) if said else 0


def _message(place: int, span: TraceSpan, said: int, again: bool, turns: Mapping[str, int]) -> Action:
    """The same answer to the same question; a label given to many inputs is no repetition.

    `said` is the answer as 64 bits, and `again` whether it was given more than once; else its question is not read.
    """
    key: int | None = said
    if again:
        asked = _fact(span, "asked", canonical.masked, span.input)
        telling = asked is not None or len(span.output.split(maxsplit=_TELLING)) >= _TELLING
        key = canonical.digest(f"{said}\x1f{asked}") if telling else None
    return Action(place, span, span.agent, "", key, "", "", "", turns[span.trace_id], said)


class _Handing:
    """Which calls of a run only pass the conversation on: named so, or named like an agent, and without a task."""

    def __init__(self, agents: Iterable[str]) -> None:
        self._agents = [agent for agent in agents if agent]
        self._tools: dict[str, tuple[bool, bool]] = {}

    def over(self, tool: str, given: str) -> bool:
        known = self._tools.get(tool)
        if known is None:
            folded, named = _folded(tool), _HAND_OFF.match(tool) is not None
            known = self._tools[tool] = named, named or any(agent in folded for agent in self._agents)
        named, candidate = known
        return candidate and (given.strip() in ("", "{}", "null", "[]") or (named and len(given) < 60))


def together(one: Action, other: Action) -> bool:
    if one.asked_by and one.asked_by == other.asked_by:
        return True
    return one.span.trace_id == other.span.trace_id and other.span.start_ns < one.span.end_ns


@lru_cache(maxsize=1024)
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
    """The user's turn that each trace belongs to: another trace that begins with other words begins one."""
    opened: dict[str, int] = {}
    for span in spans:
        if span.type in ("agent", "llm") and not opened.get(span.trace_id):
            opened[span.trace_id] = _fact(span, "opening", _digest, span.input) if span.input else 0
    numbers: dict[str, int] = {}
    turn = last = 0
    for trace_id in dict.fromkeys(span.trace_id for span in spans):
        words = opened.get(trace_id, 0)
        if words and last and words != last:
            turn += 1
        last = words or last
        numbers[trace_id] = turn
    return numbers
