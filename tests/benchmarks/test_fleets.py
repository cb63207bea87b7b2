"""Generated fleets: the same for a seed, worse where they say so, and rows that add up."""

from __future__ import annotations

import numpy as np

from benchmarks.fleets.costs import CostFleetParameters, cost_fleet
from benchmarks.fleets.tools import ToolFleetParameters, tool_fleet


def test_a_seed_makes_the_same_fleet():
    small = ToolFleetParameters(agents=5)
    first, again, other = tool_fleet(3, small), tool_fleet(3, small), tool_fleet(4, small)
    assert np.array_equal(first.failed, again.failed)
    assert first.episodes == again.episodes
    assert first.calls.shape != other.calls.shape or not np.array_equal(first.calls, other.calls)


def test_tools_fail_more_during_their_episodes_by_about_the_points_they_say():
    fleet = tool_fleet(3, ToolFleetParameters(agents=60, sudden=0.3, creeping=0, agent_outages=0, tool_outages=0))
    surplus = []
    for episode in fleet.episodes:
        if episode.kind == "sudden" and fleet.calls[episode.series[0], episode.start : episode.end].sum() > 50:
            series = episode.series[0]
            within = slice(episode.start, episode.end)
            usual = fleet.failed[series, : episode.start].sum() / fleet.calls[series, : episode.start].sum()
            now = fleet.failed[series, within].sum() / fleet.calls[series, within].sum()
            surplus.append((now - usual) / (1 - usual) - episode.size)
    assert len(surplus) > 20
    assert abs(np.mean(surplus)) < 0.05
    assert (fleet.failed <= fleet.calls).all()


def test_rows_of_tools_add_up_to_the_fleet():
    fleet = tool_fleet(3, ToolFleetParameters(agents=3))
    rows = fleet.rows(fleet.hours, days=fleet.parameters.days)
    assert sum(row.calls for row in rows) == fleet.calls.sum()
    assert sum(row.failed for row in rows) == fleet.failed.sum()
    assert [row.hour_ns for row in rows] == sorted(row.hour_ns for row in rows)


def test_agents_spend_more_in_their_episodes_by_about_the_factor_they_say():
    fleet = cost_fleet(3, CostFleetParameters(agents=80, steps=1, spikes=0, creeps=0, launches=0))
    off = []
    for episode in fleet.episodes:
        agent, start = episode.series[0], episode.start
        if fleet.runs[agent, start:].sum() > 2000:
            usual = fleet.cost[agent, :start].sum() / fleet.runs[agent, :start].sum()
            now = fleet.cost[agent, start:].sum() / fleet.runs[agent, start:].sum()
            off.append(np.log(now / usual) - np.log(episode.size))
    assert len(off) > 20
    assert abs(np.median(off)) < 0.05


def test_rows_of_costs_add_up_to_the_fleet():
    fleet = cost_fleet(3, CostFleetParameters(agents=3))
    rows = fleet.rows(fleet.hours)
    assert sum(row.runs for row in rows) == fleet.runs.sum()
    assert np.isclose(sum(row.cost_usd for row in rows), fleet.cost.sum())
    assert all(row.dearest_cost <= row.cost_usd + 1e-12 for row in rows)
