"""Small detectors with simple rules, to test what runs detectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import ToolHours


@dataclass(frozen=True)
class RepeatSettings:
    times: int = setting(3, "How often a call must be repeated.", minimum=2, maximum=100)
    share: float = setting(0.5, "Unused.", minimum=0.0, maximum=1.0)
    note: str = setting("", "Unused.")
    strict: bool = setting(False, "Unused.")


class Repeats:
    """The same tool with the same arguments and result so many times."""

    id = "loop"
    version = "1"
    title = "Repeats"
    method = "Counts equal calls."
    defaults = RepeatSettings()
    reads_sessions = True

    def __init__(self) -> None:
        self.seen: list[Trajectory] = []

    def detect(self, trajectory: Trajectory, settings: RepeatSettings, norms: Norms) -> Iterable[Finding]:
        self.seen.append(trajectory)
        calls = Counter((one.tool_name, one.input, one.output) for one in trajectory.of_type("tool"))
        for (tool, given, said), times in calls.items():
            if times >= settings.times:
                spans = [
                    o for o in trajectory.of_type("tool") if (o.tool_name, o.input, o.output) == (tool, given, said)
                ]
                yield Finding(
                    self.id, self.version, "critical", f"{tool} was called {times} times",
                    "It says the same each time.", trajectory.agent, tool, spans[0].start_ns, spans[-1].end_ns,
                    spans[-1].trace_id, tuple(one.span_id for one in spans), spans[0].span_id, "model", 0.5, 100, 0,
                    {"times": times},
                )  # fmt: skip


class Breaks:
    """Fails whatever it is given."""

    id = "broken"
    version = "1"
    title = "Breaks"
    method = "None."
    defaults = RepeatSettings()

    def detect(self, trajectory: Trajectory, settings: Any, norms: Norms) -> Iterable[Finding]:
        raise ValueError("no such thing")


class Waits:
    """A run without an end."""

    id = "stalled_run"
    version = "1"
    title = "Waits"
    method = "No root, and silent for half a minute."
    defaults = RepeatSettings()

    def detect(self, trajectory: Trajectory, settings: Any, norms: Norms) -> Iterable[Finding]:
        last = max((span.end_ns for span in trajectory.spans), default=0)
        if not trajectory.complete and trajectory.now_ns - last > 30 * 10**9:
            yield Finding(
                self.id, self.version, "warning", "Silent", "Nothing came.", trajectory.agent, "", last, last,
                trajectory.trace_id,
            )  # fmt: skip


class ManyErrors:
    """Tools of which more than half of the calls failed."""

    id = "tool_error_rate"
    version = "1"
    title = "Errors"
    method = "Half."
    defaults = RepeatSettings()
    reads = ToolHours
    every = timedelta(minutes=1)

    def detect(self, history: ToolHours, settings: Any) -> Iterable[Finding]:
        for row in history.rows:
            if row.failed * 2 > row.calls:
                yield Finding(
                    self.id, self.version, "warning", f"{row.tool} fails", "More than half.", row.agent, row.tool,
                    row.hour_ns, history.now_ns, span_ids=(row.example_span,), window=row.hour_ns,
                    evidence={"failed": row.failed, "calls": row.calls, "template": row.template},
                )  # fmt: skip
