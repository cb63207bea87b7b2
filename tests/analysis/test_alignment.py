"""The longest common subsequence, against the textbook's table."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.alignment import common, gaps

letters = st.lists(st.sampled_from("abcd"), max_size=14)


def length_by_table(a: list[str], b: list[str]) -> int:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(letters, letters)
def test_it_is_common_rising_and_the_longest(a: list[str], b: list[str]) -> None:
    pairs = common(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(one[0] < other[0] and one[1] < other[1] for one, other in pairwise(pairs))
    assert len(pairs) == length_by_table(a, b)


@given(letters, letters)
def test_pairs_and_gaps_are_everything(a: list[str], b: list[str]) -> None:
    pairs = common(a, b)
    between = gaps(pairs, len(a), len(b))
    assert sorted([i for i, _ in pairs] + [i for left, _ in between for i in left]) == list(range(len(a)))
    assert sorted([j for _, j in pairs] + [j for _, right in between for j in right]) == list(range(len(b)))
