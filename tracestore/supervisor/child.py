"""One supervised process: what it is, starting it, knowing when it is ready, ending it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from tracestore.supervisor import parent_death
from tracestore.supervisor.child_log import ChildLog

#: The first pause before a child that died is started again, and the longest; each death doubles it.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: A child that lived this long has recovered: its next death counts as the first.
RECOVERED_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where `GET path` answers 200 once a process is ready."""

    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A process to run: `words` are those after `python`.

    Ready is when it prints a line with `ready_line`, when `ready_at` answers, or else at once.
    Processes are stopped in order of `stop_rank`; each is killed `stop_seconds` after it was asked.
    """

    name: str
    words: tuple[str, ...]
    stop_rank: int
    environ: Mapping[str, str] = field(default_factory=dict)
    ready_line: str | None = None
    ready_at: Address | None = None
    ready_seconds: float = 60.0
    stop_seconds: float = 5.0


class Child:
    """A started process, running or waiting to be started again. The loop reads `output` into `log`."""

    def __init__(self, spec: Spec, log: ChildLog, cwd: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec = spec
        self.log = log
        self.ready = False
        #: Whether it died and nobody was told yet that it is back.
        self.missed = False
        self.on_line: Callable[[str], None] = lambda line: None
        self.started_at = 0.0
        self.start_again_at: float | None = None
        self._cwd = cwd
        self._clock = clock
        self._deaths = 0
        self._lifeline: int | None = None
        self.start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def start(self) -> None:
        """Starts the process (again). In a session of its own: a terminal's Ctrl-C must reach only us."""
        self.ready = False
        self.start_again_at = None
        self.started_at = self._clock()
        words, before_exec = self.spec.words, None
        inherited: tuple[int, ...] = ()
        if parent_death.kernel_kills_orphans():
            before_exec = parent_death.die_with_parent()
        else:
            theirs, self._lifeline = os.pipe()
            inherited = (theirs,)
            words = ("-m", "tracestore.supervisor.watched", str(theirs), *words)
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=self._cwd,
            env=dict(self.spec.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited,
            preexec_fn=before_exec,
        )
        for descriptor in inherited:
            os.close(descriptor)
        self.output = cast(IO[bytes], self.process.stdout)
        os.set_blocking(self.output.fileno(), False)

    def saw(self, line: str) -> None:
        """Looks for the line that says that the process is ready."""
        if self.spec.ready_line is not None and self.spec.ready_line in line:
            self.ready = True

    def check_ready(self) -> bool:
        """Whether it is ready by now; may ask the process."""
        if not self.ready and self.alive:
            if self.spec.ready_at is not None:
                self.ready = answers(self.spec.ready_at)
            elif self.spec.ready_line is None:
                self.ready = True
        return self.ready

    def ended(self) -> float:
        """Notes that the process ended; returns the pause before it is to be started again."""
        self.ready = False
        self.missed = True
        self.drop_lifeline()
        now = self._clock()
        if now - self.started_at >= RECOVERED_AFTER:
            self._deaths = 0
        pause = min(FIRST_PAUSE * float(2**self._deaths), LONGEST_PAUSE)
        self._deaths = min(self._deaths + 1, 30)
        self.start_again_at = now + pause
        return pause

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, to all of the child's own processes when it is SIGKILL."""
        if not self.alive:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        except ProcessLookupError:
            pass

    def how_it_ended(self) -> str:
        """“killed by SIGKILL” or “exit code 3”."""
        code = self.process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def drop_lifeline(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def answers(address: Address, seconds: float = 0.5) -> bool:
    """Whether an HTTP GET is answered with 200. By hand: an HTTP library would double our memory."""
    request = f"GET {address.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((address.host, address.port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(request.encode())
            status = connection.recv(64)
    except OSError:
        return False
    return status.split(b" ", 2)[1:2] == [b"200"]
