"""What changed: relative changes, their sense, and which of them are worth a sentence."""

from __future__ import annotations

import pytest

from dashboard.pages.comparison import change, relative, what_changed
from tracestore.clickhouse.aggregates.agents import AgentFigures
from tracestore.clickhouse.aggregates.tools import ErrorKind


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.123, "+12 %"), (-0.08, "−8 %"), (0.001, "± 0 %"), (2.4, "× 3.4"), (11.2, "× 12"), (-1, "−100 %")],
)
def test_relative(ratio: float, words: str) -> None:
    assert relative(ratio) == words


@pytest.mark.parametrize(
    ("now", "before", "good", "words", "sense"),
    [
        (110, 100, "less", "+10 %", "worse"),
        (90, 100, "less", "−10 %", "better"),
        (102, 100, "less", "+2 %", ""),
        (5, 0, "less", "new", "worse"),
        (5, 0, "", "new", ""),
    ],
)
def test_change(now: float, before: float, good: str, words: str, sense: str) -> None:
    found = change(now, before, good=good)
    assert found is not None
    assert (found.words, found.sense) == (words, sense)


def test_nothing_to_compare_is_no_change() -> None:
    assert change(None, 1) is change(1, None) is change(0, 0) is None


def agent(name: str, traces: int = 100, **more: object) -> AgentFigures:
    return AgentFigures(name, traces, versions=["1"], **{"llm_calls": traces, "cost_usd": 1.0, "p95_ns": 10**9, **more})  # type: ignore[arg-type]


def kind(template: str, count: int) -> ErrorKind:
    return ErrorKind(template, "", ["t"], count, 1, 1, 2, template, "aa", "bb")


def test_the_weightiest_come_first_and_the_usual_is_left_out() -> None:
    now = [agent("same"), agent("dear", cost_usd=5.0), agent("young"), agent("next")]
    before = [agent("same", cost_usd=1.1), agent("dear"), agent("next"), agent("gone")]
    now[3].versions = ["2"]
    found = what_changed(now, before, [kind("old", 9), kind("fresh <n>", 40)], [kind("old", 1)])
    assert [(one.agent, one.words) for one in found] == [
        ("", "New error, 40 times: fresh <n>"),
        ("dear", "costs × 5.0 a trace"),
        ("young", "is new, with 100 traces"),
        ("gone", "did nothing; it had 100 traces before"),
        ("next", "runs version 2, before 1"),
    ]
    assert found[0].trace_id == "aa"


def test_few_traces_say_nothing_about_a_mean() -> None:
    assert what_changed([agent("a", 3, cost_usd=9.0)], [agent("a", 3)], [], []) == []
    assert what_changed([agent("a")], [], [kind("x", 5)], []) == []
