"""Measuring chDB in a process of its own: it allows one store a process, and its CPU and memory are then the engine's."""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Keeps ClickHouse from merging by itself, so that OPTIMIZE finds every part free and rewrites each row once.
NO_MERGES = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"


def merge(ask: Callable[[str], str], table: str) -> None:
    """Merges each partition into one part. Raises AssertionError when parts are left over."""
    ask(f"OPTIMIZE TABLE bench.{table} FINAL SETTINGS optimize_throw_if_noop = 1")
    left = ask(
        f"SELECT count() - uniq(partition) FROM system.parts WHERE active AND database = 'bench' AND table = '{table}'"
    )
    assert left.strip() == "0", f"{table}: {left.strip()} parts more than partitions after merging"


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def most_memory() -> int:
    """Bytes resident at most since this process began; `ru_maxrss` would begin with what its parent had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def milliseconds(call: Callable[[], object], times: int = 7) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def apart(target: Callable[..., None], *arguments: Any) -> dict[str, Any]:
    """What `target(*arguments, queue)` puts on the queue, run in a process of its own: chDB allows one store a process."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=target, args=(*arguments, answer), daemon=True)
    process.start()
    try:
        while process.is_alive() and answer.empty():
            process.join(0.2)
        found: dict[str, Any] = answer.get(timeout=5)
    finally:
        process.join(20)
        if process.is_alive():
            process.kill()
    return found
