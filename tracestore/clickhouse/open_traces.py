"""Which of the open traces a settling pass takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class OpenTrace(NamedTuple):
    """A row of settle_open.sql: `first_start` in ns, the log's own times in µs since the epoch."""

    project: str
    trace_id: str
    first_start: int
    writes: int
    touched: int
    first_touched: int
    covered: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What one pass did. `more` says that traces are still waiting."""

    traces: int = 0
    spans_changed: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The traces of a pass, with their starts (ns); what it covers, and what the log is done with (µs).

    `apart` came in several writes, so that the rules have not seen them whole. `quiet` counts those
    that were chosen because they rest.
    """

    traces: list[tuple[str, str]]
    starts: list[int]
    apart: list[tuple[str, str]]
    quiet: int
    until: int
    watermark: int

    @property
    def since(self) -> int:
        return min(self.starts)


def choose(found: Sequence[OpenTrace], now: int, quiet_ms: int, busy_ms: int, most: int) -> Choice | None:
    """The traces that are quiet, at most about `most`, and those busy for too long; None for none.

    `now` in µs, by the store's clock. Everything before the watermark is settled when the pass is done:
    the oldest write of what stays open bounds it.
    """
    quiet = sorted(trace.touched for trace in found if trace.touched <= now - quiet_ms * 1000)[:most]
    until = quiet[-1] if quiet else now - quiet_ms * 1000
    chosen, waiting_since = [], []
    for trace in found:
        since = max(trace.first_touched, trace.covered)
        if (quiet and trace.touched <= until) or since <= now - busy_ms * 1000:
            chosen.append(trace)
        else:
            waiting_since.append(since)
    if not chosen:
        return None
    return Choice(
        traces=[(trace.project, trace.trace_id) for trace in chosen],
        starts=[trace.first_start for trace in chosen],
        apart=[(trace.project, trace.trace_id) for trace in chosen if trace.writes > 1],
        quiet=len(quiet),
        until=until,
        watermark=min((until, *waiting_since)),
    )
