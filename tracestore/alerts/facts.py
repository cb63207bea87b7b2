"""What an alert or incident knows of what is going on, as kept in `facts` and told to people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

#: So much is kept of runs and of evidence; figures count all.
MOST_RUNS: Final = 20
MOST_EVIDENCE: Final = 10


class Evidence(msgspec.Struct, frozen=True):
    """A thing to look at: a finding, or a span of a trace."""

    title: str
    trace_id: str = ""
    span_id: str = ""
    finding_id: str = ""


class Run(msgspec.Struct, frozen=True):
    """A run that is concerned; cost in dollars, None where a price is unknown."""

    trace_id: str
    name: str = ""
    agent: str = ""
    cost_usd: float | None = None
    at: str = ""
    running: bool = False


class Facts(msgspec.Struct, frozen=True):
    """`title` is one line without a full stop, `summary` a sentence or two. Times are RFC 3339.

    `wasted_usd` and `wasted_tokens`: by what is wrong, so far; `usd_per_hour`: how fast, None if not known.
    `going_on`: evidence is still coming. `changed`: what is different since before, a sentence each. `runs` and
    `evidence`: the newest first; `run_count` counts all.
    """

    title: str
    summary: str = ""
    first_seen: str = ""
    last_seen: str = ""
    going_on: bool = True
    wasted_usd: float = 0.0
    wasted_tokens: int = 0
    usd_per_hour: float | None = None
    run_count: int = 0
    value: float | None = None
    threshold: float | None = None
    runs: tuple[Run, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    changed: tuple[str, ...] = ()


def as_json(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(facts)
    return found


def from_json(stored: Mapping[str, Any]) -> Facts:
    """The facts of a row; what a newer version stored beside is ignored."""
    return msgspec.convert({"title": "", **stored}, Facts, strict=False)
