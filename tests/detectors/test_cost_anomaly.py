"""Unusual spending: which question fired, against which usual, and what is left unsaid."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.fleets.costs import CostFleetParameters, cost_fleet
from benchmarks.fleets.episodes import EPOCH_HOUR
from tests.detectors.histories import cost_hours
from tracestore.detectors.cost_anomaly import CostAnomaly, CostSettings
from tracestore.detectors.histories import HOUR_NS, CostHour, CostHours
from tracestore.detectors.spending import SpendHistory

DETECTOR, SETTINGS = CostAnomaly(), CostSettings()
HOURS = 28 * 24
NOISE = np.exp(np.random.default_rng(5).normal(0, 0.1, HOURS))


def busy_days(hour):
    """Forty runs an hour by day, ten at night, a fifth of that on week-ends."""
    runs = 40 if 8 <= hour % 24 < 20 else 10
    return max(1, round((runs if hour // 24 % 7 < 5 else runs / 5) * NOISE[hour]))


def usual_cost(hour):
    return busy_days(hour) * 0.05 * NOISE[-hour - 1]


def only(findings):
    (finding,) = findings
    return finding


def test_a_season_is_no_anomaly():
    history = cost_hours(usual_cost, busy_days)
    assert list(DETECTOR.detect(history, SETTINGS)) == []
    assert DETECTOR.coverage(history, SETTINGS) == {"a": True}


def test_dear_runs_are_a_question_of_cost_per_run_with_the_excess_and_the_dearest_trace():
    def cost(hour):
        return usual_cost(hour) * (8 if hour >= HOURS - 3 else 1)

    finding = only(DETECTOR.detect(cost_hours(cost, busy_days), SETTINGS))
    assert finding.agent == "a"
    excess = sum(usual_cost(hour) * 7 for hour in range(HOURS - finding.evidence["hours"], HOURS))
    assert 0.7 * excess < finding.wasted_cost_usd < 1.3 * excess
    assert finding.evidence["dearest_trace"].startswith("trace-")
    assert finding.severity == "critical"
    assert 5 < finding.evidence["factor"] < 11


def test_many_runs_are_told_as_traffic():
    def more(hour):
        return 10 if hour >= HOURS - 3 else 1

    history = cost_hours(lambda hour: usual_cost(hour) * more(hour), lambda hour: busy_days(hour) * more(hour))
    finding = only(DETECTOR.detect(history, SETTINGS))
    assert finding.evidence["question"] in ("traffic", "spend")
    assert "run rose" not in finding.explanation


def test_a_step_in_cost_per_run_is_found_within_a_day():
    def cost(hour):
        return usual_cost(hour) * (1.7 if hour >= HOURS - 24 else 1)

    finding = only(DETECTOR.detect(cost_hours(cost, busy_days), SETTINGS))
    assert finding.evidence["question"] == "price"
    assert "per run" in finding.title
    assert 1.5 < finding.evidence["factor"] < 1.9


def test_growth_of_traffic_alone_is_not_a_dearer_run():
    def grow(hour):
        return math.exp(0.02 * hour / 24)

    history = cost_hours(
        lambda hour: usual_cost(hour) * round(busy_days(hour) * grow(hour)) / busy_days(hour),
        lambda hour: round(busy_days(hour) * grow(hour)),
    )
    assert list(DETECTOR.detect(history, SETTINGS)) == []


def test_a_creep_is_summed_over_days():
    def cost(hour):
        return usual_cost(hour) * (1 + 0.06 * max(0, hour // 24 - 20))

    spend = SpendHistory(
        np.array([[cost(hour) for hour in range(HOURS)]]),
        np.array([[float(busy_days(hour)) for hour in range(HOURS)]]),
        EPOCH_HOUR,
    )
    crossings = spend.creeping(0, threshold=SETTINGS.creep_threshold)
    assert crossings
    over, since, found = crossings[0]
    assert 20 <= since // 24 <= 24
    assert since < over <= HOURS
    assert found.level > found.reference
    finding = only(DETECTOR.detect(cost_hours(cost, busy_days, days=over // 24), SETTINGS))
    assert finding.evidence["question"] in ("creep", "price")


def test_two_weeks_are_needed():
    def cost(hour):
        return usual_cost(hour) * (10 if hour >= 10 * 24 - 3 else 1)

    history = cost_hours(cost, busy_days, days=10)
    assert list(DETECTOR.detect(history, SETTINGS)) == []
    assert not any(DETECTOR.coverage(history, SETTINGS).values())


def test_a_floor_in_dollars_silences_small_change():
    def cost(hour):
        return usual_cost(hour) * (8 if hour >= HOURS - 3 else 1)

    history = cost_hours(cost, busy_days)
    assert list(DETECTOR.detect(history, CostSettings(least_excess_usd=10_000))) == []


def test_a_session_is_compared_with_all_others():
    random = np.random.default_rng(2)
    rows = [
        CostHour(
            (EPOCH_HOUR + n) * HOUR_NS, "session", f"s{n}", float(np.exp(random.normal(-3, 0.5))), 10, 1, f"t{n}", 0.01
        )
        for n in range(100)
    ]
    now = (EPOCH_HOUR + 200) * HOUR_NS
    rows.append(CostHour(now - HOUR_NS, "session", "dear", 20.0, 10, 1, "t-dear", 20.0))
    rows.append(CostHour(now - HOUR_NS, "session", "plain", 0.05, 10, 1, "t-plain", 0.05))
    finding = only(DETECTOR.detect(CostHours("p", now, tuple(rows)), SETTINGS))
    assert (finding.agent, finding.key) == ("", "session:dear")
    assert finding.evidence["dearest_trace"] == "t-dear"
    assert 19 < finding.wasted_cost_usd < 20


def test_what_was_wasted_is_of_one_day_so_that_days_add_up():
    """A finding reaches a day back, and each day has its own: no dollar may be in two of them."""

    def cost(hour):
        return usual_cost(hour) * (8 if HOURS - 30 <= hour < HOURS - 6 else 1)

    def findings_of(hours_before_the_end):
        history = cost_hours(cost, busy_days)
        now_ns = history.now_ns - hours_before_the_end * HOUR_NS
        rows = tuple(row for row in history.rows if row.hour_ns < now_ns)
        return only(DETECTOR.detect(CostHours(history.project, now_ns, rows), SETTINGS))

    midnight = 24
    before, after = findings_of(midnight), findings_of(midnight - 18)
    assert before.window != after.window
    assert (before.evidence["hours"], after.evidence["hours"]) != (1, 1)
    first = sum(usual_cost(hour) * 7 for hour in range(HOURS - 30, HOURS - 24))
    second = sum(usual_cost(hour) * 7 for hour in range(HOURS - 24, HOURS - 6))
    assert before.wasted_cost_usd < 1.3 * first
    assert after.wasted_cost_usd < 1.3 * second
    assert before.wasted_cost_usd + after.wasted_cost_usd < 1.2 * (first + second)
    assert after.evidence["excess_usd"] >= after.wasted_cost_usd


def test_a_session_over_midnight_wastes_each_dollar_on_one_day():
    day_ns = (EPOCH_HOUR // 24 + 60) * 24 * HOUR_NS
    rows = [
        CostHour(day_ns - (200 + n) * HOUR_NS, "session", f"s{n}", 0.05 + n % 7 / 100, 10, 1, f"t{n}", 0.01)
        for n in range(100)
    ]
    rows.append(CostHour(day_ns - HOUR_NS, "session", "dear", 20.0, 10, 1, "t-dear", 20.0))
    rows.append(CostHour(day_ns, "session", "dear", 10.0, 10, 1, "t-dear", 10.0))
    first = only(DETECTOR.detect(CostHours("p", day_ns, tuple(rows[:-1])), SETTINGS))
    second = only(DETECTOR.detect(CostHours("p", day_ns + HOUR_NS, tuple(rows)), SETTINGS))
    assert (first.window, second.window) == (day_ns - 24 * HOUR_NS, day_ns)
    assert 19 < first.wasted_cost_usd < 20
    assert 9 < second.wasted_cost_usd < 10
    assert second.evidence["excess_usd"] > 29


def test_a_missing_day_is_unknown_not_cheap():
    def runs(hour):
        return 0 if hour // 24 == 22 else busy_days(hour)

    history = cost_hours(usual_cost, runs)
    assert list(DETECTOR.detect(history, SETTINGS)) == []


def test_on_a_generated_fleet_lasting_steps_are_found_and_quiet_agents_are_quiet():
    """Ten agents, all with a step in cost per run. Recall is near 1.0 on fresh seeds; three of four suffice here.

    Before their steps, 10 agents x up to 24 days with .1 alarms a month would be about one alarm: five are a defect.
    """
    fleet = cost_fleet(11, CostFleetParameters(agents=10, steps=1, spikes=0, creeps=0, launches=0))
    spend = SpendHistory(fleet.cost, fleet.runs.astype(float), EPOCH_HOUR)
    alarms = spend.alarms(np.arange(14 * 24, fleet.hours), SETTINGS)
    start = {episode.series[0]: episode.start for episode in fleet.episodes}
    found = {alarm.subject for alarm in alarms if alarm.subject in start and alarm.tick >= start[alarm.subject]}
    early = {(alarm.subject, alarm.tick // 24) for alarm in alarms if alarm.tick < start.get(alarm.subject, 10**9)}
    assert len(found) >= 0.75 * len(start)
    assert len(early) < 5
    # Rows as the store would give them end at the alarm; they say the same as the arrays, which go on.
    for alarm in [one for one in alarms if one.subject in found][:40:10]:
        history = CostHours("p", (EPOCH_HOUR + alarm.tick + 1) * HOUR_NS, fleet.rows(alarm.tick + 1))
        assert f"agent-{alarm.subject:03d}" in {finding.agent for finding in DETECTOR.detect(history, SETTINGS)}
