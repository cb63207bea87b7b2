"""What changed between two texts: lines taken away and put in, with the words that differ marked.

Pure. Both the lines and the words that are compared are bounded, so that no pair of texts takes more than a moment;
what was not looked at is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tracestore.analysis.alignment import common, gaps

Kind = Literal["same", "removed", "added", "skipped"]

#: Characters of a text compared at most.
TEXT_LIMIT = 1_000_000
#: Lines of a text compared at most.
LINE_LIMIT = 15_000
#: Cells of all tables of words of one pair of texts together; later lines are marked whole.
WORD_CELLS = 40_000_000
#: Unchanged lines shown beside a change.
CONTEXT = 3

WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(slots=True)
class Line:
    """`pieces` are (text, whether it differs). A `skipped` line stands for `count` unchanged ones."""

    kind: Kind
    pieces: list[tuple[str, bool]] = field(default_factory=list)
    count: int = 1


@dataclass(slots=True)
class TextChanges:
    """`is_cut`: the texts are longer than what was compared."""

    lines: list[Line]
    removed: int = 0
    added: int = 0
    is_cut: bool = False

    @property
    def is_same(self) -> bool:
        return not (self.removed or self.added)


def text_changes(before: str, after: str, context: int = CONTEXT) -> TextChanges:
    """The lines that differ with `context` unchanged ones around them."""
    old, new = before[:TEXT_LIMIT].split("\n")[:LINE_LIMIT], after[:TEXT_LIMIT].split("\n")[:LINE_LIMIT]
    is_cut = len("\n".join(old)) < len(before) or len("\n".join(new)) < len(after)
    # A text that is not there has no lines, not an empty one.
    old, new = old if before else [], new if after else []
    pairs = common(old, new)
    made = TextChanges([], is_cut=is_cut)
    budget = WORD_CELLS
    between = {(left.stop, right.stop): (left, right) for left, right in gaps(pairs, len(old), len(new))}
    for i, j in [*pairs, (len(old), len(new))]:
        if (i, j) in between:
            left, right = between[i, j]
            lines, budget = replaced(old[left.start : left.stop], new[right.start : right.stop], budget)
            made.lines += lines
            made.removed += len(left)
            made.added += len(right)
        if i < len(old):
            made.lines.append(Line("same", [(old[i], False)]))
    made.lines = around_changes(made.lines, context)
    return made


def replaced(old: Sequence[str], new: Sequence[str], budget: int) -> tuple[list[Line], int]:
    """Lines in place of others: paired in order, the words that differ marked. Also what is left of the budget."""
    removed, added = [], []
    for place in range(max(len(old), len(new))):
        if place >= len(new):
            removed.append(Line("removed", [(old[place], False)]))
        elif place >= len(old):
            added.append(Line("added", [(new[place], False)]))
        else:
            left, right, budget = words(old[place], new[place], budget)
            removed.append(Line("removed", left))
            added.append(Line("added", right))
    return removed + added, budget


def words(old: str, new: str, budget: int) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]], int]:
    """Two lines in pieces that are the same and pieces that differ."""
    left, right = WORD.findall(old), WORD.findall(new)
    if len(left) * len(right) > budget:
        return [(old, False)], [(new, False)], budget
    pairs = common(left, right)
    said = sum(not left[i].isspace() for i, _ in pairs)
    # Lines that share hardly a word are two lines, not one that was changed: marks would only be noise.
    if said * 4 < min(sum(not w.isspace() for w in left), sum(not w.isspace() for w in right)):
        return [(old, False)], [(new, False)], budget - len(left) * len(right)
    return (
        marked(left, {i for i, _ in pairs}),
        marked(right, {j for _, j in pairs}),
        budget - len(left) * len(right),
    )


def marked(tokens: Sequence[str], same: set[int]) -> list[tuple[str, bool]]:
    """Neighbouring words of one kind put together."""
    pieces: list[tuple[str, bool]] = []
    for place, token in enumerate(tokens):
        differs = place not in same
        if pieces and pieces[-1][1] == differs:
            pieces[-1] = (pieces[-1][0] + token, differs)
        else:
            pieces.append((token, differs))
    return pieces


def around_changes(lines: Sequence[Line], context: int) -> list[Line]:
    """Long runs of unchanged lines become one that counts them."""
    shown: list[Line] = []
    run: list[Line] = []
    for line in [*lines, None]:
        if line is not None and line.kind == "same":
            run.append(line)
            continue
        head = context if shown else 0
        tail = context if line is not None else 0
        hidden = len(run) - head - tail
        if hidden > 1:
            shown += [*run[:head], Line("skipped", count=hidden), *run[len(run) - tail :]]
        else:
            shown += run
        run = []
        if line is not None:
            shown.append(line)
    return shown
