"""What is kept between a page and its columns: little, for moments, of one version."""

from __future__ import annotations

import pytest

from dashboard import recent_traces
from dashboard.recent_traces import RecentTraces
from dashboard.timeline import Timeline
from tests.pages.sample_runs import loop_trace


def timeline(version: str = "1") -> Timeline:
    return Timeline(loop_trace(), version=version)


def test_only_the_version_that_was_kept_is_found() -> None:
    kept = RecentTraces()
    one = timeline()
    kept.put("p", "t", one)
    assert kept.get("p", "t", "1") is one
    assert [kept.get("p", "t", "2"), kept.get("q", "t", "1"), kept.get("p", "u", "1")] == [None, None, None]


def test_the_oldest_go_first_by_number_size_and_age(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = RecentTraces(entries=2)
    for name in "abc":
        kept.put("p", name, timeline())
    assert [kept.get("p", name, "1") is not None for name in "abc"] == [False, True, True]
    monkeypatch.setattr(recent_traces, "MOST_SPANS", 100)
    kept.put("p", "d", timeline())
    assert [kept.get("p", name, "1") is not None for name in "bcd"] == [False, False, True]
    kept.seconds = -1
    assert kept.get("p", "d", "1") is None
