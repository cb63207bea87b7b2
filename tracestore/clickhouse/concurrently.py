"""Asks several questions of the store at the same time, for answers that need more than one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

#: Enough for a few requests at once; beyond that they queue, and the store would be the limit anyway.
_THREADS: Final = ThreadPoolExecutor(8, thread_name_prefix="questions")


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """The answers of two independent questions, asked at once. If both fail, the first one's error."""
    other = _THREADS.submit(second)
    try:
        mine = first()
    except BaseException:
        other.cancel()
        raise
    return mine, other.result()
