"""Tracestore beside Arize Phoenix and MLflow on the same requests. Prints a Markdown table, writes JSON.

    python -m benchmarks.peers                                  all three, under fifteen minutes
    python -m benchmarks.peers --only mlflow --seconds 5        one of them, for a quick look

One after the other, each product is started on an empty folder on this machine, sent single spans (how
soon does its API show them?), then the realistic and the small load of `benchmarks/otlp_requests.py` from
four senders, and at last the realistic load once more with `kill -9` in the middle and a restart.
*Stored* is counted in the product's own database, over the time until it stopped growing; what was only
acknowledged does not count. The JSON is in build/peers/. Everything stays on loopback.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.bench import GIB, machine
from benchmarks.load import START_SECONDS, Refused, Result, exporter, run, template
from benchmarks.processes import Usage
from benchmarks.products import PEERS, PRODUCTS, Product, Unavailable

SINGLE_SPANS = 40
DRAIN_SECONDS = 150
STILL_SECONDS = 15


def freshness(product: Product) -> dict[str, float]:
    """Milliseconds from sending one span until the API shows its trace; RuntimeError after 30 s without."""
    single = template(product.target, "small", 99, spans=1)
    export = exporter(product.target)
    taken = []
    for number in range(SINGLE_SPANS + 3):  # the first three warm it up
        body = single.renew(time.time_ns() & (2**63 - 1))
        trace = trace_id(product, body)
        begun = time.perf_counter()
        export(body)
        while not product.visible(trace):
            if time.perf_counter() - begun > 30:
                raise RuntimeError(f"{product.name}: an acknowledged span was not visible after 30 s")
            time.sleep(0.004)
        if number >= 3:
            taken.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.05)
    taken.sort()
    return {"p50_ms": statistics.median(taken), "p95_ms": taken[int(len(taken) * 0.95)]}


def trace_id(product: Product, body: bytes) -> str:
    """Of the only span in a protobuf request: field 1, 16 bytes, before field 2, 8 bytes."""
    place = body.index(b"\x0a\x10")
    while body[place + 18 : place + 20] != b"\x12\x08":
        place = body.index(b"\x0a\x10", place + 1)
    return body[place + 2 : place + 18].hex()


def drained(product: Product, expected: float = math.inf) -> tuple[int, float]:
    """Spans stored once they are as many as `expected`, or no more come; and the (monotonic) time when they last grew.

    That time is 0 when they did not grow. No more come: nothing new for STILL_SECONDS, or DRAIN_SECONDS are over.
    """
    stored, grew, same_since, end = product.stored(), 0.0, time.monotonic(), time.monotonic() + DRAIN_SECONDS
    while stored < expected and time.monotonic() < end and time.monotonic() - same_since < STILL_SECONDS:
        time.sleep(0.25)
        now = product.stored()
        if now != stored:
            stored = now
            grew = same_since = time.monotonic()
    return stored, grew


def load(product: Product, usage: Usage, shape: str, seconds: float, senders: int) -> dict[str, float]:
    before, cpu, disk = product.stored(), usage.cpu(), product.disk()
    result = run(product.target, shape, seconds, senders)
    after, grew = drained(product, before + result.acknowledged)
    product.settle()
    stored = after - before
    return {
        "stored": stored,
        "stored_per_s": stored / (max(grew, result.ended) - result.begun),
        "drained": stored >= result.acknowledged,
        "acknowledged": result.acknowledged,
        "refused": result.refused,
        "bytes_per_span_sent": result.bytes_per_span,
        "cpu_s_per_1000": (usage.cpu() - cpu) * 1000 / max(1, stored),
        "bytes_per_span": (product.disk() - disk) / max(1, stored),
        "export_p50_ms": result.p50_ms,
        "export_p95_ms": result.p95_ms,
    }


def killed(product: Product, seconds: float, senders: int) -> dict[str, float]:
    """`kill -9` in the middle of a load, and a restart: what was acknowledged and is not there."""
    found: list[Result] = []
    begun = threading.Event()

    def send() -> None:
        found.append(run(product.target, "realistic", seconds, senders, begun.set))

    sending = threading.Thread(target=send)
    sending.start()
    if not begun.wait(START_SECONDS):
        raise RuntimeError("the senders of the kill -9 phase did not start")
    time.sleep(seconds / 2)
    product.kill()
    sending.join(seconds + 120)
    if not found:
        raise RuntimeError("the senders of the kill -9 phase gave no result")
    ended = time.monotonic()
    product.start()
    restarted = time.monotonic() - ended
    drained(product)
    there = product.by_request()
    lost = sum(max(0, spans - there.get(number, 0)) for number, spans in found[0].numbers.items())
    return {"acknowledged": found[0].acknowledged, "lost": lost, "restart_s": restarted}


def measure(product: Product, seconds: float, senders: int) -> dict[str, Any]:
    product.install()
    try:
        begun = time.monotonic()
        product.start()
        figures: dict[str, Any] = {"version": product.version, "protocol": product.target.protocol,
                                   "start_s": time.monotonic() - begun}  # fmt: skip
        usage = Usage(product.pid())
        time.sleep(8)
        figures["memory_idle"] = usage.memory()
        figures["freshness"] = freshness(product)
        there = product.stored()
        drained(product, there + run(product.target, "realistic", 2, senders).acknowledged)  # warm
        product.settle()
        figures["memory_most"] = 0
        for shape in ("realistic", "small"):
            usage.watch()
            figures[shape] = load(product, usage, shape, seconds, senders)
            usage.stop()
            figures["memory_most"] = max(figures["memory_most"], usage.most)
            if not figures[shape]["drained"]:
                product.stop()  # what it still has to store would be counted as the next load's
                shutil.rmtree(product.folder, ignore_errors=True)
                product.start()
            usage = Usage(product.pid())
        figures["kill"] = killed(product, seconds, senders)
        return figures
    finally:
        product.stop()


#: The rows of the table: what, and the cell from a product's figures.
ROWS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("protocol", lambda f: f["protocol"]),
    ("realistic spans/s, stored", lambda f: f"{f['realistic']['stored_per_s']:,.0f}"),
    ("its spans acknowledged / refused / stored", lambda f: spans(f["realistic"])),
    ("its CPU-s per 1,000 spans stored", lambda f: f"{f['realistic']['cpu_s_per_1000']:.3f}"),
    ("its export latency p50 / p95", lambda f: pair(f["realistic"]["export_p50_ms"], f["realistic"]["export_p95_ms"])),
    ("its bytes on disk per span", lambda f: f"{f['realistic']['bytes_per_span']:,.0f}"),
    ("small spans/s, stored", lambda f: f"{f['small']['stored_per_s']:,.0f}"),
    ("its spans acknowledged / refused / stored", lambda f: spans(f["small"])),
    ("its CPU-s per 1,000 spans stored", lambda f: f"{f['small']['cpu_s_per_1000']:.3f}"),
    ("span sent → visible in the API, idle, p50 / p95", lambda f: pair(f["freshness"]["p50_ms"], f["freshness"]["p95_ms"])),
    ("memory (PSS), idle / most", lambda f: f"{f['memory_idle'] / GIB:.2f} / {f['memory_most'] / GIB:.2f} GiB"),
    ("acknowledged spans lost by `kill -9`", lambda f: f"{f['kill']['lost']:,} of {f['kill']['acknowledged']:,}"),
    ("ready again after it", lambda f: f"{f['kill']['restart_s']:.1f} s"),
)  # fmt: skip


def spans(figures: dict[str, Any]) -> str:
    return " / ".join(f"{figures[name]:,}" for name in ("acknowledged", "refused", "stored"))


def pair(low: float, high: float) -> str:
    return f"{low:.0f} / {high:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="length of each load")
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--only", action="append", choices=sorted(PRODUCTS), help="may be given more than once")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    data = PEERS / "data"
    measured: dict[str, dict[str, Any]] = {}
    for key in options.only or PRODUCTS:
        folder = data / f"{key}-{time.time_ns()}"
        product = PRODUCTS[key](folder)
        try:
            measured[f"{product.name} {product.version}"] = measure(product, options.seconds, options.senders)
        except (Unavailable, Refused, RuntimeError) as error:
            print(f"{product.name} is left out: {error or type(error).__name__}", file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if not measured:
        sys.exit("Nothing was measured.")
    print(f"Machine: {machine()}; product and {options.senders} senders on it; loads of {options.seconds:.0f} s.\n")
    print("| what | " + " | ".join(measured) + " |\n|---" + "|---" * len(measured) + "|")
    for what, cell in ROWS:
        print(f"| {what} | " + " | ".join(cell(figures) for figures in measured.values()) + " |")
    written = Path(PEERS / f"figures-{time.strftime('%Y%m%d-%H%M%S')}.json")
    written.write_text(json.dumps({"machine": machine(), "seconds": options.seconds, "products": measured}, indent=1))
    print(f"\nFigures in full: {written.relative_to(PEERS.parents[1])}")


if __name__ == "__main__":
    main()
