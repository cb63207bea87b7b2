"""Cycles: write, wait until all of it reads as it was sent, and at the end read all once more.

The last look is not a repetition: by then the worker has settled the traces, so their figures come from
stored summaries and no longer from their spans.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tracestore.verification import checks
from tracestore.verification.checks import Failure
from tracestore.verification.front_door import FrontDoor, RequestFailed
from tracestore.verification.traces import SentTrace

#: How often the store is asked while something is still missing, and after which rest of the last write it is
#: asked for the last time (`tracestore.clickhouse.settling`: traces settle after 2 s of quiet).
ASK_EVERY_S: Final = 0.2
SETTLED_AFTER_S: Final = 4.0


@dataclass(slots=True)
class Outcome:
    """What came of it. `lags` is, for each cycle, the time from the store's OK until everything was right."""

    traces: int = 0
    spans: int = 0
    lags: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def by_kind(self) -> dict[str, int]:
        counted = Counter(failure.kind for failure in self.failures)
        return {kind: counted[kind] for kind in checks.KINDS}


@dataclass(slots=True)
class Verification:
    """`timeout_s` bounds each waiting, not the whole."""

    door: FrontDoor
    timeout_s: float
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    outcome: Outcome = field(default_factory=Outcome, init=False)

    def write(self, traces: Sequence[SentTrace]) -> list[SentTrace]:
        """Sends them, the first one twice, as an exporter does that did not hear the OK. Returns those accepted."""
        accepted = []
        for number, trace in enumerate(traces):
            try:
                self.door.send(trace)
                if number == 0:
                    self.door.send(trace)
            except RequestFailed as error:
                self.outcome.failures.append(Failure("requestfailed", trace.trace_id, str(error)))
                continue
            accepted.append(trace)
            self.outcome.traces += 1
            self.outcome.spans += len(trace.spans)
        return accepted

    def read(self, traces: Sequence[SentTrace]) -> list[Failure]:
        """Asks until all of them read as they were sent, or the time is up; returns what is wrong then."""
        began = self.clock()
        wrong: dict[str, list[Failure]] = {trace.trace_id: [] for trace in traces}
        left = list(traces)
        while True:
            for trace in left:
                wrong[trace.trace_id] = checks.look(self.door, trace)
            left = [trace for trace in left if wrong[trace.trace_id]]
            waited = self.clock() - began
            if not left or waited >= self.timeout_s:
                break
            self.sleep(ASK_EVERY_S)
        if not left:
            self.outcome.lags.append(waited)
        return [failure for failures in wrong.values() for failure in failures]

    def cycles(self, written: Callable[[int], Sequence[SentTrace]], cycles: int) -> Outcome:
        """`written` gives the traces of a cycle, made when it begins."""
        everything: list[SentTrace] = []
        for cycle in range(cycles):
            accepted = self.write(written(cycle))
            everything += accepted
            failures = self.read(accepted)
            self.outcome.failures += failures
            self.say(
                f"cycle {cycle + 1}: {len(accepted)} traces,"
                + (f" {len(failures)} failures" if failures else f" right after {self.outcome.lags[-1]:.2f} s")
            )
        if everything:
            self.sleep(SETTLED_AFTER_S)
            self.again(everything)
        return self.outcome

    def again(self, traces: Sequence[SentTrace]) -> Outcome:
        """Reads traces that were written some time ago."""
        lags = len(self.outcome.lags)
        failures = self.read(traces)
        del self.outcome.lags[lags:]
        self.outcome.failures += failures
        self.say(f"once more: {len(traces)} traces, {len(failures)} failures")
        return self.outcome
