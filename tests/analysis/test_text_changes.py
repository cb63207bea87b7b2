"""What changed between two texts: nothing is lost, nothing hidden, and no text takes for ever."""

from __future__ import annotations

import time

from hypothesis import assume, given
from hypothesis import strategies as st

from tracestore.analysis.text_changes import Line, text_changes

texts = st.text(alphabet="ab \n", max_size=60)


def said(lines: list[Line], *kinds: str) -> str:
    return "\n".join("".join(text for text, _ in line.pieces) for line in lines if line.kind in kinds)


@given(texts, texts)
def test_both_texts_can_be_read_from_the_lines(before: str, after: str) -> None:
    assume(before != after)
    lines = text_changes(before, after, context=1_000).lines
    assert said(lines, "same", "removed") == before
    assert said(lines, "same", "added") == after


@given(texts)
def test_the_same_text_has_no_change(text: str) -> None:
    assert text_changes(text, text).is_same


def test_the_words_that_differ_are_marked() -> None:
    changes = text_changes("Be brief and kind.\nNever guess.", "Be brief and polite.\nNever guess.")
    removed, added, same = changes.lines
    assert removed == Line("removed", [("Be brief and ", False), ("kind", True), (".", False)])
    assert added == Line("added", [("Be brief and ", False), ("polite", True), (".", False)])
    assert same.kind == "same"
    assert (changes.removed, changes.added) == (1, 1)


def test_lines_that_share_nothing_are_not_marked_word_by_word() -> None:
    removed, added = text_changes("alpha beta gamma delta", "one two three four").lines
    assert [differs for _, differs in removed.pieces + added.pieces] == [False, False]


def test_far_unchanged_lines_are_counted() -> None:
    lines = [str(n) for n in range(100)]
    changes = text_changes("\n".join(lines), "\n".join([*lines[:50], "new", *lines[50:]]))
    assert [line.kind for line in changes.lines] == ["skipped"] + ["same"] * 3 + ["added"] + ["same"] * 3 + ["skipped"]
    assert [line.count for line in changes.lines if line.kind == "skipped"] == [47, 47]


def test_megabytes_are_bounded_and_said_to_be_cut() -> None:
    began = time.process_time()
    changes = text_changes("a b " * 500_000, "b a c " * 500_000)
    assert changes.is_cut
    many = text_changes("\n".join(f"x {n}" for n in range(40_000)), "\n".join(f"y {n}" for n in range(40_000)))
    assert many.is_cut
    assert time.process_time() - began < 20  # a hang, not a slow machine
