"""The plain fleet: tools whose failures are beta-binomial and that get worse for one day.

The easy case, in the words of most papers and of the first figures of this detector: 1,200 pairs, 5 % of them 10 to
50 points worse for a day; the rate varies between blocks of six hours with concentration 30. See `tools` for the
hard case.
"""

from __future__ import annotations

import numpy as np

from benchmarks.fleets.episodes import Episode
from benchmarks.fleets.tools import ToolFleet, ToolFleetParameters

CONCENTRATION = 30.0
TOOLS = 8


def plain_tool_fleet(seed: int, agents: int = 150, days: int = 22) -> ToolFleet:
    """Calls per hour log-normal between pairs (median 8, sd .8) and Poisson; usual rates Beta(1, 19), mean .05."""
    random = np.random.default_rng([seed, 44])
    parameters = ToolFleetParameters(agents=agents, days=days)
    pairs, hours, first = agents * TOOLS, days * 24, parameters.quiet_days * 24
    calls = random.poisson(8 * np.exp(random.normal(0, 0.8, pairs))[:, None], (pairs, hours))
    usual = np.clip(random.beta(1, 19, pairs), 0.001, 0.6)[:, None]
    blocks = random.beta(usual * CONCENTRATION, (1 - usual) * CONCENTRATION, (pairs, hours // 6))
    rate = np.repeat(blocks, 6, axis=1)
    episodes = []
    for pair in np.nonzero(random.random(pairs) < 0.05)[0].tolist():
        start, size = int(random.integers(first, hours - 24)), float(random.uniform(0.1, 0.5))
        rate[pair, start : start + 24] = np.minimum(rate[pair, start : start + 24] + size, 1)
        episodes.append(Episode("sudden", (pair,), start, start + 24, size))
    return ToolFleet(
        parameters,
        tuple(pair // TOOLS for pair in range(pairs)),
        tuple(pair % TOOLS for pair in range(pairs)),
        calls,
        random.binomial(calls, rate),
        np.zeros((pairs, hours), dtype=np.int64),
        tuple(episodes),
    )
