"""What a detector is: one of two shapes, each a pure function with a name, a version and settings.

A `TraceDetector` reads one run while it goes on, again and again, and once more when it is over; it
must say the same of the same spans, since what it says is written over what it said before.
A `WindowDetector` reads a history (counts, costs, times, texts by hour or day) and judges its end.

Settings are a frozen dataclass whose defaults work unconfigured; each field's metadata carries `help`
(one sentence) and where it makes sense `minimum` and `maximum`, from which the settings page, the API
and their errors are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.finding import Finding


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for an agent's finished runs, or for a tool's calls. 0 = not known yet.

    `runs` (or calls) were counted; times are seconds.
    """

    runs: int = 0
    steps_p75: float = 0.0
    steps_p95: float = 0.0
    steps_iqr: float = 0.0
    tokens_p75: float = 0.0
    tokens_p95: float = 0.0
    tokens_iqr: float = 0.0
    cost_p75: float = 0.0
    cost_p95: float = 0.0
    cost_iqr: float = 0.0
    seconds_p75: float = 0.0
    seconds_p95: float = 0.0
    seconds_iqr: float = 0.0
    gap_p99: float = 0.0
    input_tokens_p99: float = 0.0


@dataclass(frozen=True, slots=True)
class Norms:
    """What is known of the past when a run is judged: by agent, by tool, and of all agents together.

    `heard` is when the last span of each service was seen, of whatever run (ns); one that is not in it is not known.
    """

    agents: Mapping[str, Usual] = field(default_factory=dict)
    tools: Mapping[str, Usual] = field(default_factory=dict)
    fleet: Usual = Usual()
    heard: Mapping[str, int] = field(default_factory=dict)

    def agent(self, name: str) -> Usual:
        return self.agents.get(name, Usual())

    def tool(self, name: str) -> Usual:
        return self.tools.get(name, Usual())


class Detector(Protocol):
    """What both shapes have. `id` is from DESIGN.md or, in a plug-in, any other lower-case word."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def defaults(self) -> Any: ...


@runtime_checkable
class TraceDetector(Detector, Protocol):
    """Reads one run, or the runs of one session."""

    def detect(self, trajectory: Trajectory, settings: Any, norms: Norms) -> Iterable[Finding]: ...


@runtime_checkable
class WindowDetector(Detector, Protocol):
    """Reads a history of a project. `reads` is the type of history (`detectors/histories.py`), `every` how often."""

    @property
    def reads(self) -> type: ...
    @property
    def every(self) -> timedelta: ...

    def detect(self, history: Any, settings: Any) -> Iterable[Finding]: ...


def setting(default: Any, help: str, *, minimum: float | None = None, maximum: float | None = None) -> Any:  # noqa: A002
    """A field of a settings dataclass."""
    return field(default=default, metadata={"help": help, "minimum": minimum, "maximum": maximum})
