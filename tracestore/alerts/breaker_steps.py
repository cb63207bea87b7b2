"""When a circuit breaker moves. Pure; the rows are in `breakers`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: How long it stays open the first time, and at most.
FIRST: Final = timedelta(seconds=60)
LONGEST: Final = timedelta(minutes=30)


class HandOver:
    """The trial of a half-open breaker: given to one run, which has LASTS to end; silent for SILENT is ended."""

    ANY: Final = "?"
    LASTS: Final = timedelta(minutes=10)
    SILENT: Final = timedelta(minutes=2)


class Step(enum.Enum):
    STAY = "stay"
    OPEN = "open"
    TRY = "try"
    CLOSE = "close"
    #: The run that had the trial did not end in time: another may have it.
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Now:
    """What is known of a breaker that is not closed. `since`: when it last moved; `evidence`: the latest of a firing
    alert, None when none fires. `trial_at`: when it may try (open), or until when the trial lasts (half open).
    """

    now: datetime
    since: datetime
    state: str
    trial_at: datetime | None
    has_trial: bool
    evidence: datetime | None
    trial_over: bool = False
    trial_bad: bool = False
    rule_gone: bool = False


def next_step(seen: Now) -> Step:
    """What to do now. Evidence from before the breaker moved is known already and opens nothing again."""
    if seen.rule_gone:
        return Step.CLOSE
    if seen.state == "open":
        return Step.TRY if seen.trial_at is not None and seen.now >= seen.trial_at else Step.STAY
    if seen.has_trial:
        began = max(seen.since, seen.trial_at - HandOver.LASTS) if seen.trial_at is not None else seen.since
        if seen.trial_bad or (seen.evidence is not None and seen.evidence > began):
            return Step.OPEN
        if seen.trial_over:
            return Step.CLOSE
    if seen.evidence is None:
        return Step.CLOSE
    if seen.has_trial and seen.trial_at is not None and seen.now >= seen.trial_at:
        return Step.FREE
    return Step.STAY


def after_failure(failures: int) -> timedelta:
    """How long it is to stay open after it has opened so often before."""
    return min(FIRST * (1 << min(failures, 10)), LONGEST)
