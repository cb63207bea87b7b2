"""The supervising loop: reads the children's output, starts again what dies, stops all in order.

Everything happens in `_turn`, which waits for whatever comes first: output, a signal, a moment that
was set. No threads: a fork from one with threads may hang, and the kernel's death signal (see
`parent_death`) follows the thread that forked.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType

from tracestore.supervisor.child import Child, Spec
from tracestore.supervisor.child_log import ChildLog, is_worrying, printable, readable
from tracestore.supervisor.instance import CannotStart

Say = Callable[[str], None]

#: The same worrying line is shown once in this time; the log file has them all.
ECHO_AGAIN_AFTER = 60.0
#: The exit code of a process that has said in one sentence, its last line, why it cannot start.
SAID_WHY = 3
_CHECK_EVERY = 0.1
#: Signals come through the wake-up socket; this is only for the case that one is lost.
_IDLE_TURN = 5.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A stop was asked for while something was being started."""


class Supervisor:
    """Use as a context manager: on leaving it, by whatever way, no child is left running."""

    def __init__(self, log_dir: Path, cwd: Path, say: Say) -> None:
        self.children: list[Child] = []
        self._log_dir = log_dir
        self._cwd = cwd
        self._say = say
        self._stop_requests = 0
        self._stopping = False
        self._watching = False
        self._echoed: dict[tuple[str, str], float] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)

    def __enter__(self) -> Supervisor:
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken by it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def launch(self, spec: Spec) -> Child:
        """Starts a process without waiting until it is ready."""
        child = Child(spec, ChildLog(self._log_dir / f"{spec.name}.log"), self._cwd)
        self.children.append(child)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    def await_ready(self, children: Iterable[Child], each: Callable[[Child], None] = lambda child: None) -> None:
        """Returns when all are ready, having told `each` of them in the order in which they were.

        Raises:
            CannotStart: one ended or was not ready in its time; says which, and what it said last.
            Stopped: the user does not want to wait any longer.
        """
        waiting = list(children)
        while waiting:
            for child in [child for child in waiting if child.check_ready()]:
                waiting.remove(child)
                each(child)
            if waiting:
                self._turn(_CHECK_EVERY)
            for child in waiting:
                if not child.alive:
                    self._read(child)
                    raise CannotStart(self._why_not(child, f"ended while starting ({child.how_it_ended()})"))
                if time.monotonic() - child.started_at > child.spec.ready_seconds:
                    limit = f"was not ready within {child.spec.ready_seconds:.0f} s"
                    raise CannotStart(self._why_not(child, limit))

    def run_to_end(self, spec: Spec, each_line: Callable[[str], None]) -> int:
        """Runs a process that ends by itself; returns its exit code.

        Raises:
            Stopped: as in `await_ready`.
            CannotStart: another child ended meanwhile, or this one took too long.
        """
        child = self.launch(spec)
        child.on_line = each_line
        while child.alive:
            self._turn(_CHECK_EVERY)
            for other in self.children:
                if other is not child and not other.alive:
                    self._read(other)
                    raise CannotStart(self._why_not(other, f"ended while starting ({other.how_it_ended()})"))
            if time.monotonic() - child.started_at > spec.ready_seconds:
                raise CannotStart(self._why_not(child, f"took longer than {spec.ready_seconds:.0f} s"))
        self._read(child)
        self._forget(child)
        return child.process.wait()

    def watch(self) -> None:
        """Keeps all children running until a stop is asked for."""
        self._watching = True
        try:
            while True:
                now = time.monotonic()
                wait = _IDLE_TURN
                for child in self.children:
                    if child.start_again_at is not None:
                        if child.start_again_at <= now:
                            child.start()
                            self._selector.register(child.output, selectors.EVENT_READ, child)
                            wait = 0.0
                        else:
                            wait = min(wait, child.start_again_at - now)
                    elif not child.alive:
                        wait = min(wait, self._mourn(child))
                    elif child.missed:
                        wait = min(wait, _CHECK_EVERY)
                        if child.check_ready():
                            child.missed = False
                            self._say(f"{child.spec.name} is running again.")
                self._turn(wait)
        except Stopped:
            pass

    def stop(self) -> None:
        """Stops the children, those of the lowest rank first; kills what does not end in its time."""
        self._stopping = True
        self._watching = False
        for rank in sorted({child.spec.stop_rank for child in self.children}):
            group = [child for child in self.children if child.spec.stop_rank == rank]
            for child in group:
                child.start_again_at = None
                child.signal(signal.SIGTERM)
            asked_at = time.monotonic()
            while waiting := [child for child in group if child.alive]:
                for child in waiting:
                    # Asked twice: the user has no patience left.
                    if self._stop_requests > 1 or time.monotonic() - asked_at > child.spec.stop_seconds:
                        self._say(f"{child.spec.name} did not stop in time and is killed.")
                        child.signal(signal.SIGKILL)
                self._turn(_CHECK_EVERY)
            for child in group:
                self._read(child)
                self._forget(child)

    def _mourn(self, child: Child) -> float:
        self._read(child)
        self._drop_output(child)
        pause = child.ended()
        self._say(f"{child.spec.name} ended ({child.how_it_ended()}); starting it again in {pause:g} s.")
        return pause

    def _forget(self, child: Child) -> None:
        self._drop_output(child)
        child.drop_lifeline()
        child.log.close()
        self.children.remove(child)

    def _drop_output(self, child: Child) -> None:
        if child.output.closed:
            return
        self._selector.unregister(child.output)
        child.output.close()

    def _turn(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._wake_reader.recv(1024)
            else:
                self._read(key.data)
        if self._stop_requests and not self._stopping:
            raise Stopped

    def _read(self, child: Child) -> None:
        """Takes what the child has written so far."""
        if child.output.closed:
            return
        while True:
            try:
                data = os.read(child.output.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                self._drop_output(child)
                return
            for line in child.log.write(data):
                child.saw(line)
                child.on_line(line)
                self._echo(child, line)

    def _echo(self, child: Child, line: str) -> None:
        if not self._watching or not is_worrying(line):
            return
        text = readable(line)
        key, now = (child.spec.name, text[:60]), time.monotonic()
        if now - self._echoed.get(key, -ECHO_AGAIN_AFTER) < ECHO_AGAIN_AFTER:
            return
        if len(self._echoed) > 1000:
            self._echoed.clear()
        self._echoed[key] = now
        self._say(f"{child.spec.name}: {text}")

    def _why_not(self, child: Child, what: str) -> str:
        if child.log.tail and child.process.returncode == SAID_WHY:
            return printable(child.log.tail[-1])
        tail = [printable(line, 400) for line in list(child.log.tail)[-15:]]
        said = "".join(f"\n    {line}" for line in tail) or " nothing."
        return f"{child.spec.name} {what}. The last it said ({child.log.path}):{said}"

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_requests += 1
