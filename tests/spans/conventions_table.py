"""The table in docs/conventions.md: what is exact for which framework, measured.

Run it to write the table anew: `python tests/spans/conventions_table.py`. A test compares.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

import corpus

DOCUMENT = corpus.ROOT / "docs" / "conventions.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

#: Column → the measures that must all be exact.
COLUMNS = {
    "type": ("llm_calls", "tool_names", "other_tools", "tokens_elsewhere"),
    "agent": ("agents", "agent_sequence", "without_agent"),
    "model": ("models",),
    "tokens": ("input_tokens", "output_tokens", "embedding_tokens"),
    "cached, reasoning": ("cached_tokens", "reasoning_tokens"),
    "cost": ("cost",),
    "arguments": ("arguments",),
    "results": ("results",),
    "messages": ("answers", "questions"),
    "session": ("session",),
    "user": ("user",),
    "errors": ("llm_errors", "tool_errors"),
}

#: Judged only where the application set one: some frameworks make up an id otherwise.
_WHERE_SET = ("session", "user")


def table() -> str:
    """The table and its notes as Markdown."""
    counted: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    captures: dict[str, int] = defaultdict(int)
    for capture in corpus.captures():
        judged = corpus.judge(capture)
        captures[judged.combo] += 1
        checks = {check.name: check for check in judged.checks}
        for column, measures in COLUMNS.items():
            found = [checks[name] for name in measures]
            if column in _WHERE_SET and not found[0].truth:
                continue
            numbers = counted[judged.combo][column]
            numbers[0] += all(check.exact for check in found)
            numbers[1] += 1
    lines = [
        f"| framework-instrumentation | captures | {' | '.join(COLUMNS)} |",
        f"|---|---{'|---' * len(COLUMNS)}|",
    ]
    for combo in sorted(captures):
        cells = [_cell(*counted[combo][column]) for column in COLUMNS]
        lines.append(f"| {combo} | {captures[combo]} | {' | '.join(cells)} |")
    notes = [
        f"- {', '.join(name.rstrip('-.') for name in combos)}: {' and '.join(measures)}: {why}."
        for combos, measures, why, _ in corpus.NOT_SENT
    ]
    return "\n".join([*lines, "", *notes, ""])


def _cell(exact: int, judged: int) -> str:
    if not judged:
        return "·"
    return "✓" if exact == judged else f"{exact}/{judged}"


def written() -> str:
    """The table as it stands in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
