"""Findings as alerts need them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """A finding that counts. `seen`: when it was last written, which is when it was found out, by the store's clock and
    not by the sender's; of one that tells of the past (an import) when there was evidence.
    """

    id: str
    severity: str
    agent: str
    trace_id: str
    first_ns: int
    last_ns: int
    seen: datetime
    wasted_usd: float
    wasted_tokens: int
    cause: str
    span_id: str
    title: str
    explanation: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is said of a problem, the newest first. `worst` is the newest of the worst, with its long texts."""

    project: str
    fingerprint: str
    detector: str
    key: str
    findings: tuple[Said, ...]

    @property
    def worst(self) -> Said:
        return next((one for one in self.findings if one.explanation), self.findings[0])

    @property
    def agent(self) -> str:
        return self.findings[0].agent

    @property
    def newest(self) -> datetime:
        return max(one.seen for one in self.findings)


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run as it is now. `goes_on`: no root has come, and something did within a quarter of an hour."""

    trace_id: str
    name: str
    agent: str
    cost_usd: float | None
    start_ns: int
    goes_on: bool
