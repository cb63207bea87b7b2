"""Spans on their way, second by second: arrivals with bursts, queues, and how far behind each stage is. Pure.

Stages in a row: ingest → engine (an insert, acknowledged) → settling and detection, side by side, which may fall behind
without holding senders up. What ingest cannot take in its bound is refused and sent again, so it waits with the senders.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.scaling.figures import Assumed, Recorded
from benchmarks.scaling.layout import STAGES, Layout, Part, parts

#: Spans that one ingest process holds at most (128 MiB of bodies, ingest/limits.py).
HELD = 128 * (1 << 20)


@dataclass(frozen=True, slots=True)
class Stage:
    """What became of one stage: `growth` in spans/s over the second half, `lag` in s at the end."""

    name: str
    utilisation: float
    queue: float
    growth: float
    lag: float


@dataclass(frozen=True, slots=True)
class Outcome:
    offered: float
    stored: float  # spans/s, acknowledged
    senders: Stage
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        return next(one for one in self.stages if one.name == name)


def simulate(
    layout: Layout, seen: Recorded, assumed: Assumed, spans_per_s: float, seconds: int = 600, seed: int = 1
) -> Outcome:
    """One cell under its share of the load for so long, from empty queues."""
    each = spans_per_s / layout.cells
    chance = random.Random(seed)
    known = parts(layout, seen, assumed)
    queue = dict.fromkeys(("senders", *STAGES), 0.0)
    worked = dict.fromkeys(STAGES, 0.0)
    half: dict[str, float] = {}
    stored = 0.0
    room = layout.ingest * HELD / seen.wire_bytes
    for second in range(seconds):
        if second == seconds // 2:
            half = dict(queue)
        # A minute's swell of a fifth, and noise: the mean is what was asked for.
        swell = 1 + 0.2 * (1 if second % 60 < 30 else -1) + chance.gauss(0, 0.05)
        queue["senders"] += each * max(swell, 0.0)
        taken = min(queue["senders"], max(room - queue["ingest"] - queue["engine"], 0.0))
        queue["senders"] -= taken
        queue["ingest"] += taken
        able = capacities(layout, seen, known, queue)
        for name, then in (
            ("ingest", ("engine",)),
            ("engine", ("settling", "detection")),
            ("settling", ()),
            ("detection", ()),
        ):
            done = min(queue[name], able[name])
            queue[name] -= done
            worked[name] += done
            for later in then:
                queue[later] += done
            if name == "engine":
                stored += done
    found = []
    for name in ("senders", *STAGES):
        growth = (queue[name] - half[name]) / (seconds - seconds // 2)
        # A stage that falls behind does all that it can.
        able_ = worked.get(name, stored) / seconds
        used = each * known[name].work / known[name].units if name in known else 0.0
        found.append(
            Stage(name, used, queue[name], growth if growth > each * 0.005 else 0.0, queue[name] / max(able_, 1e-9))
        )
    return Outcome(each, stored / seconds, found[0], tuple(found[1:]))


def capacities(
    layout: Layout, seen: Recorded, known: Mapping[str, Part], queue: Mapping[str, float]
) -> dict[str, float]:
    """Spans that each stage can do in this second. On one machine those who have work share its cores."""
    alone = {name: known[name].units / known[name].work for name in STAGES}
    if not layout.together:
        return alone
    # What each would use of the cores, were they its own; the scheduler gives everybody the same part of that.
    costs = {"ingest": seen.cpu_ingest, "engine": seen.cpu_engine, "detection": seen.cpu_worker}
    wanted = {
        name: min(queue[name] + (queue["senders"] if name == "ingest" else 0.0), alone[name]) * cost
        for name, cost in costs.items()
    }
    total = sum(wanted.values())
    part = min(1.0, layout.cores_per_machine / total) if total else 1.0
    return {name: alone[name] if name == "settling" else (wanted[name] * part / costs[name]) for name in alone}


def sustained(layout: Layout, seen: Recorded, assumed: Assumed) -> float:
    """The most spans/s at which no queue grows, by halving; to within half a percent."""
    low, high = 1.0, 1e9
    while high / low > 1.005:
        middle = (low * high) ** 0.5
        outcome = simulate(layout, seen, assumed, middle, seconds=240)
        if any(stage.growth for stage in (outcome.senders, *outcome.stages)):
            high = middle
        else:
            low = middle
    return low
