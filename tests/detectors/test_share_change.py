"""Tool error rates, outages and shares of events: what is said, what is not, and how it is told."""

from __future__ import annotations

import numpy as np

from benchmarks.fleets.episodes import EPOCH_HOUR
from benchmarks.fleets.plain_tools import plain_tool_fleet
from tests.detectors.histories import tool_hours
from tracestore.detectors.error_outage import ErrorOutage
from tracestore.detectors.event_shares import EMPTY_RETRIEVALS, RETRIES
from tracestore.detectors.histories import HOUR_NS, EventHour, EventHours, ToolHours
from tracestore.detectors.tool_error_rate import ToolErrorRate, ToolErrorSettings

RATE, OUTAGE, SETTINGS = ToolErrorRate(), ErrorOutage(), ToolErrorSettings()


def usual_pairs(**worse):
    """Six pairs with 20 calls an hour, one of which fails, for ten days; `worse` by pair."""
    return {f"agent-{n}/tool-{n}": {"calls": 20, "failed": 1, **worse.get(f"pair{n}", {})} for n in range(6)}


def test_a_steady_fleet_is_quiet_and_judged():
    history = tool_hours(usual_pairs())
    assert list(RATE.detect(history, SETTINGS)) == []
    assert list(OUTAGE.detect(history, SETTINGS)) == []
    assert RATE.coverage(history, SETTINGS) == {f"agent-{n}": True for n in range(6)}


def test_a_sudden_change_is_told_with_its_numbers():
    history = tool_hours(usual_pairs(pair2={"last": 5, "then": 8, "template": "timeout after <n> s"}))
    (finding,) = RATE.detect(history, SETTINGS)
    assert (finding.agent, finding.key, finding.cause) == ("agent-2", "tool-2", "system")
    assert finding.evidence["hours"] == 6
    assert (finding.evidence["failed"], finding.evidence["calls"]) == (41, 120)
    assert finding.evidence["interval"][0] < 41 / 120 < finding.evidence["interval"][1]
    assert 0.045 < finding.evidence["usual"] < 0.06
    assert finding.first_seen_ns == history.now_ns - 5 * HOUR_NS
    assert "41 of 120 calls of tool-2 by agent-2 failed (34 %" in finding.explanation
    assert "timeout after <n> s (not seen before)" in finding.explanation
    assert finding.look_first == "failed-span"


def test_the_same_day_says_the_same_finding():
    (first,) = RATE.detect(tool_hours(usual_pairs(pair2={"last": 5, "then": 8}), now=1), SETTINGS)
    (later,) = RATE.detect(tool_hours(usual_pairs(pair2={"last": 6, "then": 8}), now=2), SETTINGS)
    assert first.identity("p") == later.identity("p")


def test_one_hour_is_not_enough_and_one_confused_run_never_is():
    just_begun = tool_hours(usual_pairs(pair2={"last": 1, "then": 15}))
    assert list(RATE.detect(just_begun, SETTINGS)) == []
    confused = tool_hours(usual_pairs(pair2={"burst": 3, "then": 18}))
    assert list(RATE.detect(confused, SETTINGS)) == []


def test_errors_by_design_are_usual():
    history = tool_hours(usual_pairs(pair3={"failed": 9}))
    assert list(RATE.detect(history, SETTINGS)) == []


def test_a_slow_rise_is_found_by_the_long_window():
    pairs = usual_pairs()
    pairs["agent-2/tool-2"] = {"calls": 20, "failed": 1, "last": 72, "then": 3}
    (finding,) = RATE.detect(tool_hours(pairs), SETTINGS)
    assert finding.evidence["hours"] == 72


def test_a_bad_release_is_measured_against_the_version_before():
    pairs = usual_pairs(pair2={"last": 8, "then": 8, "version": "2.0"})
    (finding,) = RATE.detect(tool_hours(pairs), SETTINGS)
    assert finding.evidence["agent_version"] == "2.0"
    assert "version 2.0" in finding.explanation
    harmless = usual_pairs(pair2={"last": 8, "then": 1, "version": "2.0"})
    assert list(RATE.detect(tool_hours(harmless), SETTINGS)) == []


def test_a_new_tool_that_mostly_fails_is_said_to_be_new():
    pairs = usual_pairs()
    pairs["agent-2/new"] = {"calls": 0, "failed": 0, "last": 6, "calls_then": 6, "then": 6}
    (finding,) = RATE.detect(tool_hours(pairs), SETTINGS)
    assert finding.evidence["usual"] is None
    assert finding.severity == "warning"
    pairs["agent-2/new"] = {"calls": 0, "failed": 0, "last": 6, "calls_then": 6, "then": 2}
    assert list(RATE.detect(tool_hours(pairs), SETTINGS)) == []


def test_too_little_is_not_enough_to_be_called_healthy():
    history = tool_hours({"agent-0/tool": {"calls": 0, "failed": 0, "last": 3, "calls_then": 2, "then": 0}})
    assert list(RATE.detect(history, SETTINGS)) == []
    assert RATE.coverage(history, SETTINGS) == {"agent-0": False}
    nothing = ToolHours("p", history.now_ns, ())
    assert list(RATE.detect(nothing, SETTINGS)) == []
    assert RATE.coverage(nothing, SETTINGS) == {}


def test_one_tool_of_many_agents_is_one_outage():
    pairs = {f"agent-{n}/search": {"calls": 20, "failed": 1, "last": 2, "then": 15} for n in range(4)}
    pairs |= {f"agent-{n}/other": {"calls": 20, "failed": 1} for n in range(4)}
    history = tool_hours(pairs)
    (finding,) = OUTAGE.detect(history, SETTINGS)
    assert finding.detector == "error_cascade"
    assert (finding.agent, finding.evidence["tool"]) == ("", "search")
    assert "search fails for 4 agents at once" in finding.title
    assert list(RATE.detect(history, SETTINGS)) == []


def test_many_tools_of_one_agent_are_one_outage_beside_a_single_change():
    pairs = {f"agent-0/tool-{n}": {"calls": 20, "failed": 1, "last": 3, "then": 15} for n in range(4)}
    pairs["agent-1/tool-9"] = {"calls": 20, "failed": 1, "last": 3, "then": 15}
    history = tool_hours(pairs)
    (outage,) = OUTAGE.detect(history, SETTINGS)
    assert outage.agent == "agent-0"
    (single,) = RATE.detect(history, SETTINGS)
    assert single.agent == "agent-1"


def event_hours(event, hits_then):
    now = EPOCH_HOUR + 240
    rows = [
        EventHour((EPOCH_HOUR + hour) * HOUR_NS, "agent", event, "docs", 15, hits_then if hour >= 234 else 1, "t", "s")
        for hour in range(240)
    ]
    return EventHours("p", now * HOUR_NS, tuple(rows))


def test_shares_of_events_are_judged_by_their_own_detector_only():
    empty = event_hours("empty_retrieval", 8)
    (finding,) = EMPTY_RETRIEVALS.detect(empty, EMPTY_RETRIEVALS.defaults)
    assert (finding.detector, finding.agent, finding.cause, finding.look_first) == (
        "empty_retrieval",
        "agent",
        "data",
        "s",
    )
    assert "53 % of retrievals find nothing" in finding.title
    assert list(RETRIES.detect(empty, RETRIES.defaults)) == []
    (retries,) = RETRIES.detect(event_hours("retry", 8), RETRIES.defaults)
    assert retries.detector == "retry_storm"
    assert list(EMPTY_RETRIEVALS.detect(event_hours("empty_retrieval", 1), EMPTY_RETRIEVALS.defaults)) == []
    assert EMPTY_RETRIEVALS.coverage(empty, EMPTY_RETRIEVALS.defaults) == {"agent": True}


def test_rows_of_a_generated_fleet_say_what_is_known_to_be_worse():
    """Through `detect` itself, not the benchmark's arrays: of large changes that have lasted a day most are found.

    Twelve agents of eight tools; recall on such changes is about .95, so fewer than two thirds would be a defect.
    """
    found = asked = 0
    for seed in (1, 2, 3):
        fleet = plain_tool_fleet(seed, agents=12)
        for episode in fleet.episodes:
            pair = episode.series[0]
            calls = fleet.calls[pair, episode.start : episode.end].sum()
            if episode.size < 0.3 or calls < 50:
                continue
            history = ToolHours("p", (EPOCH_HOUR + episode.end) * HOUR_NS, fleet.rows(episode.end))
            said = {(finding.agent, finding.key) for finding in RATE.detect(history, SETTINGS)}
            found += (f"agent-{fleet.agent[pair]:03d}", f"tool-{fleet.tool[pair]:02d}") in said
            asked += 1
    assert asked >= 3
    assert found / asked > 0.66


def test_the_quiet_part_of_a_generated_fleet_stays_quiet():
    """Eight agents, 6 random hours: about .03 alarms per agent-month would be none; two are a defect."""
    fleet = plain_tool_fleet(4, agents=8)
    random = np.random.default_rng(1)
    said = 0
    for end in random.integers(8 * 24, fleet.hours, 6).tolist():
        if any(episode.start < end < episode.end + 72 for episode in fleet.episodes):
            continue
        history = ToolHours("p", (EPOCH_HOUR + end) * HOUR_NS, fleet.rows(end))
        said += len(list(RATE.detect(history, SETTINGS))) + len(list(OUTAGE.detect(history, SETTINGS)))
    assert said < 2
