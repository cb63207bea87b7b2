"""A fleet whose agents call tools: calls and failures by hour, and the episodes in which tools got worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleets.episodes import EPOCH_HOUR, Episode
from benchmarks.fleets.seasons import day_noise, gaps, remembering_noise, season
from tracestore.detectors.histories import HOUR_NS, ToolHour

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ToolFleetParameters:
    """How the fleet is made. Days before `quiet_days` have no episode, so that a week is known when judging starts.

    Per pair (agent x tool): calls per hour log-normal (`calls_median`, `calls_sd`), counts gamma-mixed.
    Usual failure rate: 35 % of pairs .001 to .01, 40 % around .03, 15 % .05 to .15, 10 % by design .15 to .6.
    Noise on the logit: per hour sd .1 to .8, per day sd 0 to .35, per tool and day over all agents sd .15; and in
    `burst_share` of the hours one confused run that fails again and again (geometric, mean 4).
    """

    agents: int = 150
    days: int = 22
    quiet_days: int = 8
    catalogue: int = 40
    calls_median: float = 6.0
    calls_sd: float = 1.1
    burst_share: float = 0.004
    sudden: float = 0.05
    creeping: float = 0.03
    agent_outages: float = 0.06
    tool_outages: int = 4
    bad_releases: float = 0.15
    late_agents: float = 0.06
    late_tools: float = 0.03


@dataclass(frozen=True, slots=True)
class ToolFleet:
    """`calls`, `failed` and `version` are pairs x hours; `version` counts releases of the pair's agent from 0."""

    parameters: ToolFleetParameters
    agent: tuple[int, ...]
    tool: tuple[int, ...]
    calls: Ints
    failed: Ints
    version: Ints
    episodes: tuple[Episode, ...]

    @property
    def hours(self) -> int:
        return int(self.calls.shape[1])

    def rows(self, end: int, days: int = 15) -> tuple[ToolHour, ...]:
        """What the store would count at hour `end` (excluded), oldest first."""
        start = max(0, end - days * 24)
        pairs, at = np.nonzero(self.calls[:, start:end])
        return tuple(
            ToolHour(
                hour_ns=(EPOCH_HOUR + start + hour) * HOUR_NS,
                agent=f"agent-{self.agent[pair]:03d}",
                agent_version=f"1.{self.version[pair, start + hour]}",
                tool=f"tool-{self.tool[pair]:02d}",
                calls=int(self.calls[pair, start + hour]),
                failed=int(self.failed[pair, start + hour]),
            )
            for hour, pair in sorted(zip(at.tolist(), pairs.tolist(), strict=True))
        )


def tool_fleet(seed: int, parameters: ToolFleetParameters | None = None) -> ToolFleet:
    """The same fleet for the same seed and parameters."""
    parameters = parameters or ToolFleetParameters()
    random = np.random.default_rng([seed, 4])
    hours, first = parameters.days * 24, parameters.quiet_days * 24
    popularity = 1 / np.arange(1, parameters.catalogue + 1) ** 0.7
    popularity /= popularity.sum()
    of_agent: list[int] = []
    of_tool: list[int] = []
    for agent in range(parameters.agents):
        chosen = random.choice(parameters.catalogue, size=random.integers(4, 13), replace=False, p=popularity)
        of_agent += [agent] * len(chosen)
        of_tool += sorted(chosen.tolist())
    pairs = len(of_agent)
    agents, tools = np.array(of_agent), np.array(of_tool)

    calls, version, logit = _traffic(random, parameters, agents, hours)
    logit += np.array([day_noise(random, hours, 0.15) for _ in range(parameters.catalogue)])[tools]

    worse = np.zeros((pairs, hours))
    episodes: list[Episode] = []

    def add(
        kind: str, series: list[int], start: int, end: int, points: NDArray[np.float64] | float, size: float
    ) -> None:
        for one in series:
            worse[one, start:end] = np.maximum(worse[one, start:end], points)
        episodes.append(Episode(kind, tuple(series), start, end, size))

    touched: set[int] = set()
    for tool in random.choice(parameters.catalogue // 2, size=parameters.tool_outages, replace=False):
        start = int(random.integers(first, hours - 24))
        end, size = start + int(random.integers(2, 13)), float(random.uniform(0.3, 0.9))
        series = np.nonzero(tools == tool)[0].tolist()
        add("tool outage", series, start, end, size, size)
        touched.update(series)
    for agent in range(parameters.agents):
        if random.random() < parameters.agent_outages:
            start = int(random.integers(first, hours - 24))
            end, size = start + int(random.integers(2, 13)), float(random.uniform(0.3, 0.9))
            series = np.nonzero(agents == agent)[0].tolist()
            if touched.isdisjoint(series):
                add("agent outage", series, start, end, size, size)
                touched.update(series)
        for release in np.nonzero(np.diff(version[agents == agent][0]))[0]:
            free = [pair for pair in np.nonzero(agents == agent)[0].tolist() if pair not in touched]
            if free and first <= release < hours - 48 and random.random() < parameters.bad_releases:
                size = float(random.uniform(0.1, 0.4))
                pair = int(random.choice(free))
                add("bad release", [pair], int(release) + 1, hours, size, size)
                touched.add(pair)
    for pair in range(pairs):
        draw = random.random()
        if pair in touched:
            continue
        if draw < parameters.sudden:
            start = int(random.integers(first, hours - 36))
            size = float(random.uniform(0.1, 0.5))
            add("sudden", [pair], start, start + int(random.integers(12, 37)), size, size)
        elif draw < parameters.sudden + parameters.creeping:
            start, rise = int(random.integers(first, hours - 144)), int(random.integers(48, 121))
            size = float(random.uniform(0.1, 0.4))
            ramp = np.minimum(np.arange(1, hours - start + 1) / rise, 1.0) * size
            add("creeping", [pair], start, hours, ramp, size)

    rate = 1 / (1 + np.exp(-logit))
    rate = np.minimum(rate + worse * (1 - rate), 1.0)
    failed = random.binomial(calls, rate)
    bursts = (random.random(calls.shape) < parameters.burst_share) * random.geometric(0.25, calls.shape)
    failed = np.minimum(failed + bursts, calls)
    return ToolFleet(parameters, tuple(of_agent), tuple(of_tool), calls, failed, version, tuple(episodes))


def _traffic(
    random: np.random.Generator, parameters: ToolFleetParameters, agents: Ints, hours: int
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Calls, releases and the usual logit of the failure rate, pairs x hours."""
    pairs = len(agents)
    calls = np.zeros((pairs, hours), dtype=np.int64)
    version = np.zeros((pairs, hours), dtype=np.int64)
    logit = np.zeros((pairs, hours))
    for agent in range(parameters.agents):
        rhythm = season(random, hours) * remembering_noise(random, hours, random.uniform(0.1, 0.5), 0.7)
        silent = gaps(random, hours, late=parameters.late_agents, first_days=3)
        releases = np.sort(random.integers(24, hours - 24, size=random.choice([0, 1, 2, 3], p=[0.4, 0.3, 0.2, 0.1])))
        release = np.searchsorted(releases, np.arange(hours), side="right")
        shared = day_noise(random, hours, random.uniform(0, 0.2))
        for pair in np.nonzero(agents == agent)[0]:
            mean = parameters.calls_median * np.exp(random.normal(0, parameters.calls_sd))
            clumps = random.uniform(0.5, 5)  # calls of an hour come in clumps: gamma-mixed, not Poisson
            expected = rhythm * mean
            mixed = random.gamma(np.maximum(expected / clumps, 1e-9), clumps)
            here = random.poisson(mixed)
            here[silent] = 0
            if random.random() < parameters.late_tools:
                here[: random.integers(3 * 24, hours - 48)] = 0
            calls[pair], version[pair] = here, release
            kind = random.choice(4, p=[0.35, 0.4, 0.15, 0.1])
            usual = [
                np.exp(random.uniform(np.log(0.001), np.log(0.01))),
                0.03 * np.exp(random.normal(0, 0.4)),
                random.uniform(0.05, 0.15),
                random.uniform(0.15, 0.6),
            ][kind]
            between_releases = random.normal(0, 0.25, 4)
            logit[pair] = (
                np.log(usual / (1 - usual))
                + random.normal(0, random.uniform(0.1, 0.8), hours)
                + day_noise(random, hours, random.uniform(0, 0.35))
                + shared
                + between_releases[release]
            )
    return calls, version, logit
