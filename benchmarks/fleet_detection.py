"""How well the detectors of tool errors and costs do on generated fleets, beside plain rules in the same run.

    python -m benchmarks.fleet_detection [--seeds 101 102] [--only costs] [--out FILE.json]

Prints Markdown. Seeds in `fleets.SEEDS_TO_SCORE` were not looked at while the detectors were made. An alarm is
silent for 24 hours after it spoke. It is false when its window touches no episode of its series; what a detector
says of a launch is counted apart. Episodes with fewer than five calls are left out and counted. Intervals are 95 %
percentile bootstraps over agents (false alarms) and Wilson's (recall).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fleets import SEEDS_TO_SCORE
from benchmarks.fleets.costs import CostFleet, cost_fleet
from benchmarks.fleets.episodes import EPOCH_HOUR, Episode
from benchmarks.fleets.plain_tools import plain_tool_fleet
from benchmarks.fleets.tools import ToolFleet, tool_fleet
from tracestore.detectors.cost_anomaly import CostSettings
from tracestore.detectors.share_change import ShareHistory
from tracestore.detectors.spending import LEAST_DAYS, SpendHistory
from tracestore.detectors.statistics.beta_binomial import tail, wilson
from tracestore.detectors.statistics.multiplicity import benjamini_hochberg
from tracestore.detectors.tool_error_rate import ToolErrorSettings, judge_at

QUIET = 24


class Spoken(NamedTuple):
    """At `end` something is said of `series`, looking back `hours`. `shared`: an outage that names its shared member."""

    series: tuple[int, ...]
    end: int
    hours: int
    shared: bool = False


@dataclass
class Tally:
    """What a rule did on all fleets."""

    false_by_agent: list[int] = field(default_factory=list)
    months: float = 0.0
    of_launches: int = 0
    episodes: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def add(
        self, spoken: list[Spoken], episodes: list[Episode], agent_of: Callable[[int], int], agents: int, hours: int
    ) -> None:
        by_series: dict[int, list[Episode]] = defaultdict(list)
        for episode in episodes:
            for series in episode.series:
                by_series[series].append(episode)
        false = [0] * agents
        silent: dict[object, int] = {}
        first: dict[int, int] = {}
        for said in sorted(spoken, key=lambda said: said.end):
            about = [
                episode
                for series in said.series
                for episode in by_series[series]
                if episode.start < said.end and said.end - said.hours < episode.end
            ]
            for episode in about:
                first.setdefault(id(episode), said.end - episode.start)
            key = said.series if not said.shared else said.series[0]
            if said.end < silent.get(key, -1):
                continue
            if not about:
                false[agent_of(said.series[0])] += 1
            elif not all(episode.harmless for episode in about):
                continue
            else:
                self.of_launches += 1
            silent[key] = said.end + QUIET
        self.false_by_agent += false
        self.months += agents * hours / 720
        for episode in episodes:
            self.episodes[episode.kind] += 1
            if id(episode) in first:
                self.found[episode.kind] += 1
                self.delays[episode.kind].append(first[id(episode)])

    def report(self) -> dict[str, Any]:
        """False alarms per agent-month with interval; by kind: n, recall with interval, median delay in hours."""
        counts = np.array(self.false_by_agent)
        random = np.random.default_rng(0)
        draws = counts[random.integers(0, len(counts), (2000, len(counts)))].sum(1) / self.months
        low, high = np.percentile(draws, [2.5, 97.5])
        return {
            "false_alarms_per_agent_month": round(float(counts.sum() / self.months), 3),
            "interval": [round(float(low), 3), round(float(high), 3)],
            "agent_months": round(self.months, 1),
            "alarms_per_launch": round(self.of_launches / self.episodes["launch"], 2)
            if self.episodes["launch"]
            else None,
            "cpu_seconds": round(self.seconds, 1),
            "kinds": {
                kind: {
                    "n": n,
                    "recall": round(self.found[kind] / n, 3),
                    "interval": [round(x, 2) for x in wilson(self.found[kind], n)],
                    "delay_hours": int(np.median(self.delays[kind])) if self.delays[kind] else None,
                }
                for kind, n in sorted(self.episodes.items())
                if kind != "launch"
            },
        }


# Tool errors


def of_tools(fleet: ToolFleet) -> list[Spoken]:
    """Our detectors, `tool_error_rate` and `error_cascade`."""
    keys, calls, failed, group = [], [], [], []
    for pair in range(len(fleet.agent)):
        for version in np.unique(fleet.version[pair]):
            here = fleet.version[pair] == version
            keys.append((f"agent-{fleet.agent[pair]}", f"tool-{fleet.tool[pair]}", f"1.{version}"))
            calls.append(fleet.calls[pair] * here)
            failed.append(fleet.failed[pair] * here)
            group.append(pair)
    pair_of = np.array(group)
    shares = ShareHistory(np.array(calls, dtype=float), np.array(failed, dtype=float), pair_of, EPOCH_HOUR)
    spoken = []
    for end in range(fleet.parameters.quiet_days * 24 + 1, fleet.hours + 1):
        judged = judge_at(keys, shares, EPOCH_HOUR, end, ToolErrorSettings())
        spoken += [Spoken((int(pair_of[c.series]),), end, c.hours) for c in (*judged.single, *judged.new)]
        for outage in judged.outages:
            pairs = tuple(int(pair_of[change.series]) for change in outage.changes)
            spoken.append(Spoken(pairs, end, max(change.hours for change in outage.changes), shared=True))
    return spoken


def over_a_share(share: float, least: int) -> Callable[[ToolFleet], list[Spoken]]:
    """More than `share` of at least `least` calls in six hours failed."""

    def rule(fleet: ToolFleet) -> list[Spoken]:
        spoken = []
        for end in range(fleet.parameters.quiet_days * 24 + 1, fleet.hours + 1):
            n, k = fleet.calls[:, end - 6 : end].sum(1), fleet.failed[:, end - 6 : end].sum(1)
            for pair in np.nonzero((n >= least) & (k > share * n))[0].tolist():
                spoken.append(Spoken((pair,), end, 6))
        return spoken

    return rule


def own_week(fleet: ToolFleet) -> list[Spoken]:
    """Beta-binomial of fixed concentration against the pair's own week, Benjamini-Hochberg, five points."""
    spoken = []
    for end in range(fleet.parameters.quiet_days * 24 + 1, fleet.hours + 1):
        n, k = fleet.calls[:, end - 6 : end].sum(1), fleet.failed[:, end - 6 : end].sum(1)
        n0, k0 = fleet.calls[:, end - 174 : end - 6].sum(1), fleet.failed[:, end - 174 : end - 6].sum(1)
        p = (k0 + 0.1) / (n0 + 2)
        asked = np.nonzero((k >= 3) & (n >= 5) & (k - n * p >= 0.05 * n))[0]
        values = np.array([tail(int(k[i]), int(n[i]), float(p[i]), float(min(n0[i] + 2, 60))) for i in asked])
        passed = benjamini_hochberg(values, 0.05, int((n >= 5).sum()))
        spoken += [Spoken((int(pair),), end, 6) for pair in asked[passed]]
    return spoken


TOOL_RULES: dict[str, Callable[[ToolFleet], list[Spoken]]] = {
    "tool_error_rate + error_cascade": of_tools,
    "> 20 %, 20 calls": over_a_share(0.2, 20),
    "beta-binomial on own week, fixed": own_week,
}


def enough_calls(fleet: ToolFleet) -> list[Episode]:
    """Episodes that at least one pair could show: five calls."""
    return [
        episode
        for episode in fleet.episodes
        if max(fleet.calls[series, episode.start : episode.end].sum() for series in episode.series) >= 5
    ]


# Costs


def of_costs(fleet: CostFleet) -> list[Spoken]:
    """Our detector, `cost_anomaly`."""
    spend = SpendHistory(fleet.cost, fleet.runs.astype(float), EPOCH_HOUR)
    ticks = np.arange(fleet.parameters.quiet_days * 24, fleet.hours)
    return [Spoken((alarm.subject,), alarm.tick + 1, alarm.hours) for alarm in spend.alarms(ticks, CostSettings())]


def times_the_mean(factor: float) -> Callable[[CostFleet], list[Spoken]]:
    """The last hour cost more than `factor` times the mean hour of the week before."""

    def rule(fleet: CostFleet) -> list[Spoken]:
        spoken = []
        for tick in range(fleet.parameters.quiet_days * 24, fleet.hours):
            mean = fleet.cost[:, tick - 168 : tick].mean(1)
            seen = (fleet.runs[:, : tick + 1].cumsum(1) > 0).sum(1) >= LEAST_DAYS * 24
            for agent in np.nonzero((fleet.cost[:, tick] > factor * mean) & (mean > 0) & seen)[0].tolist():
                spoken.append(Spoken((agent,), tick + 1, 1))
        return spoken

    return rule


COST_RULES: dict[str, Callable[[CostFleet], list[Spoken]]] = {
    "cost_anomaly": of_costs,
    "> 10 x mean": times_the_mean(10),
    "> 3 x mean": times_the_mean(3),
}


def measure(seeds: list[int], only: str = "") -> dict[str, Any]:
    """All rules on all fleets, or on those whose name begins with `only`."""
    result: dict[str, Any] = {"seeds": seeds}
    for name, make in (("tools, hard", tool_fleet), ("tools, plain", plain_tool_fleet)):
        if not name.startswith(only):
            continue
        tallies = {rule: Tally() for rule in TOOL_RULES}
        left_out = 0
        for seed in seeds:
            fleet = make(seed)
            episodes = enough_calls(fleet)
            left_out += len(fleet.episodes) - len(episodes)
            agents, hours = fleet.parameters.agents, fleet.hours - fleet.parameters.quiet_days * 24
            for rule, speak in TOOL_RULES.items():
                began = time.process_time()
                spoken = speak(fleet)
                tallies[rule].seconds += time.process_time() - began
                tallies[rule].add(spoken, episodes, fleet.agent.__getitem__, agents, hours)
        result[name] = {"left_out": left_out, "rules": {rule: tally.report() for rule, tally in tallies.items()}}
    if not "costs".startswith(only):
        return result
    costs = {rule: Tally() for rule in COST_RULES}
    for seed in seeds:
        spending = cost_fleet(seed)
        agents, hours = spending.parameters.agents, spending.hours - spending.parameters.quiet_days * 24
        for rule, speak_of in COST_RULES.items():
            began = time.process_time()
            spoken = speak_of(spending)
            costs[rule].seconds += time.process_time() - began
            costs[rule].add(spoken, list(spending.episodes), int, agents, hours)
    result["costs"] = {"left_out": 0, "rules": {rule: tally.report() for rule, tally in costs.items()}}
    return result


def markdown(result: dict[str, Any]) -> str:
    lines = []
    for name, fleets in result.items():
        if name == "seeds":
            continue
        rules = fleets["rules"]
        kinds = list(next(iter(rules.values()))["kinds"])
        counts = next(iter(rules.values()))["kinds"]
        lines += [f"**{name}** ({next(iter(rules.values()))['agent_months']} agent-months)", ""]
        heads = [f"{kind} ({counts[kind]['n']})" for kind in kinds]
        more = ["alarms per launch"] if name == "costs" else []
        lines.append("| rule | false alarms per agent-month | " + " | ".join(heads + more) + " |")
        lines.append("|---|---|" + "---|" * len(heads + more))
        for rule, one in rules.items():
            cells = [
                f"{kind['recall']:.2f} [{kind['interval'][0]:.2f}-{kind['interval'][1]:.2f}], {kind['delay_hours']} h"
                for kind in one["kinds"].values()
            ]
            if more:
                cells.append(str(one["alarms_per_launch"]))
            low, high = one["interval"]
            lines.append(
                f"| {rule} | {one['false_alarms_per_agent_month']} [{low}-{high}] | " + " | ".join(cells) + " |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS_TO_SCORE))
    parser.add_argument("--only", default="", choices=["", "tools", "costs"])
    parser.add_argument("--out", help="write the figures as JSON, too")
    arguments = parser.parse_args()
    result = measure(arguments.seeds, arguments.only)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    sys.stdout.write(markdown(result) + "\n")


if __name__ == "__main__":
    main()
