"""How good `semantic_drift` is on generated agents, beside the rule "PSI of any feature over 0.2".

    python -m benchmarks.drift_detection --seed 5000 --healthy 200 --changed 10

Each agent has twenty days of past and one week under test, about twenty runs a day with a mix of tasks that
varies from day to day. A test a week is 4.3 a month.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict

import numpy as np

from benchmarks.fleets.conversations import KINDS, START_NS, agent, runs
from tracestore.detectors.drift_features import plain
from tracestore.detectors.histories import DAY_NS, RunTexts
from tracestore.detectors.semantic_drift import SEMANTIC_DRIFT as DETECTOR
from tracestore.detectors.semantic_drift import judge

DAYS, WEEK = 27, 7
TESTS_A_MONTH = 30 / 7


def psi(found: RunTexts) -> bool:
    """Whether the population stability index of any plain feature (deciles of the past) is over 0.2."""
    values = plain(found.rows).values
    since = found.now_ns - WEEK * DAY_NS
    tested = np.array([run.start_ns >= since for run in found.rows])
    for column in values.T:
        edges = np.unique(np.quantile(column[~tested], np.linspace(0, 1, 11)[1:-1]))
        expected = np.bincount(np.searchsorted(edges, column[~tested]), minlength=len(edges) + 1) + 0.5
        actual = np.bincount(np.searchsorted(edges, column[tested]), minlength=len(edges) + 1) + 0.5
        e, a = expected / expected.sum(), actual / actual.sum()
        if float(((a - e) * np.log(a / e)).sum()) > 0.2:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--healthy", type=int, default=200, help="agents that do not change")
    parser.add_argument("--changed", type=int, default=10, help="agents per kind and share of change")
    options = parser.parse_args()
    now = START_NS + DAYS * DAY_NS
    began, tests = time.process_time(), 0
    ours, plainly = 0, 0
    for seed in range(options.seed, options.seed + options.healthy):
        history = RunTexts("fleet", f"agent {seed}", now, tuple(runs(agent(seed), DAYS)))
        judged = judge(history, DETECTOR.defaults)
        ours += judged is not None and judged.drifted(DETECTOR.defaults)
        plainly += psi(history)
        tests += 1
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for share in (0.1, 0.2, 0.5):
        hits = []
        for kind in KINDS:
            hit = 0
            for seed in range(options.seed + 10_000, options.seed + 10_000 + options.changed):
                rows = runs(agent(seed), DAYS, change=kind, share=share)
                judged = judge(RunTexts("fleet", f"agent {seed}", now, tuple(rows)), DETECTOR.defaults)
                hit += judged is not None and judged.drifted(DETECTOR.defaults)
                tests += 1
            found[f"{share:.0%} of runs"][kind] = hit / options.changed
            hits.append(hit / options.changed)
        found[f"{share:.0%} of runs"]["all"] = round(float(np.mean(hits)), 3)
    draw = np.random.default_rng(1)
    boot = draw.binomial(options.healthy, ours / options.healthy, 4000) / options.healthy * TESTS_A_MONTH
    report = {
        "healthy_windows": options.healthy,
        "false_alarms_per_agent_month": round(ours / options.healthy * TESTS_A_MONTH, 3),
        "interval": [round(float(x), 3) for x in np.percentile(boot, [2.5, 97.5])],
        "psi_over_0.2_fires_on_healthy": round(plainly / options.healthy, 2),
        "recall": found,
        "cpu_seconds_per_test": round((time.process_time() - began) / tests, 2),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
