"""What a detector says. One form for all of them, for the store, the API and alerts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["info", "warning", "critical"]

#: The family of a cause, as far as the evidence goes: what came in (retrieval, stale or empty input),
#: the tool or its code, the system around it (timeouts, rate limits, orchestration), what the model put out.
Cause = Literal["data", "tool", "system", "model", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of a detector, with its evidence.

    `title` is one line without a full stop, `explanation` a few sentences that a newcomer understands.
    `key` says what is the same problem elsewhere: findings of one detector, agent and key share a
    fingerprint, so that they are grouped, alerted once, and dismissed together. A finding about a window of
    time names it by a number (`window`, not 0): said again in that window it is the same finding, whichever
    trace it then shows as an example.
    `span_ids` is the evidence in order of time; `look_first` the span to open first.
    `wasted_cost_usd` is 0 when nothing was wasted or the price is unknown; `evidence` is JSON.
    """

    detector: str
    version: str
    severity: Severity
    title: str
    explanation: str
    agent: str
    key: str
    first_seen_ns: int
    last_seen_ns: int
    trace_id: str = ""
    span_ids: tuple[str, ...] = ()
    look_first: str = ""
    cause: Cause = "unknown"
    wasted_cost_usd: float = 0.0
    wasted_tokens: int = 0
    window: int = 0
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """16 hex digits; equal for the same problem of the same agent, whichever run shows it."""
        return _digest(self.detector, self.agent, self.key)

    def identity(self, project: str) -> str:
        """The finding's id, 32 hex digits: said again about the same run or window, it is the same finding."""
        run_or_window = f"window {self.window}" if self.window else self.trace_id
        return _digest(project, self.detector, self.agent, self.key, run_or_window, size=16)


def _digest(*parts: str, size: int = 8) -> str:
    text = "\x1f".join(part.replace("\x1f", " ") for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
