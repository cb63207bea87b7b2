"""Runs detectors so that one that fails, is slow or says too much hides no other. Pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import msgspec

from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.detector import Detector, Norms, TraceDetector, WindowDetector
from tracestore.detectors.finding import Finding

#: Findings that one detector may make of one run or history, and bytes of the evidence of each.
MOST_FINDINGS: Final = 50
MOST_EVIDENCE: Final = 64_000
#: Span ids of a finding: more are no evidence that anybody reads.
MOST_SPANS: Final = 1_000

#: The settings of a detector for an agent; None where it is switched off.
SettingsOf = Callable[[Detector, str], Any]


@dataclass(slots=True)
class Tally:
    """What one detector cost and did: `failure` is the last error's text, '' when there was none."""

    looks: int = 0
    findings: int = 0
    failures: int = 0
    cpu_seconds: float = 0.0
    slowest_seconds: float = 0.0
    failure: str = ""

    def add(self, other: Tally) -> None:
        self.looks += other.looks
        self.findings += other.findings
        self.failures += other.failures
        self.cpu_seconds += other.cpu_seconds
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.failure = other.failure or self.failure


@dataclass(slots=True)
class Tallies:
    """Tallies by detector id."""

    of: dict[str, Tally] = field(default_factory=dict)

    def one(self, detector: str) -> Tally:
        return self.of.setdefault(detector, Tally())


@dataclass(slots=True)
class Said:
    """What detectors said of one run: by identity, and which of them finished (what they no longer say is over)."""

    findings: dict[str, Finding] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)


def judge(
    trajectory: Trajectory,
    detectors: Sequence[TraceDetector],
    settings_of: SettingsOf,
    norms: Norms,
    tallies: Tallies,
) -> Said:
    """What the detectors say of a trajectory."""
    found = Said()
    for detector in detectors:
        settings = settings_of(detector, trajectory.agent)
        if settings is None:
            continue
        findings = attempt(detector, lambda: detector.detect(trajectory, settings, norms), tallies)  # noqa: B023
        if findings is None:
            continue
        found.finished.add(detector.id)
        for finding in findings:
            found.findings.setdefault(finding.identity(trajectory.project), finding)
    return found


def judge_history(history: Any, detector: WindowDetector, settings: Any, tallies: Tallies) -> list[Finding]:
    """What a detector of windows says of a history; nothing when it fails, which is counted."""
    return attempt(detector, lambda: detector.detect(history, settings), tallies) or []


def attempt(detector: Detector, detect: Callable[[], Iterable[Finding]], tallies: Tallies) -> list[Finding] | None:
    """The detector's findings in a form that can be stored, or None when it failed. Counts and times it."""
    tally = tallies.one(detector.id)
    tally.looks += 1
    began = time.thread_time()
    try:
        return [storable(detector, finding) for finding in islice(detect(), MOST_FINDINGS)]
    except Exception as error:
        tally.failures += 1
        tally.failure = f"{type(error).__name__}: {error}"[:300]
        return None
    finally:
        spent = time.thread_time() - began
        tally.cpu_seconds += spent
        tally.slowest_seconds = max(tally.slowest_seconds, spent)


def storable(detector: Detector, finding: Finding) -> Finding:
    """The same finding within the bounds of what is stored.

    Raises:
        TypeError: the evidence is no JSON, or the finding speaks for another detector.
    """
    if finding.detector != detector.id:
        raise TypeError(f"detector {detector.id} made a finding of {finding.detector}")
    if len(encoded(finding.evidence)) > MOST_EVIDENCE:
        finding = replace(finding, evidence={"cut": f"The evidence was longer than {MOST_EVIDENCE} bytes."})
    if len(finding.span_ids) > MOST_SPANS:
        finding = replace(finding, span_ids=finding.span_ids[:MOST_SPANS])
    return finding


def encoded(evidence: Any) -> bytes:
    """Evidence as JSON."""
    return msgspec.json.encode(evidence, order="deterministic")
