"""How a model call's prompt differs from another's, ready to be shown. Pure.

What did not change is counted; what changed is shown line by line with the words marked, within a budget.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.conversation_view import ROLE_WORDS
from dashboard.message_text import message_text
from dashboard.visible_text import visible
from tracestore.analysis.prompt_changes import PromptChanges, prompt_changes
from tracestore.analysis.text_changes import Line, TextChanges, text_changes
from tracestore.spans.messages import Conversation, Message

#: Changed, added or removed messages shown at most; more are counted.
SHOWN = 60
#: Lines of one difference shown at most.
LINE_LIMIT = 400
#: Characters of a message that was added or removed.
WHOLE_LIMIT = 4_000
LINE_CHARACTERS = 4_000


@dataclass(slots=True)
class DiffView:
    """`hidden` counts lines that are not shown; `is_cut`: the texts are longer than what was compared."""

    lines: list[Line]
    removed: int = 0
    added: int = 0
    hidden: int = 0
    is_cut: bool = False

    @property
    def is_same(self) -> bool:
        return not (self.removed or self.added)


@dataclass(slots=True)
class ChangeView:
    """One message, or `count` unchanged ones. `numbers` are its places in the prompts, as words."""

    kind: str
    word: str = ""
    role: str = ""
    numbers: str = ""
    is_answer: bool = False
    diff: DiffView | None = None
    length: int = 0
    count: int = 1


@dataclass(slots=True)
class PromptChangesView:
    entries: list[ChangeView] = field(default_factory=list)
    tools: list[tuple[str, str]] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    hidden: int = 0
    is_same: bool = False
    instructions_changed: bool = False


def diff_view(changes: TextChanges) -> DiffView:
    shown = [cut(line) for line in changes.lines[:LINE_LIMIT]]
    hidden = sum(line.count for line in changes.lines[LINE_LIMIT:])
    return DiffView(shown, changes.removed, changes.added, hidden, changes.is_cut)


def cut(line: Line) -> Line:
    """A line of bearable length: of a long one its beginning and end of each piece, so that marks stay in sight."""
    if sum(len(text) for text, _ in line.pieces) <= LINE_CHARACTERS:
        return line
    most = max(LINE_CHARACTERS // max(len(line.pieces), 1), 80)
    pieces = []
    for text, differs in line.pieces[: LINE_CHARACTERS // 40]:
        if len(text) > most:
            half = most // 2
            text = f"{text[:half]} […{len(text) - 2 * half:,} characters…] {text[-half:]}"
        pieces.append((text, differs))
    left = len(line.pieces) - len(pieces)
    if left > 0:
        pieces.append((f" […{left:,} more pieces…]", False))
    return Line(line.kind, pieces, line.count)


def prompt_changes_view(before: Conversation, now: Conversation) -> PromptChangesView:
    changes = prompt_changes(before, now)
    made = PromptChangesView(is_same=changes.is_same, counts=counts(changes))
    shown = 0
    for change in changes.messages:
        if change.kind == "same":
            if made.entries and made.entries[-1].kind == "same":
                made.entries[-1].count += 1
            else:
                made.entries.append(ChangeView("same"))
            continue
        old = before.input[change.before] if change.before >= 0 else None
        new = now.input[change.after] if change.after >= 0 else None
        made.instructions_changed |= change.kind != "added" and (old or new or Message("user", [])).role == "system"
        shown += 1
        if shown > SHOWN:
            made.hidden += 1
            continue
        made.entries.append(change_view(change.kind, old, new, change.before, change.after, change.is_answer))
    made.tools = [(change.kind, visible(change.name, limit=200)) for change in changes.tools[:100]]
    return made


def change_view(
    kind: str, old: Message | None, new: Message | None, before: int, after: int, is_answer: bool
) -> ChangeView:
    if old is not None and new is not None:
        made = ChangeView(kind, role_word(new), new.role)
        made.numbers = f"{before + 1} → {after + 1}" if before != after else f"{after + 1}"
        made.diff = diff_view(text_changes(message_text(old), message_text(new)))
        return made
    message = new or old or Message("user", [])
    text = message_text(message)
    lines = [
        Line("added" if new is not None else "removed", [(line, False)]) for line in text[:WHOLE_LIMIT].split("\n")
    ]
    made = ChangeView(kind, role_word(message), message.role, f"{max(before, after) + 1}", is_answer)
    made.length, made.diff = len(text), DiffView(lines, is_cut=len(text) > WHOLE_LIMIT)
    return made


def role_word(message: Message) -> str:
    return ROLE_WORDS.get(message.role, visible(message.role, limit=30))


def counts(changes: PromptChanges) -> list[str]:
    """`2 messages added`, `system prompt changed` and so on, as words."""
    found = []
    for kind in ("added", "removed", "changed"):
        number = changes.count(kind)
        if number:
            found.append(f"{number:,} message{'' if number == 1 else 's'} {kind}")
    if changes.tools:
        found.append(
            f"{len(changes.tools):,} tool{' on offer differs' if len(changes.tools) == 1 else 's on offer differ'}"
        )
    return found
