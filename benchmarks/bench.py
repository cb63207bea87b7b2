"""`make bench`: the whole product on this machine, measured from outside. Prints a Markdown table.

    python -m benchmarks.bench                 all of it, about two minutes
    python -m benchmarks.bench --seconds 10    shorter load phases, for a quick look

Starts Tracestore as a user does (`manage.py up`, free ports, temporary directory), loads it over
OTLP/gRPC from four sender processes on the same machine, and asks it over HTTP. CPU is that of all
Tracestore processes together, without the senders'. Traffic stays on loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil

from benchmarks.load import METHOD, Result, run
from benchmarks.otlp_requests import SHAPES, Template, build
from benchmarks.processes import Usage
from tests.e2e.stack import API_KEY, Stack

GIB = 1 << 30


def row(what: str, value: str, at_least: str, aim: str) -> None:
    print(f"| {what} | {value} | {at_least} | {aim} |", flush=True)


def by_process(stack: Stack) -> dict[str, float]:
    """CPU seconds so far of engine, ingest, worker and web."""
    return {
        name: sum(process.cpu_times().user + process.cpu_times().system for process in processes)
        for name, processes in stack.children().items()
    }


def load(
    stack: Stack, usage: Usage, shape: str, seconds: float, senders: int
) -> tuple[Result, float, dict[str, float]]:
    """A load phase: its result, and CPU seconds per 1,000 spans in all and by process (settling included)."""
    before, parts = usage.cpu(), by_process(stack)
    result = run(stack.otlp_grpc, shape, seconds, senders)
    stack.wait_settled(120)
    scale = 1000 / result.acknowledged
    after = by_process(stack)
    return result, (usage.cpu() - before) * scale, {name: (after[name] - parts[name]) * scale for name in parts}


def fetch(stack: Stack, path: str) -> bytes:
    request = urllib.request.Request(stack.web + path, headers={"authorization": f"Bearer {API_KEY}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        body: bytes = response.read()
        return body


def milliseconds(call: Callable[[], object], times: int = 21) -> tuple[float, float]:
    """Median and 95th percentile."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    return statistics.median(taken), taken[int(len(taken) * 0.95)]


def multiply(stack: Stack, wanted: int) -> int:
    """Copies what is stored, with new ids and over the last day, until `wanted` spans are there."""
    admin = stack.admin
    stored = int(admin("SELECT count() FROM spans")[0][0])
    copies = wanted // stored
    step = 86_400 * 10**9 // max(1, copies)
    for number in range(1, copies + 1):
        head = f"{number:06x}"
        shift = f"fromUnixTimestamp64Nano(toUnixTimestamp64Nano(start_time) - {number * step}, 'UTC') AS start_time"
        ids = f"concat('{head}', substring(trace_id, 7)) AS trace_id"
        span_ids = f"concat('{head}', substring(span_id, 7)) AS span_id"
        parent = f"if(parent_span_id = '', '', concat('{head}', substring(parent_span_id, 7))) AS parent_span_id"
        for table, replaced in (
            ("stored_spans", f"{ids}, {span_ids}, {parent}, {shift}"),
            ("stored_payloads", f"{ids}, {span_ids}, {shift}"),
            (
                "stored_traces",
                f"{ids}, {shift}, fromUnixTimestamp64Nano(toUnixTimestamp64Nano(end_time) - {number * step}, 'UTC') AS end_time",
            ),
        ):
            # Only what was really sent is copied: copies begin with their number. (`t.`: not the new names.)
            admin(
                f"INSERT INTO {table} SELECT * REPLACE ({replaced}) FROM {table} AS t"
                " WHERE NOT match(t.trace_id, '^0000[0-9a-f]{2}')"
            )
    return int(admin("SELECT count() FROM spans")[0][0])


def freshness(stack: Stack, times: int = 30) -> tuple[float, float]:
    """From the moment of sending one span until the API shows its trace, in ms."""
    template = Template(build(SHAPES["small"], 99))
    with grpc.insecure_channel(stack.otlp_grpc) as channel:
        export = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)

        def once() -> None:
            body = template.renew(int.from_bytes(os.urandom(7), "big"))
            trace = bytes(template.body[template.traces[0] : template.traces[0] + 16]).hex()
            export(body, timeout=30)
            while True:
                with contextlib.suppress(urllib.error.HTTPError):
                    fetch(stack, f"/api/v1/traces/{trace}/?limit=1")
                    return

        return milliseconds(once, times)


def machine() -> str:
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / GIB
    return f"{cores} cores, {memory:.0f} GiB of memory"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=25, help="length of each load phase")
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--spans", type=int, default=1_000_000, help="spans stored when the questions are asked")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder, Stack(Path(folder)) as stack:
        assert stack.process is not None
        usage = Usage(stack.process.pid)
        time.sleep(8)
        idle = usage.memory()
        usage.watch()
        print(f"Machine: {machine()}; everything, the {options.senders} senders too, on it.\n")
        print("| what | measured | at least | aim |\n|---|---|---|---|")
        fresh = freshness(stack)
        row(
            "span sent → visible in the API, idle, p50 / p95",
            f"{fresh[0]:.0f} / {fresh[1]:.0f} ms",
            "150 / 500 ms",
            "80 / 300 ms",
        )
        stack.wait_settled()
        run(stack.otlp_grpc, "realistic", 4, options.senders)  # warm
        stack.wait_settled(60)
        before = stored_bytes(stack), spans(stack)
        realistic, cpu, parts = load(stack, usage, "realistic", options.seconds, options.senders)
        stack.admin("OPTIMIZE TABLE stored_spans FINAL")
        stack.admin("OPTIMIZE TABLE stored_payloads FINAL")
        per_span = (stored_bytes(stack) - before[0]) / max(1, spans(stack) - before[1])
        row(
            f"realistic spans/s ({realistic.bytes_per_span:,.0f} B, 19 attributes), acknowledged and queryable",
            f"{realistic.rate:,.0f}",
            "15,000",
            "25,000",
        )
        row("its CPU-s per 1,000 spans, all processes", f"{cpu:.3f}", "0.06", "0.03")
        split = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in parts.items())
        row("of that in ms, by process", split, "", "")
        row("its export latency p50 / p95", f"{realistic.p50_ms:.0f} / {realistic.p95_ms:.0f} ms", "", "")
        row("its bytes on disk per span, all indexes", f"{per_span:,.0f}", "900", "500")
        small, cpu, _ = load(stack, usage, "small", options.seconds, options.senders)
        row(f"small spans/s ({small.bytes_per_span:,.0f} B)", f"{small.rate:,.0f}", "40,000", "100,000")
        row("its CPU-s per 1,000 spans", f"{cpu:.3f}", "", "")
        usage.stop()
        most = usage.most  # of the load; the copying below is not something the product does
        total = multiply(stack, options.spans)
        stack.wait_settled(120)
        some = stack.admin("SELECT trace_id FROM stored_traces ORDER BY cityHash64(trace_id) LIMIT 30")
        ids = [found[0] for found in some]
        (agent,) = stack.admin("SELECT agent FROM stored_traces WHERE agent != '' LIMIT 1")[0]
        questions = {
            "trace list, latest 100": ("/api/v1/traces/?limit=100", "50 ms", "20 ms"),
            "trace list, latest 100, by agent and last 24 h": (
                f"/api/v1/traces/?limit=100&agent={agent}&since=24h",
                "50 ms",
                "20 ms",
            ),
        }
        label = f"at {total / 1e6:.1f} M spans"
        for what, (path, least, aim) in questions.items():
            median, high = milliseconds(lambda path=path: fetch(stack, path))
            row(f"{what}, {label}, p50 / p95", f"{median:.0f} / {high:.0f} ms", least, aim)
        turn = iter(ids * 2)
        median, high = milliseconds(lambda: fetch(stack, f"/api/v1/traces/{next(turn)}/"))
        row(f"trace of 16 spans by id, {label}, p50 / p95", f"{median:.0f} / {high:.0f} ms", "60 ms", "25 ms")
        median, high = milliseconds(
            lambda: stack.sql(
                "SELECT start_time, trace_id, status_message FROM spans WHERE project = 'default' AND tool_name = 'search_kb'"
                " AND status = 'error' AND start_time > now() - INTERVAL 1 DAY ORDER BY start_time DESC LIMIT 50"
            )
        )
        row(f"errors of one tool in 24 h (SQL), {label}, p50 / p95", f"{median:.0f} / {high:.0f} ms", "25 ms", "15 ms")
        median, high = milliseconds(lambda: fetch(stack, "/api/v1/traces/?limit=100&q=refund77&since=24h"), 5)
        row(f"a word in prompts and answers, {label}, p50", f"{median:.0f} ms", "50 ms", "10 ms")
        # Another one each time: the engine remembers where a condition holds nowhere.
        absent = (f"zzyzx{number}" for number in itertools.count())
        median, _ = milliseconds(lambda: fetch(stack, f"/api/v1/traces/?limit=100&q={next(absent)}&since=24h"), 5)
        row(f"a word that none of them has, {label}, p50", f"{median:.0f} ms", "50 ms", "10 ms")
        row(
            "memory of all processes (PSS), idle / most",
            f"{idle / GIB:.2f} / {most / GIB:.2f} GiB",
            "1.2 / 2.0 GiB",
            "0.6 / 1.2 GiB",
        )


def spans(stack: Stack) -> int:
    return int(stack.admin("SELECT count() FROM spans")[0][0])


def stored_bytes(stack: Stack) -> int:
    found = stack.admin("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'tracestore'")
    return int(found[0][0])


if __name__ == "__main__":
    main()
