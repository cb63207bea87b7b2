"""When which agent runs, and what happens: the last day, then from now on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from tracestore.demo.fleet import FIXER, RESEARCH, STARTERS, SUPPORT, TRAVEL, USERS, Agent
from tracestore.demo.scenarios import tell
from tracestore.demo.story import Run

#: A run in each slot of the past. Slots are those of the clock, so that a second start sends the same runs.
PAST_SLOT: Final = 150
LIVE_EVERY: Final = 5.0
#: Since when support-triage answers with its new prompt; how long the research agent burnt money.
DRIFT_HOURS: Final = 6.0
SPIKE_HOURS: Final = (3.5, 2.5)
STORM_HOURS: Final = (9.0, 8.5)

#: What else happens beside healthy runs, and how often.
_ORDINARY: Final = (
    ("healthy", 70),
    ("hand_off", 10),
    ("tool_error", 9),
    ("empty_retrieval", 3),
    ("truncated", 3),
    ("injected", 1),
    ("loop", 1),
    ("retry_storm", 1),
)
#: The first live runs, so that a visitor need not wait for the dice.
_OPENING: Final[tuple[tuple[str, Agent], ...]] = (
    ("loop", FIXER),
    ("healthy", SUPPORT),
    ("retry_storm", TRAVEL),
    ("cost_spike", RESEARCH),
    ("hand_off", SUPPORT),
    ("retry_storm", TRAVEL),
    ("cost_spike", RESEARCH),
    ("injected", RESEARCH),
    ("loop", FIXER),
    ("stalled", FIXER),
)


def past(seed: str, now: float, hours: float = 24.0) -> Iterator[Run]:
    """The runs of the last hours that have ended by now, oldest first."""
    first = math.ceil((now - hours * 3600) / PAST_SLOT)
    for slot in range(first, int(now // PAST_SLOT)):
        dice = Random(f"{seed}/past/{slot}")  # noqa: S311
        started_at = slot * PAST_SLOT + dice.uniform(0, PAST_SLOT / 2)
        run = _run(seed, dice, slot, started_at, hours_ago=(now - started_at) / 3600)
        if started_at + run.seconds < now - 1:
            yield run


def live(seed: str, started: float) -> Iterator[Run]:
    """The runs from `started` on, one about each `LIVE_EVERY` seconds, without end."""
    number = 0
    at = started
    while True:
        dice = Random(f"{seed}/live/{started:.0f}/{number}")  # noqa: S311
        if number < len(_OPENING):
            scenario, agent = _OPENING[number]
            user = dice.choice(USERS)
            yield tell(scenario, agent, seed, started_at=at, session=f"{agent.service}-live-{number}", user=user)
        else:
            yield _run(seed, dice, int(at // PAST_SLOT), at, hours_ago=0.0)
        number += 1
        at += dice.uniform(0.6, 1.4) * LIVE_EVERY


def _run(seed: str, dice: Random, slot: int, started_at: float, hours_ago: float) -> Run:
    agent, _ = dice.choices(STARTERS, [share for _, share in STARTERS])[0]
    scenario, _ = dice.choices(_ORDINARY, [share for _, share in _ORDINARY])[0]
    if STORM_HOURS[1] < hours_ago < STORM_HOURS[0]:
        agent, scenario = TRAVEL, "retry_storm"
    elif SPIKE_HOURS[1] < hours_ago < SPIKE_HOURS[0] and dice.random() < 0.5:
        agent, scenario = RESEARCH, "cost_spike"
    elif agent is SUPPORT and hours_ago < DRIFT_HOURS and dice.random() < 0.6:
        scenario = "drifted"
    # A conversation has a few runs: neighbours in time share one.
    session = f"{agent.service}-{slot // 3}"
    return tell(scenario, agent, seed, started_at=started_at, session=session, user=USERS[slot // 3 % len(USERS)])
