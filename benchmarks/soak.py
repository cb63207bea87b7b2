"""A soak: half an hour at half of what the machine takes, with all jobs, pages and SQL in use.

    python -m benchmarks.soak                          30 minutes at half the rate of a short calibration
    python -m benchmarks.soak --minutes 2 --rate 1000  a try
    python -m benchmarks.soak --data-dir /tmp/soak     keeps the data and the logs there

Starts Tracestore as a user does (`manage.py up`, free ports, a directory of its own) and sends realistic spans at a steady
rate over gRPC, each request until it is acknowledged, as SDKs do. Meanwhile an engineer opens every page, the API and the
SQL port are asked, agents ask for verdicts, runs loop and are to be halted, a channel and a budget have work, and
backtests, a recalculation, an expiry and a backup are asked for. Every 10 s memory (PSS), lags, queues, the ledger, the
disk and errors in the logs are looked at, with a line each. At the end every acknowledged span is looked for in the store.

Exit code 0 when every check holds, 1 when one does not. The report (Markdown, and JSON with all samples) is written to build/soak/.
Traffic stays on loopback.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.chaos import Senders
from benchmarks.load import run
from benchmarks.processes import Usage
from benchmarks.soaking import judging
from benchmarks.soaking.asking import Readers
from benchmarks.soaking.chores import LOOPS, Chores, Receiver, in_json, set_up
from benchmarks.soaking.judging import MIB, Counted, Limits
from benchmarks.soaking.sampling import Sampler, counters, log_troubles, told
from tests.e2e.stack import ROOT, Stack
from tests.ports import free_port

#: How long what was left of the calibration may take.
REST_S: Final = 300.0
#: Detection that is less behind has caught up: with nothing to look at it moves once a minute.
CAUGHT_UP_S: Final = 15.0
#: How long the last requests may take to be acknowledged, and then the last traces to be settled.
END_S: Final = 180.0
#: Requests under way at a time at most.
SENDERS: Final = 6
#: Different requests that take turns, so that not every run is the same.
KINDS: Final = 12
#: Runs of a conversation.
TURNS: Final = 8


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def calibrate(stack: Stack, seconds: float) -> tuple[float, dict[int, int]]:
    """Spans/s that the machine takes with four senders at full speed; and what was acknowledged meanwhile."""
    say(f"calibration: {seconds:.0f} s at full speed")
    found = run(stack.otlp_grpc, "realistic", seconds, 4)
    say(f"calibration: {found.rate:,.0f} spans/s acknowledged, {found.refused} refused; waiting until all is settled")
    return found.rate, dict(found.numbers)


def rest(stack: Stack) -> None:
    """Waits until nothing is left to settle and detection has caught up. AssertionError when it never does."""
    stack.wait_settled(REST_S)
    end = time.monotonic() + REST_S
    while time.monotonic() < end:
        items = {
            item["id"]: item["figure"] for section in stack.api("status/")["sections"] for item in section["items"]
        }
        if (items.get("detection_lag") or 0) < CAUGHT_UP_S:
            return
        time.sleep(1)
    raise AssertionError("detection does not catch up after the calibration")


def compare(stack: Stack, expected: Mapping[int, int], loops: int) -> tuple[int, int]:
    """Spans missing and spans too many in the view `spans`, of requests by the head of their ids and of loops.

    Asked in sixteen parts, since the view reads all of a part. What cannot be read counts as missing.
    """
    stored: dict[str, int] = {}
    for digit in "0123456789abcdef":
        try:
            rows = stack.admin(
                "SELECT substring(trace_id, 1, 16) AS head, count() FROM spans"
                f" WHERE startsWith(trace_id, '{digit}') GROUP BY head"
            )
        except (OSError, AssertionError) as error:
            say(f"soak: the spans of {digit} cannot be counted: {error}")
            continue
        stored |= {str(head): int(count) for head, count in rows}
    mark = LOOPS.hex()
    looped = sum(count for head, count in stored.items() if head.startswith(mark))
    differences = [expected_ - stored.get(f"{number:016x}", 0) for number, expected_ in expected.items()]
    differences.append(loops - looped)
    return sum(max(one, 0) for one in differences), sum(max(-one, 0) for one in differences)


def soak(stack: Stack, options: argparse.Namespace, worker_metrics: int) -> dict[str, Any]:
    assert stack.process is not None
    rate, expected, rate_from = options.rate, {}, "as asked for"
    if rate is None:
        full, expected = calibrate(stack, options.calibrate)
        rate, rate_from = full / 2, f"half of the {full:,.0f} of a calibration of {options.calibrate:.0f} s"
    else:
        # Readers need something to open.
        expected = dict(run(stack.otlp_grpc, "realistic", 2, 1).numbers)
    rest(stack)
    receiver, usage = Receiver(), Usage(stack.process.pid)
    cpu = usage.cpu()
    seconds = options.minutes * 60
    readers = Readers(stack, options.page_every, options.sql_every, options.verdict_every)
    set_up(readers.post, receiver)
    senders = Senders(stack.otlp_grpc, rate, "realistic", workers=SENDERS, kinds=KINDS, turns=TURNS)
    sampler = Sampler(stack, senders, readers.answers)
    chores = Chores(stack, readers, seconds)
    say(f"soak: {options.minutes:g} minutes at {rate:,.0f} spans/s")
    due = time.monotonic()
    try:
        while due <= sampler.began + seconds:
            say(told(sampler.sample()))
            due += options.every
            time.sleep(max(0.0, min(due, sampler.began + seconds + 0.1) - time.monotonic()))
    except KeyboardInterrupt:
        say("interrupted: what was seen so far is judged")
    ran = time.monotonic() - sampler.began
    chores.stop()
    readers.stop()
    say("soak: no more is sent; waiting until everything is delivered and settled")
    unfinished = []
    began = time.monotonic()
    for wait in (lambda: senders.finish(END_S), lambda: stack.wait_settled(END_S), lambda: stack.assert_balanced(30)):
        try:
            wait()
        except (TimeoutError, AssertionError) as error:
            # What is missing fails its check below; a report that says so is worth more than this error.
            unfinished.append(str(error).partition("\n")[0])
    drained = time.monotonic() - began
    cpu = usage.cpu() - cpu
    jobs = counters(f"http://127.0.0.1:{worker_metrics}/metrics", "tracestore_job_runs_total")
    troubles = log_troubles(stack.data_dir / "logs")
    say("soak: comparing what was acknowledged with what is stored")
    expected |= dict.fromkeys(senders.numbers, senders.template.count)
    missing, doubled = compare(stack, expected, chores.loops_sent)
    report, samples = senders.report, sampler.samples
    failed = {name: int(number) for name, number in jobs.items() if 'outcome="failed"' in name and number}
    counted = Counted(
        sent=report.spans_sent, acknowledged=report.answers["OK"] * senders.template.count,
        given_up_requests=report.given_up, ledger=stack.ledger(), missing=missing, doubled=doubled,
        log_errors=sum(troubles.values()), restarts=sampler.restarts, jobs_failed=sum(failed.values()),
    )  # fmt: skip
    answers = readers.answers.summary()
    limits = Limits(options.memory_slope, options.lag)
    minutes_, tries = ran / 60, sum(report.answers.values())
    lasting = [one["detection"] for one in samples if one.get("detection") is not None]
    return {
        "minutes": minutes_, "rate": rate, "rate_from": rate_from, "machine": machine(),
        "figures": {
            "spans sent, acknowledged": f"{counted.sent:,}, {counted.acknowledged:,}",
            "attempts that were not acknowledged at first": f"{tries - report.answers['OK']} of {tries:,}",
            "CPU of all processes": f"{cpu / ran * 100:.0f} % of a core, {cpu * 1e6 / max(counted.acknowledged, 1):.0f} ms per 1,000 spans, readers and jobs included",
            "memory (PSS), median of the second half": f"{statistics.median(value for _, value in judging.second_half(samples, 'memory')) / MIB:,.0f} MiB",
            "detection behind, p50 / most": f"{judging.percentile(lasting, 0.5):.1f} / {max(lasting, default=0):.1f} s",
            "loops halted, after p50 / most": f"{len(chores.halts)} of {len(chores.halts) + chores.not_halted}, {judging.percentile(chores.halts, 0.5):.1f} / {max(chores.halts, default=0):.1f} s",
            "notifications received": f"{receiver.notifications}",
            "jobs run": ", ".join(f"{name.split(chr(34))[1]} {int(number):,}" for name, number in sorted(jobs.items()) if 'outcome="ok"' in name),
            "jobs asked for by hand": ", ".join(f"{name} {number}" for name, number in chores.done.items()) or "none",
            "data directory at the start, at the end": f"{samples[0]['disk'] / MIB:,.0f}, {samples[-1]['disk'] / MIB:,.0f} MiB",
            "everything delivered and settled after the end": "; ".join(unfinished) or f"{drained:.1f} s",
        },
        "checks": [asdict(one) for one in judging.checks(samples, answers, counted, limits)],
        "answers": answers,
        "memory": judging.memory(samples),
        "counted": asdict(counted),
        "jobs_failed": failed,
        "log_errors": troubles,
        "error_examples": readers.answers.examples,
        "samples_not_taken": sampler.troubles,
        "samples": samples,
    }  # fmt: skip


def machine() -> str:
    return f"{os.cpu_count()} cores, {psutil.virtual_memory().total / (1 << 30):.0f} GiB of memory, load average of the last 5 minutes {os.getloadavg()[1]:.1f}"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, help="spans/s (default: half of what a calibration finds)")
    parser.add_argument("--calibrate", type=float, default=20, metavar="S", help="seconds of the calibration")
    parser.add_argument("--every", type=float, default=10, metavar="S", help="seconds between two samples")
    parser.add_argument("--page-every", type=float, default=1.0, metavar="S", help="a page or a request to the API")
    parser.add_argument("--sql-every", type=float, default=3.0, metavar="S", help="a statement")
    parser.add_argument("--verdict-every", type=float, default=0.2, metavar="S", help="a question for the verdict")
    parser.add_argument(
        "--memory-slope",
        type=float,
        default=Limits().memory_slope,
        metavar="MIB",
        help="most MiB an hour that count as flat",
    )
    parser.add_argument(
        "--lag",
        type=float,
        default=Limits().lag,
        metavar="S",
        help="most seconds that settling and detection may be behind",
    )
    parser.add_argument("--data-dir", type=Path, help="an empty or new directory (default: a temporary one, removed)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "soak", help="where the report goes")
    return parser


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    if options.minutes <= 0 or options.every <= 0 or (options.rate is not None and options.rate <= 0):
        parser.error("--minutes, --every and --rate: expected numbers above 0")
    if options.data_dir is not None and options.data_dir.exists() and any(options.data_dir.iterdir()):
        parser.error("--data-dir: expected an empty or new directory")
    # As Ctrl-C: what it started must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with ExitStack() as ending:
        folder = options.data_dir or Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="tracestore-soak-")))
        worker_metrics = free_port()
        stack = Stack(folder.resolve(), TRACESTORE_WORKER_METRICS_PORT=str(worker_metrics))
        try:
            with stack:
                say(f"up: {stack.web}, data in {folder}")
                found = soak(stack, options, worker_metrics)
                options.output.mkdir(parents=True, exist_ok=True)
                (options.output / "soak.json").write_text(in_json(found))
                (options.output / "soak.md").write_text(judging.markdown(found))
        finally:
            logs = options.output / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            for path in (folder / "logs").glob("*.log*"):
                (logs / path.name).write_bytes(path.read_bytes())
    print(f"\n{judging.markdown(found)}")
    for title in ("log_errors", "error_examples", "jobs_failed", "samples_not_taken"):
        for name, what in found[title].items():
            print(f"{title}: {name}: {what}")
    print(f"The report is in {options.output}.")
    return 0 if all(one["passed"] for one in found["checks"]) else 1


if __name__ == "__main__":
    sys.exit(main())
