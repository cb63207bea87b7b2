"""How long the look-ups of a data directory take, and the CPU of the web and engine processes for each.

    python -m benchmarks.lookups --data FOLDER                    fills it at first, uses it again afterwards
    python -m benchmarks.lookups --data FOLDER --spans 3000000    fills it further

Run it in turn from two trees, each on its copy of one folder, to compare them. Ingest and the worker rest while
questions are asked, so that the engine's CPU is the questions' alone. All figures but p95 are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import urllib.parse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bench import fetch, multiply, spans
from benchmarks.load import run
from tests.e2e.stack import Stack

ERRORS = (
    "SELECT start_time, trace_id, status_message FROM spans WHERE project = 'default' AND tool_name = 'search_kb'"
    " AND status = 'error' AND start_time > now() - INTERVAL 1 DAY ORDER BY start_time DESC LIMIT 50"
)


def fill(stack: Stack, wanted: int) -> None:
    """As `benchmarks.bench` fills it: real load of both shapes, copied until there are so many spans."""
    if spans(stack) < wanted * 0.8:
        if not spans(stack):
            run(stack.otlp_grpc, "realistic", 12, 4)
            stack.wait_settled(120)
            run(stack.otlp_grpc, "small", 8, 4)
            stack.wait_settled(120)
        multiply(stack, wanted)
    stack.wait_settled(120)


def questions(stack: Stack) -> dict[str, Callable[[], object]]:
    """What is asked, by name. Of both, the 200 traces by id are the same in each run."""
    found = stack.admin(
        "SELECT trace_id FROM stored_traces WHERE project = 'default' AND span_count = 16 AND status != 'error'"
        " ORDER BY cityHash64(trace_id) LIMIT 200"
    )
    failed = stack.admin(
        "SELECT trace_id FROM stored_traces WHERE project = 'default' AND span_count = 16 AND status = 'error'"
        " ORDER BY cityHash64(trace_id) LIMIT 200"
    )
    (agent,) = stack.admin("SELECT agent FROM stored_traces WHERE agent != '' LIMIT 1")[0]
    asked: dict[str, Callable[[], object]] = {
        "trace list, latest 100": lambda: fetch(stack, "/api/v1/traces/?limit=100"),
        "trace list, latest 100, by agent and 24 h": lambda: fetch(
            stack, f"/api/v1/traces/?limit=100&agent={urllib.parse.quote(agent)}&since=24h"
        ),
        "errors of one tool in 24 h (SQL)": lambda: stack.sql(ERRORS),
        "SELECT 1 (SQL)": lambda: stack.sql("SELECT 1"),
        "projects (API, no store)": lambda: fetch(stack, "/api/v1/projects/"),
    }
    for name, ids in (("trace of 16 spans by id", found), ("trace of 16 spans by id, failed", failed)):
        turn = iter([one[0] for one in ids] * 100)
        if ids:
            asked[name] = lambda turn=turn: fetch(stack, f"/api/v1/traces/{next(turn)}/")
    return asked


def clocks(stack: Stack, name: str) -> list[int]:
    """The CPU clocks of the processes of that name (clock_getcpuclockid), which are exact where ticks are not."""
    return [(~process.pid << 3) | 2 for process in stack.children()[name]]


def milliseconds(of: list[int]) -> float:
    return sum(time.clock_gettime_ns(clock) for clock in of) / 1e6


def sample(question: Callable[[], object], web: list[int], engine: list[int]) -> tuple[float, float, float]:
    """Milliseconds until the answer, and of the CPU of web and engine."""
    before = time.perf_counter(), milliseconds(web), milliseconds(engine)
    question()
    after = time.perf_counter(), milliseconds(web), milliseconds(engine)
    return (after[0] - before[0]) * 1000, after[1] - before[1], after[2] - before[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data directory of its own, kept")
    parser.add_argument("--spans", type=int, default=500_000, help="stored at least about so many")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--json", type=Path, help="adds a line of figures to this file")
    options = parser.parse_args()
    with Stack(options.data) as stack:
        fill(stack, options.spans)
        asked = questions(stack)
        time.sleep(5)
        print(
            f"{spans(stack):,} spans\n\n| what | p50 ms | p95 ms | web CPU ms | engine CPU ms |\n|---|---|---|---|---|"
        )
        figures = {}
        web, engine = clocks(stack, "web"), clocks(stack, "engine")
        with ExitStack() as resting:
            for process in (*stack.children()["worker"], *stack.children()["ingest"]):
                process.suspend()
                resting.callback(process.resume)
            for name, question in asked.items():
                for _ in range(5):
                    question()
                samples = [sample(question, web, engine) for _ in range(options.times)]
                taken, of_web, of_engine = (sorted(column) for column in zip(*samples, strict=True))
                figures[name] = (
                    statistics.median(taken),
                    taken[int(len(taken) * 0.95)],
                    statistics.median(of_web),
                    statistics.median(of_engine),
                )
                print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures[name]) + " |", flush=True)
    if options.json:
        with options.json.open("a") as file:
            file.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
