"""Ten times, a hundred times, a thousand times: what gives way first at each step, and what changes then. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from benchmarks.scaling.figures import Assumed, Recorded
from benchmarks.scaling.layout import Layout, bound, for_rate, utilisations
from benchmarks.scaling.simulation import Outcome, simulate

#: Changes of one step at most; each makes room for another part.
MOST_CHANGES = 40


@dataclass(frozen=True, slots=True)
class Change:
    """`part` gave way at `utilisation` of what it can take; `then` is what changes."""

    part: str
    utilisation: float
    then: str


@dataclass(frozen=True, slots=True)
class Step:
    """`before`: the layout of the step before under this load. `after`: the one that holds it."""

    times: float
    spans_per_s: float
    changes: tuple[Change, ...]
    layout: Layout
    before: Outcome
    after: Outcome
    utilisations: dict[str, float]


def one_machine(seen: Recorded, assumed: Assumed) -> Layout:
    """What was measured: everything on one machine."""
    return Layout(
        together=True,
        cores_per_machine=seen.cores,
        rows_per_insert=assumed.rows_per_insert,
        retention_days=assumed.retention_days,
    )


def steps(times: list[float], seen: Recorded, assumed: Assumed) -> list[Step]:
    """Each step begins with the layout that the one before it ended with."""
    layout, found = one_machine(seen, assumed), []
    for factor in times:
        rate = seen.spans_per_s * factor
        before, changes = simulate(layout, seen, assumed, rate), []
        while len(changes) < MOST_CHANGES:
            name, utilisation = bound(layout, seen, assumed, rate)
            # The machine that was measured is measured at its end, and its CPU holds what it put off until after the load.
            if utilisation <= (1.1 if factor <= 1 else assumed.planned + 1e-6):
                break
            changed, words = for_rate(layout, seen, assumed, rate, name)
            if changed == layout:
                raise ValueError(f"{name}: nothing that is known makes room at {rate:,.0f} spans/s")
            layout = changed
            changes.append(Change(name, utilisation, words))
        after = simulate(layout, seen, assumed, rate)
        found.append(
            Step(factor, rate, tuple(changes), layout, before, after, utilisations(layout, seen, assumed, rate))
        )
    return found


def needs(step: Step, seen: Recorded, assumed: Assumed) -> dict[str, Any]:
    """What such an installation is made of."""
    layout, rate = step.layout, step.spans_per_s
    day = rate * 86_400 * seen.stored_bytes * assumed.mean_of_peak
    stateless = 0.0 if layout.together else rate * (seen.cpu_ingest + seen.cpu_worker) / assumed.planned
    return {
        "machines of the store": layout.machines,
        "shards": layout.shards * layout.cells,
        "replicas": layout.replicas,
        "cores of the store": layout.machines * layout.cores_per_machine,
        "ingest processes": layout.ingest * layout.cells,
        "looks at a time (worker processes)": layout.detection * layout.cells,
        "cores for ingest and workers": ceil(stateless),
        "memory of the store, GiB": layout.machines * (seen.memory_gib if layout.together else assumed.memory_per_machine_gib),
        "received, MB/s": rate * seen.wire_bytes / 1e6,
        "stored a day, TB, one copy": day / 1e12,
        "on own disks, TB, all copies": day * min(layout.hot_days or layout.retention_days, layout.retention_days) * layout.replicas / 1e12,
        f"kept for {layout.retention_days:g} days, TB, one copy": day * layout.retention_days / 1e12,
        "installations": layout.cells,
    }  # fmt: skip


def as_json(found: list[Step], seen: Recorded, assumed: Assumed) -> dict[str, Any]:
    return {
        "recorded": asdict(seen),
        "assumed": asdict(assumed),
        "steps": [{**asdict(step), "needs": needs(step, seen, assumed)} for step in found],
    }


def with_retention(assumed: Assumed, days: float) -> Assumed:
    return replace(assumed, retention_days=days)
