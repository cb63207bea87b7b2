"""What happens now and then during a soak: loops that are to be halted, jobs asked for by hand, notifications received."""

from __future__ import annotations

import http.server
import json
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.loops import step
from benchmarks.soaking.asking import Readers
from tests.e2e.stack import API_KEY, ROOT, Stack

#: The ids of the runs that loop begin so; those of the load never do (62 bits).
LOOPS: Final = b"\xff\xff"
HALT_WITHIN_S: Final = 60.0
#: Long enough for a backup of what half an hour leaves.
COMMAND_S: Final = 600.0


class Receiver(http.server.ThreadingHTTPServer):
    """On-call's webhook: counts what it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        self.notifications = 0
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        assert isinstance(self.server, Receiver)
        self.server.notifications += 1
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def set_up(readers_post: Callable[[str, dict[str, Any]], Any], receiver: Receiver) -> None:
    """A channel and a budget, so that notifications and budgets have work."""
    readers_post(
        "channels/",
        {"name": "soak", "kind": "webhook", "config": {"url": receiver.url, "secret": "soak-soak-soak-soak"}},
    )
    readers_post("budgets/", {"name": "soak", "measure": "usd", "scope": "agent", "limit": 1000.0, "halts": False})


class Chores:
    """A thread that goes through its list, spread over the time."""

    def __init__(self, stack: Stack, readers: Readers, seconds: float) -> None:
        self.stack, self.readers = stack, readers
        self.loops_sent = 0  # spans
        self.halts: list[float] = []  # seconds
        self.not_halted = 0
        self.done: dict[str, int] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go, args=(seconds,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join(COMMAND_S)

    def _go(self, seconds: float) -> None:
        turns: list[tuple[float, str, Callable[[], Any]]] = [
            (0.2, "backtest", lambda: self.readers.post("detectors/loop/backtest/", {"since": "1m"})),
            (0.3, "recalculation", lambda: self.readers.post("prices/reprice/", {"since": _ago(60)})),
            (0.4, "expiry", lambda: self._run("-m", "celery", "-A", "tracestore", "call", "tracestore.expire_data")),
            (
                0.45,
                "expiry of alerts",
                lambda: self._run("-m", "celery", "-A", "tracestore", "call", "tracestore.expire_alerts"),
            ),
            (0.5, "backup", self._backup),
            (0.7, "doctor", lambda: self._run(str(ROOT / "manage.py"), "doctor", may_fail=True)),
            (0.8, "backtest", lambda: self.readers.post("detectors/retry_storm/backtest/", {"since": "1m"})),
        ]
        began = time.monotonic()
        loop_due = began + 5
        while not self._ending.wait(0.5):
            now = time.monotonic()
            if turns and now >= began + turns[0][0] * seconds:
                _, what, do = turns.pop(0)
                self.readers.answers.take(f"job asked for: {what}", do)
                self.done[what] = self.done.get(what, 0) + 1
            elif now >= loop_due:
                loop_due = now + 20
                self.readers.answers.take("loop until halted", self._loop)

    def _loop(self) -> None:
        """Three equal steps, then the verdict until it halts. ValueError when it does not in time."""
        trace = LOOPS + secrets.token_bytes(14)
        for number in range(3):
            request = urllib.request.Request(
                f"{self.stack.otlp_http}/v1/traces", step(trace),
                {"content-type": "application/x-protobuf", "x-api-key": API_KEY},
            )  # fmt: skip
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
            self.loops_sent += 1
            if number < 2:
                time.sleep(0.7)
        began = time.monotonic()
        while time.monotonic() < began + HALT_WITHIN_S and not self._ending.is_set():
            if self.stack.api("verdict/", trace_id=trace.hex())["verdict"] == "halt":
                self.halts.append(time.monotonic() - began)
                return
            time.sleep(0.1)
        if not self._ending.is_set():
            self.not_halted += 1
            raise ValueError(f"no halt within {HALT_WITHIN_S:.0f} s")

    def _backup(self) -> None:
        target = Path(self.stack.data_dir) / "soak-backup.tar"
        self._run(str(ROOT / "manage.py"), "backup", str(target))
        target.unlink()

    def _run(self, *words: str, may_fail: bool = False) -> None:
        """A command of the installation. ValueError with its last line when it fails."""
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.stack.environment, capture_output=True, text=True, timeout=COMMAND_S,
            check=False,
        )  # fmt: skip
        if done.returncode and not may_fail:
            raise ValueError((done.stdout + done.stderr).strip()[-300:])


def _ago(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def in_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, sort_keys=False, default=str)
