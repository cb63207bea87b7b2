"""Runs pieces of work in threads: senders do not wait for each other either."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

THREADS = 8


def side_by_side(works: Iterable[Callable[[], object]]) -> None:
    """Returns when all are done; raises what the first of them raised, after the rest."""
    with ThreadPoolExecutor(THREADS) as pool:
        done = [pool.submit(work) for work in works]
    for one in done:
        one.result()
