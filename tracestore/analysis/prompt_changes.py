"""How the prompt of a model call differs from another: messages added, removed and changed, and tools on offer.

Pure. Messages are the same when they say the same in the same role (`conversation.fingerprint`). Between those, a
message that still shares words with one of its role that is gone is that message, changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tracestore.analysis.alignment import common, gaps
from tracestore.analysis.conversation import atoms, canonical, fingerprint, words
from tracestore.spans.messages import Conversation, Message, Tool

Kind = Literal["same", "added", "removed", "changed"]

#: Messages of one prompt compared at most: the first and the last of a longer one are not worth more.
MESSAGE_LIMIT = 10_000
#: Which part of their words two messages must share to be one that was changed.
SIMILAR = 0.25
#: Words of a message looked at for that, and messages of a gap.
WORDS_COMPARED = 2_000
PAIRS_COMPARED = 40


@dataclass(slots=True)
class MessageChange:
    """`before` and `after` are places in the two prompts, -1 for none.

    `is_answer`: what was added is what the call before had answered.
    """

    kind: Kind
    before: int = -1
    after: int = -1
    is_answer: bool = False


@dataclass(slots=True)
class ToolChange:
    kind: Kind
    name: str


@dataclass(slots=True)
class PromptChanges:
    """All messages of both prompts in reading order, each once, and the tools that differ."""

    messages: list[MessageChange]
    tools: list[ToolChange]

    def count(self, kind: Kind) -> int:
        return sum(change.kind == kind for change in self.messages)

    @property
    def is_same(self) -> bool:
        return not self.tools and all(change.kind == "same" for change in self.messages)


def prompt_changes(before: Conversation, now: Conversation) -> PromptChanges:
    """What the second call was told otherwise than the first."""
    old, new = before.input[:MESSAGE_LIMIT], now.input[:MESSAGE_LIMIT]
    pairs = common([fingerprint(message) for message in old], [fingerprint(message) for message in new])
    answered = {atom for message in before.output for atom in atoms(message)}
    made: list[MessageChange] = []
    between = {(left.stop, right.stop): (left, right) for left, right in gaps(pairs, len(old), len(new))}
    for i, j in [*pairs, (len(old), len(new))]:
        if (i, j) in between:
            made += gap(*between[i, j], old, new, answered)
        if i < len(old):
            made.append(MessageChange("same", i, j))
    return PromptChanges(made, tool_changes(before.tools, now.tools))


def gap(
    left: range, right: range, old: Sequence[Message], new: Sequence[Message], answered: set[bytes]
) -> list[MessageChange]:
    changed = paired(left, right, old, new)
    made: list[MessageChange] = []
    at = left.start
    for j in right:
        i = changed.get(j, -1)
        if i >= 0:
            made += [MessageChange("removed", k) for k in range(at, i)]
            made.append(MessageChange("changed", i, j))
            at = i + 1
            continue
        said = atoms(new[j])
        is_answer = new[j].role == "assistant" and bool(said) and answered.issuperset(said)
        made.append(MessageChange("added", after=j, is_answer=is_answer))
    return made + [MessageChange("removed", k) for k in range(at, left.stop)]


def paired(left: range, right: range, old: Sequence[Message], new: Sequence[Message]) -> dict[int, int]:
    """Which new message is which old one, changed; in order."""
    found: dict[int, int] = {}
    at = left.start
    known = {i: vocabulary(old[i]) for i in left[:PAIRS_COMPARED]}
    for j in right[:PAIRS_COMPARED]:
        own = vocabulary(new[j])
        for i in range(at, min(left.stop, left.start + PAIRS_COMPARED)):
            if old[i].role != new[j].role:
                continue
            # Instructions are one thing however much of them was rewritten.
            if new[j].role == "system" or len(known[i] & own) >= SIMILAR * len(known[i] | own) > 0:
                found[j], at = i, i + 1
                break
    return found


def vocabulary(message: Message) -> set[str]:
    return set(" ".join(words(part)[:20_000] for part in message.parts).split()[:WORDS_COMPARED])


def tool_changes(before: Sequence[Tool], now: Sequence[Tool]) -> list[ToolChange]:
    old = {tool["name"]: canonical([tool["description"], tool["parameters"]]) for tool in before}
    new = {tool["name"]: canonical([tool["description"], tool["parameters"]]) for tool in now}
    return [
        *(ToolChange("removed", name) for name in old if name not in new),
        *(ToolChange("added", name) for name in new if name not in old),
        *(ToolChange("changed", name) for name in new if name in old and new[name] != old[name]),
    ]
