"""`semantic_drift`: what it tells of changed agents, and what it needs before it says anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fleets.conversations import START_NS, agent, runs
from tracestore.detectors.drift_features import plain, standardised
from tracestore.detectors.drift_test import blocks, day_level, figures, folds
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, RunText, RunTexts
from tracestore.detectors.semantic_drift import SEMANTIC_DRIFT as DETECTOR
from tracestore.detectors.semantic_drift import Settings

DAYS = 27
NOW = START_NS + DAYS * DAY_NS


def history(change: str = "", share: float = 0.0, seed: int = 41) -> RunTexts:
    return RunTexts("p", f"agent {seed}", NOW, tuple(runs(agent(seed), DAYS, change=change, share=share)))


def detect(found: RunTexts, settings: Settings | None = None) -> list[Finding]:
    return list(DETECTOR.detect(found, settings or Settings()))


@pytest.fixture(scope="module")
def refusing() -> Finding:
    (found,) = detect(history("refusal", 0.5))
    return found


def test_an_agent_that_stays_as_it_is_is_quiet() -> None:
    assert detect(history()) == []


def test_a_refusing_agent_is_told_with_runs_of_before_and_after(refusing: Finding) -> None:
    assert {one["feature"] for one in refusing.evidence["features"]} & {"last answer refuses", "very short last answer"}
    assert all("sorry" in x["final"] or "not" in x["final"] for x in refusing.evidence["after"])
    assert refusing.evidence["share_changed"] == pytest.approx(0.5, abs=0.15)
    assert refusing.evidence["reference"] == "its own past"
    assert refusing.first_seen_ns >= NOW - 7 * DAY_NS


def test_other_words_alone_are_found() -> None:
    (found,) = detect(history("wording", 0.6))
    assert found.evidence["more_words"]


def test_the_finding_of_a_week_is_one(refusing: Finding) -> None:
    (again,) = detect(replace(history("refusal", 0.5), now_ns=NOW + 3600 * 10**9))
    assert again.identity("p") == refusing.identity("p")


def test_with_few_runs_nothing_is_said_and_health_knows_it() -> None:
    few = replace(history("refusal", 0.5), rows=history("refusal", 0.5).rows[-150:])
    assert detect(few) == []
    assert DETECTOR.coverage(few, Settings()) == {few.agent: False}
    assert DETECTOR.coverage(history(), Settings()) == {few.agent: True}


def test_a_new_version_is_compared_with_the_one_before() -> None:
    found = history("format", 0.9)
    since = NOW - 7 * DAY_NS
    rows = tuple(row._replace(agent_version="2") if row.start_ns >= since else row for row in found.rows)
    (told,) = detect(replace(found, rows=rows))
    assert told.evidence["reference"] == "version 1"
    assert told.evidence["version"] == "2"


def test_runs_without_any_text_do_not_raise() -> None:
    rows = tuple(row._replace(said="", final="") for row in history().rows)
    assert len(detect(replace(history(), rows=rows))) <= 1


def test_folds_keep_days_whole_and_have_both_kinds() -> None:
    days = np.repeat(np.arange(10), 3)
    tested = days >= 7
    fold = folds(tested, days)
    for number in range(fold.max() + 1):
        inside = fold == number
        assert tested[inside].any()
        assert (~tested[inside]).any()
    assert all(len(set(fold[days == day])) == 1 for day in range(10))


def test_blocks_are_consecutive_days_and_leave_a_rest() -> None:
    days = np.repeat(np.arange(20), 2)
    for block in blocks(days, 7):
        inside = np.unique(days[block])
        assert list(inside) == list(range(inside[0], inside[0] + 7))
    for block in blocks(np.repeat(np.arange(6), 2), 7):
        assert len(np.unique(np.repeat(np.arange(6), 2)[block])) == 3


def test_figures_of_equal_and_of_separate_scores() -> None:
    tested = np.array([True, False] * 10)
    even = figures(np.ones(20), tested)
    assert even["order"] == pytest.approx(0.5)
    assert even["middle"] == 0.0
    apart = figures(np.where(tested, 2.0, 0.0), tested)
    assert apart["order"] == 1.0
    assert apart["top"] == 2.0


def test_a_feature_that_never_varied_counts_when_it_does() -> None:
    reference = np.array([[1.0, 3.0], [1.0, 5.0]])
    found = standardised(np.array([[1.0, 4.0], [2.0, 99.0], [0.0, 4.0]]), reference)
    assert found[:, 0].tolist() == [0.0, 6.0, -6.0]
    assert found[1, 1] == 6.0


def test_the_day_level_test_finds_a_feature_that_moved() -> None:
    draw = np.random.default_rng(2)
    days = np.repeat(np.arange(20), 10)
    values = draw.normal(size=(200, 3))
    values[days >= 15, 1] += 1.5
    t, p = day_level(values, days, days >= 15)
    assert int(np.argmin(p)) == 1
    assert t[1] > 0
    assert p[1] < 1e-3
    assert min(p[0], p[2]) > 0.01


def test_features_say_what_they_are_of() -> None:
    run = RunText(0, "t", "a", "1", "**Hi** there?\n42.", '{"ok": true}', ("x", "x", "y"), 2)
    refusing = run._replace(final="I'm sorry, I cannot.", tools=())
    found = plain([run, refusing])
    named = dict(zip(found.names, found.values.T, strict=True))
    assert named["last answer is JSON"].tolist() == [1.0, 0.0]
    assert named["last answer refuses"].tolist() == [0.0, 1.0]
    assert named["calls of x"].tolist() == pytest.approx([np.log1p(2), 0.0])
    assert named["different tools"].tolist() == [2.0, 0.0]
