"""What the brake costs an agent: python -m benchmarks.client

Starts a Tracestore of its own and asks it for verdicts one after the other, as `tracestore.client` does it: by a request
each time, with the last answer used again, and with nobody at the address.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.stack import API_KEY, Stack
from tests.ports import free_port
from tracestore.client import Brake

TRACE = "0af7651916cd43dd8448eb211c80319c"


def measured(ask: Callable[[], object], number: int) -> str:
    """p50 and p95 in milliseconds."""
    ask()
    took = []
    for _ in range(number):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    return f"p50 {took[number // 2]:8.3f} ms   p95 {took[int(number * 0.95)]:8.3f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=2000, help="questions (%(default)s)")
    number = parser.parse_args().number
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tracestore-benchmark-") as work, Stack(Path(work) / "data") as stack:
        asked = Brake(stack.web, API_KEY, timeout=5, min_interval=0)
        print("asked                    ", measured(lambda: asked.check(trace_id=TRACE), number), flush=True)
        kept = Brake(stack.web, API_KEY, timeout=5, min_interval=3600)
        print("answer used again        ", measured(lambda: kept.check(trace_id=TRACE), 20 * number), flush=True)
        away = Brake(f"http://127.0.0.1:{free_port()}", API_KEY)
        for _ in range(3):
            away.check(trace_id=TRACE)
        print("away, not asked          ", measured(lambda: away.check(trace_id=TRACE), 20 * number), flush=True)


if __name__ == "__main__":
    main()
