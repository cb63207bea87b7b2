"""Tiny processes for the supervisor's tests. `python -m tests.operations.children WHAT …`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path


def serve(trace: str, name: str, seconds_to_stop: str = "0") -> None:
    """Says that it is ready, and on SIGTERM that it stops."""

    def stop(*_: object) -> None:
        time.sleep(float(seconds_to_stop))
        with Path(trace).open("a") as file:
            file.write(f"{name} stopped\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    with Path(trace).open("a") as file:
        file.write(f"{name} started\n")
    print("ready", flush=True)
    while True:
        signal.pause()


def stubborn() -> None:
    """Ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        time.sleep(60)


def fail(text: str, code: str = "7") -> None:
    """Says why and ends."""
    print(text, flush=True)
    sys.exit(int(code))


def never_ready() -> None:
    print("still loading", flush=True)
    time.sleep(60)


def chatter() -> None:
    """Writes much, then an error as our logs have it."""
    for number in range(2000):
        print(f"line {number} " + "x" * 100)
    print('{"event": "disk full", "level": "error", "logger": "x", "path": "a\\u001b[31mb"}')
    print('{"event": "library says", "level": "warning", "logger": "urllib3"}')
    print("ready", flush=True)
    time.sleep(60)


def supervise(trace: str, log_dir: str) -> None:
    """A supervisor with one child, to be killed."""
    from tests.operations.test_supervisor import spec
    from tracestore.environment import ROOT
    from tracestore.supervisor.loop import Supervisor

    with Supervisor(Path(log_dir), ROOT, lambda text: print(text, flush=True)) as supervisor:
        child = supervisor.launch(spec("one", "serve", trace, "one"))
        supervisor.await_ready([child])
        print(f"child {child.process.pid}", flush=True)
        supervisor.watch()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
