"""The rules by which repetition is told from progress. Each reads actions in order and fires on the newest.

Pure. `Rules` is fed action by action (causal: what it says of an action depends on earlier ones only) and answers
with `Firing`s. State is kept per agent, cycles are looked for over all agents too; memory is bounded by the
window. A repeat counts only when it brought nothing new: the same result (noise masked), or hardly a word that
no earlier result of the run had. Failed calls are no loop, they are `retry_storm`'s.

1. *again*: the same call three times running, each with the same result or none known; five times when the
   results differ but tell nothing new.
2. *cycle*: the last p actions (p = 2 to 8) three times back to back; within one agent, or over agents. When the
   third round begins it is suspected.
3. *often*: the same call in four of the agent's last twelve.
4. *nearly*: near-identical calls of one tool (`canonical.near`), three when only spelling or light words differ,
   else four, in its last twelve, and most of its calls since the first of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tracestore.detectors import canonical
from tracestore.detectors.actions import Action, together

CONFIRMED: Final = 2
SUSPECTED: Final = 1

#: Words of results that are remembered in a run.
_REMEMBERED: Final = 20_000
#: Longest period of a cycle, and how often it must come.
_PERIOD: Final = 8


class Limits(NamedTuple):
    """The thresholds, as in `loop.Settings`."""

    again: int = 3
    often: int = 4
    nearly: int = 4
    window: int = 12
    novelty: float = 0.15
    polling: int = 10


class Firing(NamedTuple):
    """A rule that holds at the newest action. `members` are the looping actions, `period` the cycle's length."""

    rule: str
    level: int
    members: tuple[Action, ...]
    period: int = 1


@dataclass(slots=True)
class _Agent:
    """What is remembered of one agent: its last actions, of each tool too, and the run of equal calls that goes on.

    `keys` are those of `recent`: a rule looks there first, since most calls are repeated by no other.
    """

    recent: deque[Action]
    keys: deque[int | None]
    running: list[Action] = field(default_factory=list)
    messages: list[Action] = field(default_factory=list)
    by_tool: dict[str, deque[Action]] = field(default_factory=dict)
    waited: bool = False


class Rules:
    """Feed it the actions of a run in order."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._novelty: dict[int, float | None] = {}
        self._unread: list[Action] = []
        self._seen: set[str] = set()
        self._agents: dict[str, _Agent] = {}
        self._all: deque[Action] = deque(maxlen=3 * _PERIOD)
        self._all_keys: deque[tuple[str, int | None]] = deque(maxlen=3 * _PERIOD)
        self._turn = 0

    def waited(self, agent: str) -> None:
        """The agent called something that only waits."""
        self._agent(agent).waited = True

    def feed(self, action: Action) -> list[Firing]:
        if action.turn != self._turn:
            # The user said something else: asking again is an answer to that.
            self._turn = action.turn
            self._agents.clear()
            self._all.clear()
            self._all_keys.clear()
        self._unread.append(action)
        agent = self._agent(action.agent)
        if action.key is None:
            return []
        if action.key in agent.keys:
            twin = next(a for a in reversed(agent.recent) if a.key == action.key)
            if together(twin, action):
                return []
        if not action.tool:
            return self._said(agent, action)
        agent.messages.clear()
        agent.recent.append(action)
        agent.keys.append(action.key)
        self._append(action)
        return [
            *self._again(agent, action),
            *self._cycle(agent.recent, agent.keys),
            *self._cycle(self._all, self._all_keys),
            *self._often(agent, action),
            *self._nearly(agent, action),
        ]

    def _append(self, action: Action) -> None:
        self._all.append(action)
        self._all_keys.append((action.agent, action.key))

    def _agent(self, name: str) -> _Agent:
        if name not in self._agents:
            most = max(3 * _PERIOD, 2 * self.limits.window)
            self._agents[name] = _Agent(deque(maxlen=most), deque(maxlen=most))
        return self._agents[name]

    @property
    def novelty(self) -> dict[int, float | None]:
        """By an action's place, the share of its result's words that no earlier result had; None when not known."""
        for action in self._unread:
            self._novelty[action.place] = self._learn(action)
        self._unread.clear()
        return self._novelty

    def _learn(self, action: Action) -> float | None:
        """The share of a result's words that no earlier result had; None when it is not known."""
        if action.result is None or not action.tool:
            return None
        new = action.told - self._seen
        if len(self._seen) < _REMEMBERED:
            self._seen |= new
        return len(new) / len(action.told) if action.told else 0.0

    def _learnt(self, repeats: Iterable[Action]) -> float | None:
        """The mean novelty of repeats; None when none is known."""
        novelty = self.novelty
        known = [share for action in repeats if (share := novelty.get(action.place)) is not None]
        return sum(known) / len(known) if known else None

    def _nothing_new(self, repeats: Iterable[Action]) -> bool:
        mean = self._learnt(repeats)
        return mean is None or mean <= self.limits.novelty

    def _said(self, agent: _Agent, action: Action) -> list[Firing]:
        """The same answer to the same input, with no tool called between."""
        other = self._all_keys and self._all_keys[-1] != (action.agent, action.key)
        if other or (agent.messages and agent.messages[-1].key != action.key):
            agent.messages.clear()
        agent.messages.append(action)
        self._append(action)
        if len(agent.messages) >= self.limits.again:
            return [Firing("answer", CONFIRMED, tuple(agent.messages))]
        return self._cycle(self._all, self._all_keys)

    def _again(self, agent: _Agent, action: Action) -> list[Firing]:
        running = agent.running
        if running and running[-1].key != action.key:
            running.clear()
            if agent.waited and not action.failed:
                agent.waited = False
        running.append(action)
        if len(running) < self.limits.again:
            return []
        # Only now it matters which of them failed.
        running[:] = [a for a in running if not a.failed]
        if action.failed:
            return []
        needed = self.limits.polling if agent.waited or action.waiting else self.limits.again
        if len(running) < needed:
            return []
        if len(running) > self.limits.window:
            del running[1 : -self.limits.window]
        same = sum(a.result is None or a.result == action.result for a in running)
        if same >= needed or (len(running) >= needed + 2 and self._nothing_new(running[1:])):
            return [Firing("again", CONFIRMED, tuple(running))]
        return []

    def _cycle(self, actions: deque[Action], keyed: deque[Any]) -> list[Firing]:
        """A cycle that the newest of `actions` goes on with; `keyed` are their keys."""
        newest = keyed[-1]
        if keyed.count(newest) == 1:
            return []
        keys = list(keyed)
        for period in range(2, _PERIOD + 1):
            begun = 2 * period + 1
            if begun > len(keys):
                return []
            if newest != keys[-1 - period] or keys[-begun:-period] != keys[-begun + period :]:
                continue
            length = 3 * period if keys[-3 * period : -period] == keys[-2 * period :] else begun
            if len(set(keys[-period:])) < 2:
                continue
            members = list(actions)[-length:]
            if 2 * sum(a.failed for a in members) > length:
                continue
            if any(a.waiting for a in members) or not self._same_again(members, period):
                continue
            if length == 3 * period:
                return [Firing("cycle", CONFIRMED, tuple(members), period)]
            if all(a.tool for a in members):
                return [Firing("cycle", SUSPECTED, tuple(members), period)]
        return []

    def _same_again(self, members: list[Action], period: int) -> bool:
        pairs = list(zip(members, members[period:], strict=False))
        same = sum(late.result is None or late.result == early.result for early, late in pairs)
        return same == len(pairs) or (
            all(a.tool for a in members)
            and self._learnt(members[period:]) is not None
            and self._nothing_new(members[period:])
        )

    def _often(self, agent: _Agent, action: Action) -> list[Firing]:
        if agent.keys.count(action.key) < self.limits.often:
            return []
        window = list(agent.recent)[-self.limits.window :]
        same = [a for a in window if a.key == action.key]
        if len(same) < self.limits.often or agent.waited or action.failed or action.waiting:
            return []
        same = [a for a in same if not a.failed]
        if len(same) < self.limits.often:
            return []
        return [Firing("often", SUSPECTED, tuple(same))] if self._nothing_new(same[1:]) else []

    def _nearly(self, agent: _Agent, action: Action) -> list[Firing]:
        mine = agent.by_tool.setdefault(action.tool, deque(maxlen=self.limits.window))
        mine.append(action)
        asked = action.arguments
        if asked is None or agent.waited or len(mine) < self.limits.again:
            return []
        spelled: list[Action] = []
        alike: list[Action] = []
        for other in mine:
            theirs = other.arguments
            if theirs is not None and theirs.folded == asked.folded:
                found = spelled
            elif self._alike(other, action):
                found = alike
            else:
                continue
            if other is action or not together(other, action):
                found.append(other)
        if len(spelled) + len(alike) < self.limits.again or action.failed or action.waiting:
            return []
        spelled, alike = ([a for a in found if not a.failed] for found in (spelled, alike))
        near = sorted([*spelled, *alike], key=lambda a: a.place)
        exact = all(a.key == action.key for a in near)
        if exact or len(near) < (self.limits.again if len(spelled) >= self.limits.again else self.limits.nearly):
            return []
        since = [a for a in agent.recent if a.place >= near[0].place]
        if len(near) < 0.6 * len(since) or not self._nothing_new(near[1:]):
            return []
        return [Firing("nearly", SUSPECTED, tuple(near))]

    def _alike(self, one: Action, other: Action) -> bool:
        """Near-identical arguments; or any, when both told the very same at length (a page that never turns)."""
        if one.arguments is None or other.arguments is None:
            return False
        if one.key == other.key or canonical.near(one.arguments, other.arguments):
            return True
        if one.raw != other.raw or one.arguments.fields.keys() != other.arguments.fields.keys():
            return False
        return len(other.told) >= canonical.INFORMATIVE
