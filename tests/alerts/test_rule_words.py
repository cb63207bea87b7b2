"""Sentences that say what a rule means, and lengths of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.alerts import builtin_rules, durations, rule_words
from tracestore.alerts.conditions.condition import (
    Condition,
    FindingsCondition,
    MetricCondition,
    SearchCondition,
    parse,
)
from tracestore.errors import InvalidInput

HOUR = 3_600


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (FindingsCondition(), "A finding by any detector of severity warning or critical."),
        (
            FindingsCondition(detectors=("loop", "retry_storm", "x"), min_severity="critical", agents=("planner",)),
            "A finding by loop, retry_storm or x of severity critical about planner.",
        ),
        (
            FindingsCondition(min_severity="info", min_count=3, min_wasted_usd=1.5),
            "At least 3 findings of one problem within 1 h by any detector, which together wasted $1.50 or more.",
        ),
        (
            FindingsCondition(min_severity="info", min_wasted_usd=5),
            "A finding by any detector, which wasted $5 or more.",
        ),
        (
            MetricCondition("error_rate", "above", 0.3, 0.2, by=("agent",), min_volume=10),
            "The share of failed runs of each agent over 15 min is above 30 %; over when at 20 % or less; "
            "counted from 10 runs on.",
        ),
        (
            MetricCondition("cost_usd", "above", 1_000_000, only={"agent": "planner"}, window_s=24 * HOUR),
            "The cost over 1 day is above $1,000,000, only agent planner.",
        ),
        (
            MetricCondition("cost_usd", "change_above", 2, 1, by=("agent", "model"), window_s=HOUR),
            "The cost of each agent and model over 1 h is higher by more than 200 % than in the 1 h before; over when "
            "higher by 100 % or less.",
        ),
        (
            MetricCondition("latency_p95", "below", 0.25, 0.5),
            "The 95th percentile of the duration of runs over 15 min is below 0.25 s; over when at 0.5 s or more.",
        ),
        (
            MetricCondition("runs", "absent", by=("version",), min_volume=10, window_s=HOUR),
            "No runs of each agent version in 1 h, though 10 or more came in the 1 h before.",
        ),
        (
            MetricCondition("tool_error_rate", "burn_rate", 0.02, by=("tool",), min_volume=20, window_s=HOUR),
            "The share of failed tool calls of each tool uses up an allowance of 2 % much too fast, over 1 h and just "
            "now; counted from 20 tool calls on.",
        ),
        (
            SearchCondition(query="cost>1", threshold=4, clear=2, by=("agent",)),
            "The search “cost>1” finds more than 4 traces for each agent in 15 min; over when at 2 or less.",
        ),
        (SearchCondition(view=3), "The saved view “Dear” finds more than 0 traces in 15 min."),
        (SearchCondition(compare="below", threshold=1), "There are fewer than 1 traces in 15 min."),
    ],
)
def test_a_condition_in_words(condition: Condition, sentence: str) -> None:
    assert rule_words.says(condition, "Dear") == sentence


@pytest.mark.parametrize(
    ("hold", "keep", "sentence"),
    [
        (0, 300, "Fires at once; over when it has not been so for 5 min."),
        (120, 0, "Fires when it has been so for 2 min; over at once."),
    ],
)
def test_when_it_begins_and_ends(hold: int, keep: int, sentence: str) -> None:
    assert rule_words.timing(hold, keep) == sentence


def test_every_shipped_rule_can_be_said() -> None:
    said = [rule_words.said_of(one["kind"], one["condition"]) for one in builtin_rules.shipped().values()]
    assert len(set(said)) == len(said)
    assert all(sentence.endswith(".") and "cannot" not in sentence for sentence in said)


def test_a_condition_of_another_version_is_said_to_be_unreadable() -> None:
    assert "cannot be read" in rule_words.said_of("metric", {"metric": "beauty"})


@given(st.integers(0, 10**8))
def test_a_written_length_is_read_as_it_was(seconds: int) -> None:
    assert durations.parse(durations.written(seconds), "hold") == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("2w", 1_209_600), ("90", 90), (90, 90), (" 4h ", 14_400)]
)
def test_lengths_as_people_write_them(text: object, seconds: int) -> None:
    assert durations.parse(text, "hold") == seconds


@pytest.mark.parametrize("text", ["", "soon", "4 h", "1m1h", "-5m", -5, 1.5, True, None, "9" * 30, "٣m"])
def test_what_is_no_length(text: object) -> None:
    with pytest.raises(InvalidInput, match=r"hold.*15m"):
        durations.parse(text, "hold")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (45, "45 s"), (900, "15 min"), (5400, "1 h 30 min"), (86_400, "1 day"), (90_061, "1 day 1 h")],
)
def test_lengths_in_words(seconds: int, words: str) -> None:
    assert durations.words(seconds) == words


def test_every_metric_has_a_name() -> None:
    for name in rule_words.METRICS:
        assert rule_words.says(parse("metric", {"metric": name, "threshold": 0.5}))
