"""When which agent runs, and what happens: the last day, then from now on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from tracestore.demo.fleet import (
    ANALYST,
    FIXER,
    FIXER_AFTER,
    RESEARCH,
    STARTERS,
    SUPPORT,
    SUPPORT_AFTER,
    TRAVEL,
    USERS,
    Agent,
)
from tracestore.demo.scenarios import tell
from tracestore.demo.story import Run

#: A run in each slot of the past. Slots are those of the clock, so that a second start sends the same runs.
PAST_SLOT: Final = 300
#: Days before the last one: what is unusual can only be told of who is known.
EARLIER_DAYS: Final = 17
LIVE_EVERY: Final = 5.0
#: Since when support-triage answers with its new prompt, as a new version; how long the research agent burnt money.
DRIFT_HOURS: Final = 60.0
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
#: The first live runs, so that a visitor need not wait for the dice. The first one ends the story of on-call.
_OPENING: Final[tuple[tuple[str, Agent], ...]] = (
    ("healthy", FIXER_AFTER),
    ("healthy", SUPPORT),
    ("retry_storm", TRAVEL),
    ("cost_spike", RESEARCH),
    ("hand_off", SUPPORT),
    ("retry_storm", TRAVEL),
    ("cost_spike", RESEARCH),
    ("injected", RESEARCH),
    ("loop", ANALYST),
    ("stalled", FIXER_AFTER),
)


def past(seed: str, now: float, hours: float = 24.0, until_hours: float = 0.0) -> Iterator[Run]:
    """The runs that began `hours` to `until_hours` ago and have ended by now, oldest first."""
    first = math.ceil((now - hours * 3600) / PAST_SLOT)
    for slot in range(
        first, math.ceil((now - until_hours * 3600) / PAST_SLOT) if until_hours else int(now // PAST_SLOT)
    ):
        dice = Random(f"{seed}/past/{slot}")  # noqa: S311
        started_at = slot * PAST_SLOT + dice.uniform(0, PAST_SLOT / 2)
        run = _run(seed, dice, slot, started_at, hours_ago=(now - started_at) / 3600)
        if started_at + run.seconds < now - 1:
            yield run


def on_call(seed: str, started: float) -> Run:
    """How the story of on-call begins: a run that loops until it is halted. The agent's next version does not."""
    return tell("loop", FIXER, seed, started_at=started, session=f"{FIXER.service}-live", user=USERS[0])


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
            yield _run(seed, dice, int(at // PAST_SLOT), at, hours_ago=0.0, fixer=FIXER_AFTER)
        number += 1
        at += dice.uniform(0.6, 1.4) * LIVE_EVERY


def _run(seed: str, dice: Random, slot: int, started_at: float, hours_ago: float, fixer: Agent = FIXER) -> Run:
    agent, _ = dice.choices(STARTERS, [share for _, share in STARTERS])[0]
    scenario, _ = dice.choices(_ORDINARY, [share for _, share in _ORDINARY])[0]
    if STORM_HOURS[1] < hours_ago < STORM_HOURS[0]:
        agent, scenario = TRAVEL, "retry_storm"
    elif SPIKE_HOURS[1] < hours_ago < SPIKE_HOURS[0] and dice.random() < 0.5:
        agent, scenario = RESEARCH, "cost_spike"
    elif agent is SUPPORT and hours_ago < DRIFT_HOURS and dice.random() < 0.6:
        scenario = "drifted"
    if agent is SUPPORT and hours_ago < DRIFT_HOURS:
        agent = SUPPORT_AFTER
    elif agent is FIXER:
        agent = fixer
    # A conversation has a few runs: neighbours in time share one.
    session = f"{agent.service}-{slot // 3}"
    return tell(scenario, agent, seed, started_at=started_at, session=session, user=USERS[slot // 3 % len(USERS)])
