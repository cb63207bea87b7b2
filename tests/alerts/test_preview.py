"""What a rule would have done: how it is asked, and how it is said."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import tracestore.alerts
from tracestore.alerts import preview
from tracestore.alerts.conditions.condition import MetricCondition
from tracestore.alerts.preview import Fired, Preview
from tracestore.errors import InvalidInput

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
RULE = {"kind": "metric", "condition": {"metric": "runs", "threshold": 3}, "hold_s": 60}


def fired(hours_ago: float, hours: float | None, agent: str = "planner") -> Any:
    began = NOW - timedelta(hours=hours_ago)
    return SimpleNamespace(
        labels={"agent": agent}, start=began, end=None if hours is None else began + timedelta(hours=hours), peak=4.0,
        examples=("a" * 32,),
    )  # fmt: skip


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The reader of the past, which answers what `found` has and notes how it was asked."""
    fake: Any = ModuleType("tracestore.alerts.past")
    fake.found, fake.asked, fake.complete = [], [], True

    def firings(*args: Any) -> Any:
        fake.asked.append(args)
        points = [SimpleNamespace(at=args[-2], value=1.5)]
        return SimpleNamespace(
            firings=fake.found, since=args[-2], until=args[-1], points=points, complete=fake.complete
        )

    fake.firings = firings
    monkeypatch.setitem(sys.modules, "tracestore.alerts.past", fake)
    monkeypatch.setattr(tracestore.alerts, "past", fake, raising=False)
    return fake


def test_it_is_asked_for_what_was_sent(past: Any) -> None:
    preview.preview("default", RULE, now=NOW)
    preview.preview("default", RULE | {"name": "x", "keep_firing_s": 0}, "24h", NOW)
    condition = MetricCondition("runs", threshold=3.0)
    assert past.asked == [
        ("default", condition, 60, 300, NOW - WEEK, NOW),
        ("default", condition, 60, 0, NOW - timedelta(days=1), NOW),
    ]


@pytest.mark.parametrize(
    ("sent", "since", "field"),
    [
        ({"condition": {"metric": "beauty"}}, "", "condition.metric"),
        ({}, "soon", "since"),
        ({}, "31d", "since"),
        ({}, "2027-01-01", "since"),
    ],
)
def test_a_bad_rule_or_time_is_named(past: Any, sent: dict[str, Any], since: str, field: str) -> None:
    with pytest.raises(InvalidInput) as told:
        preview.preview("default", RULE | sent, since, NOW)
    assert told.value.field == field
    assert past.asked == []


@pytest.mark.parametrize(
    ("stretches", "sentence"),
    [
        ([], "Would not have fired in 7 days."),
        ([(22, 0.5)], "Would have fired once in 7 days, on Nov 25 at 14:00 UTC, for 30 min."),
        (
            [(22, 1), (21.5, 1), (48, 0.25)],
            "Would have fired 3 times in 7 days, firing 1 h 45 min in all; the last on Nov 25 at 14:30 UTC.",
        ),
        (
            [(22, 1), (2, None)],
            "Would have fired twice in 7 days, firing 3 h in all; the last on Nov 26 at 10:00 UTC, and still would.",
        ),
    ],
)
def test_the_sentence(past: Any, stretches: list[tuple[float, float | None]], sentence: str) -> None:
    past.found = [fired(*one) for one in stretches]
    assert preview.preview("default", RULE, now=NOW).sentence == sentence


def test_what_is_not_all_says_so(past: Any) -> None:
    past.found, past.complete = [fired(22, 0.5)], False
    found = preview.preview("default", RULE, now=NOW)
    assert "fired at least once" in found.sentence
    assert found.figures == [(NOW - WEEK, 1.5)]
    assert found.fired[0].traces == ("a" * 32,)


def test_the_newest_is_first(past: Any) -> None:
    past.found = [fired(48, 1), fired(2, 1), fired(30, 1)]
    assert [one.began.hour for one in preview.preview("default", RULE, now=NOW).fired] == [10, 6, 12]


def test_the_places_of_the_chart_count_sets_of_labels() -> None:
    since = NOW - WEEK
    stretches = [
        Fired({"agent": "a"}, since, since + timedelta(hours=4)),
        Fired({"agent": "a"}, since + timedelta(hours=1), since + timedelta(hours=2)),
        Fired({"agent": "b"}, since + timedelta(hours=3.5), since + timedelta(hours=4)),
        Fired({"agent": "c"}, NOW - timedelta(minutes=1)),
    ]
    counts = [count for _, count in Preview(since, NOW, stretches).places()]
    assert len(counts) == preview.PLACES
    assert counts[:3] == [1, 2, 0]
    assert counts[-1] == 1
    assert sum(counts) == 4
