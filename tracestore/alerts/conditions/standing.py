"""How an alert stands and what a new reading makes of it: pending, firing, over. Pure.

As Prometheus' alerting rules (`for`, `keep_firing_for`), with hysteresis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, overload

from tracestore.alerts.conditions.judging import Reading

State = Literal["pending", "firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`since`: when it began to be so, this time; `seen`: when it was last so. `fired_at` stays when it is over,
    None if it never fired.
    """

    state: State
    since: datetime
    seen: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None


@overload
def step(before: Standing, reading: Reading, now: datetime, *, hold_s: int = 0, keep_firing_s: int = 0) -> Standing: ...


@overload
def step(
    before: None, reading: Reading, now: datetime, *, hold_s: int = 0, keep_firing_s: int = 0
) -> Standing | None: ...


def step(
    before: Standing | None, reading: Reading, now: datetime, *, hold_s: int = 0, keep_firing_s: int = 0
) -> Standing | None:
    """The standing after a reading; the same object when nothing changed. None: there still is no alert.

    A pending one does not begin to fire while the figure is between clear and threshold; a firing one does not
    end there.
    """
    if before is None or before.state == "resolved":
        if reading != "beyond":
            return before
        return begun(now, hold_s)
    if before.state == "pending":
        if reading == "clear":
            return replace(before, state="resolved", resolved_at=now)
        if reading == "within":
            return before
        if now - before.since >= timedelta(seconds=hold_s):
            return replace(before, state="firing", seen=now, fired_at=now)
        return replace(before, seen=now)
    if reading != "clear":
        return replace(before, seen=now) if now > before.seen else before
    if now - before.seen >= timedelta(seconds=keep_firing_s):
        return replace(before, state="resolved", resolved_at=now)
    return before


def begun(now: datetime, hold_s: int = 0) -> Standing:
    """It is so for the first time, or again."""
    first = Standing("pending", now, now)
    return first if hold_s else replace(first, state="firing", fired_at=now)


def ended(before: Standing, now: datetime) -> Standing:
    """Over at once, whatever was to be waited for."""
    return before if before.state == "resolved" else replace(before, state="resolved", resolved_at=now)
