"""What the detectors say of a case: the same as they would say of a finished run, knowing no past."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.detector import Norms, TraceDetector
from tracestore.detectors.evaluation.cases import Case
from tracestore.detectors.finding import Finding

#: From here on a finding is an alarm; an `info` is only shown.
_RANKS: Final = {"info": 1, "warning": 2, "critical": 3}
_ALARM: Final = 2


@dataclass(slots=True)
class Said:
    """Findings by case and detector, each asked for once."""

    cases: tuple[Case, ...]
    detectors: dict[str, TraceDetector]
    _known: dict[tuple[str, str], list[Finding]] = field(default_factory=dict)

    def of(self, detector: str, case: Case) -> list[Finding]:
        """All findings of a detector about a case's traces, [] when there is no such detector."""
        key = detector, case.name
        if key not in self._known:
            reader = self.detectors.get(detector)
            self._known[key] = [] if reader is None else list(_findings(reader, case.trajectories))
        return self._known[key]

    def alarms(self, detector: str, case: Case) -> list[Finding]:
        return [finding for finding in self.of(detector, case) if _RANKS[finding.severity] >= _ALARM]

    def score(self, detector: str, case: Case) -> float:
        """0 without a finding, else the rank of the gravest."""
        return max((_RANKS[finding.severity] for finding in self.of(detector, case)), default=0)


def _findings(detector: TraceDetector, trajectories: Iterable[Trajectory]) -> Iterable[Finding]:
    for trajectory in trajectories:
        yield from detector.detect(trajectory, detector.defaults, Norms())
