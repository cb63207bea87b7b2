"""How much each turn of a model looks as if the agent goes in circles: a score from 0 to 1, from the past only.

Pure. A hint for "look here", not an alarm: it ranks turns within a run. The score is logistic in nine measures
of a turn (`Measures`); its weights were fitted once on turns that an orchestrator itself had judged, rounded, and
are not tuned further (docs/detectors.md has the cross-validated figures).
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.actions import Action, actions

#: Fewest words of a message that counts.
_WORDS: Final = 5
_WORD: Final = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
#: An agent that goes in circles looks for another way, asks for more care, and reports what did not work.
_ANOTHER: Final = re.compile(r"\b(?:instead|alternative\w*|different|another|other)\b", re.IGNORECASE)
_CARE: Final = re.compile(r"\b(?:specific\w*|thorough\w*|direct\w*|careful\w*)\b", re.IGNORECASE)
_FAILING: Final = re.compile(
    r"\b(?:unable|fail\w*|unsuccess\w*|issue\w*|error\w*|however|encounter\w*|difficult\w*|attempt\w*|multiple|stuck)\b",
    re.IGNORECASE,
)


class Measures(NamedTuple):
    """Of one turn: novelties are shares of words that the agent had not said before (1 at the start).

    `said3` and `said5`: of its last three and five messages in plain words; `now` and `now3`: of this message
    and the last three of its form (plain or JSON); `again`: how often the newest tool call is among the last
    eight calls; `distinct`: the share of different calls among them; then counts of words in this message.
    """

    said3: float
    said5: float
    now: float
    now3: float
    again: float
    distinct: float
    another: float
    care: float
    failing: float


#: Logistic regression with strong shrinkage, rounded.
WEIGHTS: Final = Measures(-1.5, -1.25, 0.5, -1.25, 0.25, -0.7, 0.33, 0.23, 0.15)
BIAS: Final = -0.13
#: From this score on a turn is called suspicious.
SUSPICIOUS: Final = 0.36


@dataclass(slots=True)
class _Agent:
    """What one agent has said so far, in plain words and in JSON."""

    words: dict[bool, set[str]] = field(default_factory=lambda: {False: set(), True: set()})
    novelties: dict[bool, deque[float]] = field(default_factory=lambda: {False: deque(maxlen=5), True: deque(maxlen=5)})


def suspicion(trajectory: Trajectory) -> dict[str, float]:
    """The score of every model call that said something, by span id."""
    return {span_id: _score(measured) for span_id, measured in measures(trajectory).items()}


def measures(trajectory: Trajectory) -> dict[str, Measures]:
    """What is measured of every model call that said something, by span id, in order."""
    calls: dict[str, Action] = {action.span.span_id: action for action in actions(trajectory) if action.tool}
    agents: dict[str, _Agent] = {}
    recent: deque[int | None] = deque(maxlen=8)
    found: dict[str, Measures] = {}
    for span in trajectory.spans:
        if (call := calls.get(span.span_id)) is not None:
            recent.append(call.key)
        if span.type == "llm" and span.output:
            agent = agents.setdefault(span.agent, _Agent())
            _say(agent, span)
            found[span.span_id] = _measure(agent, span, recent)
    return found


def _structured(text: str) -> bool:
    return 2 * (text.rfind("}") - text.find("{")) > len(text)


def _say(agent: _Agent, span: TraceSpan) -> None:
    text = span.output[: canonical.READ]
    words = set(_WORD.findall(text.lower())) - canonical.LIGHT
    if len(words) < _WORDS:
        return
    form = _structured(text)
    said = agent.words[form]
    agent.novelties[form].append(len(words - said) / len(words))
    if len(said) < 20_000:
        said |= words


def _measure(agent: _Agent, span: TraceSpan, recent: deque[int | None]) -> Measures:
    text = span.output[: canonical.READ]
    plain, form = list(agent.novelties[False]), list(agent.novelties[_structured(text)])
    return Measures(
        _mean(plain[-3:]), _mean(plain), form[-1] if form else 1.0, _mean(form[-3:]),
        float(recent.count(recent[-1])) if recent else 0.0, len(set(recent)) / len(recent) if recent else 1.0,
        float(min(5, len(_ANOTHER.findall(text)))), float(min(5, len(_CARE.findall(text)))),
        float(min(5, len(_FAILING.findall(text)))),
    )  # fmt: skip


def _mean(shares: list[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0


def _score(measured: Measures) -> float:
    weighed = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, measured, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, weighed))))
