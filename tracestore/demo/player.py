"""Plays the timetable: the past at once, the present in real time, each span when it ends."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracestore.demo import otlp
from tracestore.demo.story import Run, Step

Send = Callable[[ExportTraceServiceRequest], None]

BATCH: Final = 256
TICK: Final = 0.5
RETRY_AFTER: Final = 2.0


def steps_to_send(run: Run) -> Iterator[Step]:
    """A run's steps in the order in which they end; without the first if the agent died."""
    ended = run.steps[1:] if run.unfinished else run.steps
    yield from sorted(ended, key=lambda step: step.end)


def halted_step(run: Run, after: float, why: str) -> Step:
    """The agent's own step of a run that was halted `after` so many seconds."""
    return replace(run.steps[0], end=after, output=None, error=f"Halted: {why}", error_type="Halted")


def nobody_halts(run: Run) -> str:
    return ""


@dataclass(slots=True)
class Player:
    """Sends until it is stopped. `send` raises OSError when the receiver is away; then it is asked again.

    `why_halted` is asked before each step of the runs whose agent asks; '' lets it go on.
    """

    send: Send
    say: Callable[[str], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    why_halted: Callable[[Run], str] = nobody_halts
    sent: int = field(default=0, init=False)
    _halted: set[bytes] = field(default_factory=set, init=False)

    def past(self, runs: Iterable[Run]) -> int:
        """Sends finished runs at once; returns how many."""
        count = 0

        def steps() -> Iterator[tuple[Run, Step]]:
            nonlocal count
            for run in runs:
                count += 1
                for step in steps_to_send(run):
                    yield run, step

        everything = steps()
        while batch := list(itertools.islice(everything, BATCH)):
            self._deliver(batch)
        return count

    def live(self, runs: Iterable[Run], seconds: float | None = None) -> None:
        """Sends each span once it has ended, for `seconds` or until there is none."""
        until = None if seconds is None else self.clock() + seconds
        upcoming = iter(runs)
        following = next(upcoming, None)
        order = itertools.count()
        waiting: list[tuple[float, int, Run, Step]] = []
        while (until is None or self.clock() < until) and (following is not None or waiting):
            now = self.clock()
            while following is not None and following.started_at <= now:
                for step in steps_to_send(following):
                    heapq.heappush(waiting, (following.started_at + step.end, next(order), following, step))
                following = next(upcoming, None)
            due: list[tuple[Run, Step]] = []
            while waiting and waiting[0][0] <= now and len(due) < BATCH:
                _, _, run, step = heapq.heappop(waiting)
                if run.trace_id not in self._halted:
                    due.append((run, step if step.kind == "agent" else self._allowed(run, step, now)))
            if due:
                self._deliver(due)
            self.sleep(TICK)

    def _allowed(self, run: Run, step: Step, now: float) -> Step:
        """The step; or, if the run may not take it, the end of the run in its place."""
        why = self.why_halted(run) if run.agent.asks_brake else ""
        if not why:
            return step
        self._halted.add(run.trace_id)
        self.say(f"{run.agent.name} was halted {now - run.started_at:.0f} s after its start: {why}")
        return halted_step(run, now - run.started_at, why)

    def _deliver(self, batch: list[tuple[Run, Step]]) -> None:
        exported = otlp.request(batch)
        told = False
        while True:
            try:
                self.send(exported)
            except OSError as error:
                if not told:
                    self.say(f"The receiver does not accept spans ({error}); trying again every {RETRY_AFTER:g} s.")
                told = True
                self.sleep(RETRY_AFTER)
            else:
                self.sent += len(batch)
                return
