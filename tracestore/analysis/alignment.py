"""The longest common subsequence of two sequences, in time and memory that are known beforehand.

Pure. Bit-parallel after Hyyrö (2004, "Bit-parallel LCS-length computation revisited"): a row of the table is one
integer, so that n·m cells cost n·m / 64 machine words. Nothing depends on how different the sequences are, which is
what `difflib` cannot promise: repetitive input makes it quadratic in Python and worse.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

#: Bits of the table at most (50 MB); whoever compares longer sequences cuts them first.
MOST_CELLS = 400_000_000


def common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Places (in `a`, in `b`) of a longest common subsequence, both rising.

    Raises:
        ValueError: what is left without the same beginning and end has more than `MOST_CELLS` cells.
    """
    first, last_a, last_b = 0, len(a), len(b)
    while first < last_a and first < last_b and a[first] == b[first]:
        first += 1
    while last_a > first and last_b > first and a[last_a - 1] == b[last_b - 1]:
        last_a -= 1
        last_b -= 1
    inner = [(first + i, first + j) for i, j in _common(a[first:last_a], b[first:last_b])]
    tail = range(len(a) - last_a)
    return [*((i, i) for i in range(first)), *inner, *((last_a + k, last_b + k) for k in tail)]


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    if len(a) * len(b) > MOST_CELLS:
        raise ValueError(f"{len(a):,} by {len(b):,} are too many to align: expected {MOST_CELLS:,} cells at most.")
    places: dict[Hashable, int] = {}
    for place, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << place
    whole = (1 << len(a)) - 1
    row = whole
    rows = []
    for item in b:
        met = row & places.get(item, 0)
        row = (row + met | row - met) & whole
        rows.append(row)
    found = []
    i, j = len(a), len(b)
    while i and j:
        if rows[j - 1] >> (i - 1) & 1:
            i -= 1
            continue
        j -= 1
        if j and not rows[j - 1] >> (i - 1) & 1:
            continue
        i -= 1
        found.append((i, j))
    return found[::-1]


def gaps(pairs: Sequence[tuple[int, int]], length_a: int, length_b: int) -> list[tuple[range, range]]:
    """What lies between the pairs: for each gap that holds anything, its places in both sequences."""
    found = []
    at_a = at_b = 0
    for i, j in [*pairs, (length_a, length_b)]:
        if i > at_a or j > at_b:
            found.append((range(at_a, i), range(at_b, j)))
        at_a, at_b = i + 1, j + 1
    return found
