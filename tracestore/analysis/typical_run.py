"""Which run of an agent is its typical one: of those that went the most frequent way, the one in the middle.

Pure. The middle is by duration, cost and number of steps together: for each, how far a run's rank is from the
median's; the run with the smallest sum. It is a real run that one can open, not an average of several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(slots=True, frozen=True)
class Run:
    """A finished run with its figures; cost in US dollars, None where unknown."""

    trace_id: str
    duration_ns: int
    cost_usd: float | None
    steps: int


@dataclass(slots=True, frozen=True)
class TypicalRun:
    """`alike` of `total` runs went the same way as this one."""

    trace_id: str
    alike: int
    total: int


def way(path: Sequence[str]) -> tuple[str, ...]:
    """What was called, in order; the same thing again and again counts once."""
    return tuple(key for key, _ in groupby(path))


def typical_run(runs: Sequence[Run], paths: Mapping[str, Sequence[str]]) -> TypicalRun | None:
    """The typical one of some runs, newest first; None where there are none. `paths` are their calls by trace."""
    known = [run for run in runs if run.trace_id in paths]
    if not known:
        return None
    ways = {run.trace_id: way(paths[run.trace_id]) for run in known}
    counted = Counter(ways.values())
    # `most_common` keeps the order of first sight: of ways equally frequent, the one that was gone last.
    usual, count = counted.most_common(1)[0]
    alike = [run for run in known if ways[run.trace_id] == usual]
    distances = [0.0] * len(alike)
    for figure in (
        [float(run.duration_ns) for run in alike],
        [run.cost_usd or 0.0 for run in alike],
        [float(run.steps) for run in alike],
    ):
        for place, far in enumerate(from_middle(figure)):
            distances[place] += far
    best = min(range(len(alike)), key=lambda place: (distances[place], place))
    return TypicalRun(alike[best].trace_id, count, len(known))


def from_middle(values: Sequence[float]) -> list[float]:
    """How far the rank of each value is from the median's; equal values have one rank, their mean."""
    ordered = sorted(values)
    middle = (len(values) - 1) / 2
    ranks: dict[float, float] = {}
    for value, places in groupby(range(len(ordered)), key=lambda place: ordered[place]):
        where = list(places)
        ranks[value] = (where[0] + where[-1]) / 2
    return [abs(ranks[value] - middle) for value in values]
