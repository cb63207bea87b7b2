"""A fleet whose agents spend money: cost and runs by hour, and the episodes in which spending changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleets.episodes import EPOCH_HOUR, Episode
from benchmarks.fleets.seasons import day_noise, gaps, remembering_noise, season
from tracestore.detectors.histories import HOUR_NS, CostHour

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CostFleetParameters:
    """How the fleet is made. The first `quiet_days` have no episode.

    Runs per hour log-uniform from 1 to 300 (mean of the week), season of `seasons.season`, AR(1) noise sd .05 to .35,
    noise per day sd .03 to .2, gamma-mixed counts. `batches` of the agents have one or two nightly (some weekly)
    hours with 3 to 10 times the mean; `growing` grow or shrink by up to 2 % a day; `holidays` have one weekday that
    looks like a tenth of itself. Cost of a run: half log-normal (sd .4 to 1.2), a quarter Pareto (exponent 1.7 to 2.6,
    cut at 300 times its scale), a quarter of two sizes (1 to 15 % cost 10 to 30 times more); cost per run also
    varies by day (sd .01 to .08) and, for half of the agents, by the hour of the day (up to x1.5).
    """

    agents: int = 150
    days: int = 42
    quiet_days: int = 14
    batches: float = 0.3
    growing: float = 0.3
    holidays: float = 0.2
    late_agents: float = 0.05
    spikes: float = 0.3
    steps: float = 0.12
    creeps: float = 0.12
    launches: float = 0.12


@dataclass(frozen=True, slots=True)
class CostFleet:
    """`cost` (USD), `runs` and `dearest` (the dearest run's cost) are agents x hours."""

    parameters: CostFleetParameters
    cost: Floats
    runs: Ints
    dearest: Floats
    episodes: tuple[Episode, ...]

    @property
    def hours(self) -> int:
        return int(self.cost.shape[1])

    def rows(self, end: int, days: int = 42) -> tuple[CostHour, ...]:
        """What the store would count at hour `end` (excluded), oldest first."""
        start = max(0, end - days * 24)
        agents, at = np.nonzero(self.runs[:, start:end])
        return tuple(
            CostHour(
                hour_ns=(EPOCH_HOUR + start + hour) * HOUR_NS,
                kind="agent",
                name=f"agent-{agent:03d}",
                cost_usd=float(self.cost[agent, start + hour]),
                tokens=int(self.cost[agent, start + hour] * 200_000),
                runs=int(self.runs[agent, start + hour]),
                dearest_trace=f"{agent:016x}{start + hour:016x}",
                dearest_cost=float(self.dearest[agent, start + hour]),
            )
            for hour, agent in sorted(zip(at.tolist(), agents.tolist(), strict=True))
        )


def cost_fleet(seed: int, parameters: CostFleetParameters | None = None) -> CostFleet:
    """The same fleet for the same seed and parameters."""
    parameters = parameters or CostFleetParameters()
    random = np.random.default_rng([seed, 7])
    hours, first = parameters.days * 24, parameters.quiet_days * 24
    cost = np.zeros((parameters.agents, hours))
    dearest = np.zeros((parameters.agents, hours))
    runs = np.zeros((parameters.agents, hours), dtype=np.int64)
    episodes: list[Episode] = []
    chances = [parameters.spikes, parameters.steps, parameters.creeps, parameters.launches]
    for agent in range(parameters.agents):
        expected, silent = _traffic(random, parameters, hours)
        price = np.exp(day_noise(random, hours, random.uniform(0.01, 0.08)))
        if random.random() < 0.5:
            price *= season_of_price(random, hours)
        price *= np.exp(random.uniform(np.log(0.002), np.log(0.5)))
        kind = random.choice(["spike", "step", "creep", "launch", "none"], p=[*chances, 1 - sum(chances)])
        start = int(random.integers(first, hours - 24))
        if silent[: start + 24].sum() > start - 24 * 14:  # less than two weeks known: nothing can be said
            kind = "none"
        if kind == "launch":
            size = float(random.uniform(1.8, 4))
            expected[start:] *= size
            episodes.append(Episode("launch", (agent,), start, hours, size, harmless=True))
        elif kind == "step":
            start = int(random.integers(first, hours - 72))
            size = float(random.uniform(1.5, 4))
            price[start:] *= size
            episodes.append(Episode("step", (agent,), start, hours, size))
        elif kind == "creep":
            rise = int(random.integers(6 * 24, 10 * 24))
            start = int(random.integers(first, hours - rise - 24))
            size = float(random.uniform(1.5, 3))
            price[start:] *= 1 + (size - 1) * np.minimum(np.arange(1, hours - start + 1) / rise, 1.0)
            episodes.append(Episode("creep", (agent,), start, hours, size))
        counts = random.poisson(random.gamma(np.maximum(expected / 2, 1e-9), 2.0))
        counts[silent] = 0
        draw = _run_costs(random)
        total = int(counts.sum())
        each = draw(total)
        at = np.repeat(np.arange(hours), counts)
        each = each * price[at]
        runs[agent] = counts
        cost[agent] = np.bincount(at, weights=each, minlength=hours)
        np.maximum.at(dearest[agent], at, each)
        if kind == "spike":
            long, size = int(random.integers(1, 6)), float(random.uniform(3, 10))
            mean = cost[agent, start - 168 : start].mean()
            by_runs = random.random() < 0.5  # many more runs, or a few very dear ones
            usual = each.mean()
            for hour in range(start, start + long):
                extra = size * mean * float(np.exp(random.normal(0, 0.2)))
                count = max(1, round(extra / usual)) if by_runs else int(random.integers(1, 6))
                parts = random.dirichlet(np.ones(count)) * extra
                cost[agent, hour] += extra
                runs[agent, hour] += count
                dearest[agent, hour] = max(dearest[agent, hour], float(parts.max()))
            episodes.append(Episode("spike", (agent,), start, start + long, size))
    return CostFleet(parameters, cost, runs, dearest, tuple(episodes))


def season_of_price(random: np.random.Generator, hours: int) -> Floats:
    """Runs of some hours cost more than others (batches, other users): a sine of the clock, up to x1.5 over the mean."""
    clock = np.arange(hours) % 24
    return np.exp(random.uniform(0, 0.4) * np.sin((clock - random.uniform(0, 24)) / 24 * 2 * np.pi))


def _traffic(
    random: np.random.Generator, parameters: CostFleetParameters, hours: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Expected runs by hour, and where nothing was recorded."""
    mean = np.exp(random.uniform(0, np.log(300)))
    expected = season(random, hours)
    if random.random() < parameters.batches:
        weekly = random.random() < 0.2
        for clock in random.integers(0, 24, size=random.integers(1, 3)):
            batch = (np.arange(hours) % 24 == clock) & ((np.arange(hours) // 24 % 7 == 0) | (not weekly))
            expected = expected + batch * random.uniform(3, 10)
    expected = expected * mean * remembering_noise(random, hours, random.uniform(0.05, 0.35), 0.7)
    expected *= np.exp(day_noise(random, hours, random.uniform(0.03, 0.2)))
    if random.random() < parameters.growing:
        expected *= np.exp(np.arange(hours) / 24 * random.uniform(-0.02, 0.02))
    if random.random() < parameters.holidays:
        day = int(random.choice([day for day in range(hours // 24) if day % 7 < 5]))
        expected[day * 24 : day * 24 + 24] *= 0.1
    return expected, gaps(random, hours, late=parameters.late_agents, first_days=3)


def _run_costs(random: np.random.Generator) -> Callable[[int], Floats]:
    """A way to draw the costs of runs, of mean about 1."""
    kind = random.choice(3, p=[0.5, 0.25, 0.25])
    if kind == 0:
        sd = random.uniform(0.4, 1.2)
        return lambda count: np.exp(random.normal(-(sd**2) / 2, sd, count))
    if kind == 1:
        exponent = random.uniform(1.7, 2.6)
        return lambda count: np.minimum(random.pareto(exponent, count) + 1, 300) * (exponent - 1) / exponent
    share, more = random.uniform(0.01, 0.15), random.uniform(10, 30)
    usual = 1 / (1 - share + share * more)
    return lambda count: usual * np.where(random.random(count) < share, more, 1) * np.exp(random.normal(0, 0.2, count))
