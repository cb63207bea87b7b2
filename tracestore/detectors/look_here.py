"""Where to look first in a run that failed: a hint with its reason, never an alarm.

The decisive mistake is most often the step that first goes beyond what was given, and what comes after works with
it. In this order: figures that nobody and no tool has named before, or an assumption with such a figure; the first
code that failed when it was run; the first code; the first thing done. Of runs in which people marked the decisive
mistake the hint names the exact step nearly twice as often as "the step before the first error" does
(docs/detectors.md, with what failed).

Beside it `carried` ranks tool calls by how many of the instruction's words they leave out: a weak sign that
a call does something else than it was told to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum, log
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.hidden_errors import hidden_error

#: So many figures that are new make a statement of facts; one may be a number of a list.
_NEW_FIGURES: Final = 2
_FIGURE: Final = re.compile(r"\d(?:[\d.,]*\d)?")
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
#: What says that a figure is not known.
_HEDGE: Final = re.compile(
    r"\b(?:assum\w+|hypothetical\w*|placeholders?|simulat\w+|mock|dummy|(?:sample|example) data|manually|"
    r"approximat\w+|estimat\w+|likely|probably|typically|(?:general|my) knowledge|"
    r"for (?:the sake of|demonstration|illustrat\w+))\b",
    re.IGNORECASE,
)
#: Arguments of tools that run code.
_CODE_ARGUMENT: Final = re.compile(r'"(?:code|script|source|python|program)":\s*"[^"]*\\n')


@dataclass(frozen=True, slots=True)
class Hint:
    """The step to open first, and in a sentence why."""

    span_id: str
    reason: str


def hint(trajectory: Trajectory) -> Hint | None:
    """Where the mistake of a failed run probably is; None for a run without a step."""
    taken = steps(trajectory)
    if not taken:
        return None
    return _broken_off(taken) or _first_commitment(taken, trajectory) or _first_action(taken)


def steps(trajectory: Trajectory) -> list[TraceSpan]:
    """Model and tool calls, and agents of which nothing else is seen."""
    parents = {span.parent_span_id for span in trajectory.spans}
    return [
        span
        for span in trajectory.spans
        if span.type in ("llm", "tool") or (span.type == "agent" and span.span_id not in parents)
    ]


def _broken_off(taken: Sequence[TraceSpan]) -> Hint | None:
    """The model call that failed last, when no other came after it."""
    last = next((span for span in reversed(taken) if span.type == "llm"), None)
    if last is None or not last.failed:
        return None
    return Hint(last.span_id, "The run broke off here: its last model call failed.")


def _first_commitment(taken: Sequence[TraceSpan], trajectory: Trajectory) -> Hint | None:
    known = _figures(*(text for span in trajectory.spans[:1] for text in (span.input, span.instructions)))
    failed: Hint | None = None
    code: Hint | None = None
    for place, span in enumerate(taken):
        following = taken[place + 1] if place + 1 < len(taken) else None
        # What a framework puts into an agent's mouth first is the task, told again.
        opening = place == 0 and not span.input
        if span.type == "llm":
            known |= _figures(span.input, span.instructions)
            if _has_code(span):
                run = following is not None and following.type == "tool"
                if code is None and (run or not opening):
                    code = Hint(span.span_id, "Here the run first commits itself: the first code that it writes.")
                if failed is None and following is not None and _fails(following):
                    failed = Hint(span.span_id, "Here is the first code that failed when it was run.")
            elif not opening:
                claim = _claim(span, known)
                if claim is not None:
                    return claim
        known |= _figures(span.input, span.output)
    return failed or code


def _claim(span: TraceSpan, known: set[str]) -> Hint | None:
    """Facts with figures that were not there before."""
    new = _figures(_FENCED.sub(" ", span.output)) - known
    if len(new) >= _NEW_FIGURES:
        return Hint(span.span_id, f"Here figures are stated that nothing before contains: {_some(new)}.")
    if new and _HEDGE.search(span.output):
        return Hint(span.span_id, f"Here something is assumed, with a figure from nowhere: {_some(new)}.")
    return None


def _fails(span: TraceSpan) -> bool:
    return span.type == "tool" and (span.failed or bool(hidden_error(span.output)))


def _first_action(taken: Sequence[TraceSpan]) -> Hint:
    tool = next((span for span in taken if span.type == "tool"), None)
    if tool is not None:
        return Hint(tool.span_id, "The first thing that the run does; nothing points at a later step.")
    return Hint(taken[min(1, len(taken) - 1)].span_id, "The first answer; nothing points at a later step.")


def before_first_error(trajectory: Trajectory) -> str:
    """The plain rule that the hint is measured against: the step before the first failed one, else the first."""
    taken = steps(trajectory)
    for place, span in enumerate(taken):
        if _fails(span):
            return taken[max(place - 1, 0)].span_id
    return taken[0].span_id if taken else ""


def _has_code(span: TraceSpan) -> bool:
    return "```" in span.output or any(_CODE_ARGUMENT.search(call.arguments) for call in span.requested)


def _figures(*texts: str) -> set[str]:
    return {figure for text in texts for figure in _FIGURE.findall(text)}


def _some(figures: Iterable[str]) -> str:
    first = sorted(figures, key=lambda figure: (-len(figure), figure))
    return ", ".join(first[:3]) + (", …" if len(first) > 3 else "")


@dataclass(frozen=True, slots=True)
class Carried:
    """A tool call and the share (0 to 1, rare words counting more) of its instruction's words that it leaves out."""

    span_id: str
    left_out: float
    missing: tuple[str, ...]


#: A shorter message is no instruction ("next speaker: …").
_SHORTEST: Final = 4
_WORD: Final = re.compile(r"\w{3,}")


def carried(trajectory: Trajectory) -> list[Carried]:
    """For each tool call with an instruction, how little of it the arguments carry.

    `sum idf(words of the instruction not in the arguments) / sum idf(words of the instruction)`, with idf
    over the run's messages. The instruction is the newest message that another agent said, else the newest
    that the acting agent was sent.
    """
    told = list(_messages(trajectory))
    seen = Counter(word for _, _, words in told for word in words)
    found = []
    for place, span in enumerate(trajectory.spans):
        if span.type != "tool" or not span.input:
            continue
        words = _instruction(told, place, span.agent)
        weights = {word: log((1 + len(told)) / (0.5 + seen[word])) for word in words}
        total = fsum(weights.values())
        if total > 0:
            missing = words - _words(span.input)
            left_out = fsum(weights[word] for word in missing) / total
            rarest = sorted(missing, key=lambda word: (-weights[word], word))[:8]
            found.append(Carried(span.span_id, left_out, tuple(rarest)))
    return found


def _messages(trajectory: Trajectory) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Place, the agent that said it ('' when it was sent to the agent), words."""
    results = {span.output for span in trajectory.of_type("tool", "retrieval")}
    for place, span in enumerate(trajectory.spans):
        if span.type != "llm":
            continue
        if span.input and span.input not in results:
            yield place, "", _words(span.input)
        if span.output:
            yield place, span.agent, _words(span.output)


def _instruction(told: list[tuple[int, str, frozenset[str]]], place: int, agent: str) -> frozenset[str]:
    before = [one for one in told if one[0] < place and one[1] != agent and len(one[2]) >= _SHORTEST]
    return before[-1][2] if before else frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
