"""What is ok, what is not, when the disk is full: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.status import ingest_figures, judging
from tracestore.status.forecast import MOST_DAYS, Stream, forecast
from tracestore.status.ingest_figures import IngestFigures
from tracestore.status.item import Item, worst
from tracestore.status.jobs import Pass

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_without_retention_it_is_full_when_the_space_is_used_up() -> None:
    seen = forecast([Stream(500, 10)], 105)
    assert (seen.days, seen.daily, seen.rest) == (10, 10, None)


def test_with_retention_it_comes_to_rest() -> None:
    assert forecast([Stream(0, 10, days=9)], 101).days is None
    assert forecast([Stream(0, 10, days=9)], 101).rest == 100
    assert forecast([Stream(0, 10, days=9)], 99).days == 9
    # What is there above that is not counted as going away.
    assert forecast([Stream(1_000, 10, days=9)], 1).days is None


def test_nothing_comes_or_nothing_is_left() -> None:
    assert forecast([], 10).days is None
    assert forecast([Stream(5, 0)], 10).days is None
    assert forecast([Stream(5, 1)], 0).days == 0


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e4), st.none() | st.integers(1, 400)), max_size=5),
    st.floats(1, 1e7),
)
def test_the_day_is_the_last_with_room(streams: list[tuple[float, float, int | None]], free: float) -> None:
    known = [Stream(*one) for one in streams]
    day = forecast(known, free).days

    def added(on: int) -> float:
        return sum(one.after(on) for one in known) - sum(one.stored for one in known)

    if day is None:
        assert added(MOST_DAYS) < free or not sum(one.daily for one in known)
    else:
        assert added(day) < free <= added(day + 1)


@pytest.mark.parametrize(
    ("age", "level"), [(0, "ok"), (32, "ok"), (33, "warn"), (39, "warn"), (40, "bad"), (9_000, "bad")]
)
def test_a_job_that_is_silent(age: float, level: str) -> None:
    done = NOW - timedelta(seconds=age)
    item = judging.job(Pass("settle_traces", "settle traces", 1.0, done), NOW)
    assert item.level == level
    assert ("worker" in item.advice) == (level != "ok")


def test_a_job_that_never_ran_or_only_failed() -> None:
    assert judging.job(Pass("x", "x", 3600.0), NOW).level == "unknown"
    assert judging.job(Pass("x", "x", 3600.0, None, NOW), NOW).level == "warn"
    failing = Pass("x", "x", 3600.0, NOW - timedelta(minutes=5), NOW)
    assert judging.job(failing, NOW).level == "warn"


@pytest.mark.parametrize(
    ("items", "level"),
    [
        (judging.settling(0, 0.0), "ok"),
        (judging.settling(9, 31.0), "warn"),
        (judging.settling(9, 301.0), "bad"),
        ([judging.detection(None)], "unknown"),
        ([judging.detection(200.0)], "warn"),
        ([judging.alerts(121.0)], "bad"),
        ([judging.notifications(None)], "ok"),
        ([judging.notifications(1_000.0)], "bad"),
        ([judging.channels([("ops", "")], 1)], "ok"),
        ([judging.channels([("ops", "The receiver answered 404.")], 1)], "bad"),
        (judging.disk((50, 100), forecast([], 50)), "ok"),
        (judging.disk((10, 100), forecast([], 10)), "warn"),
        (judging.disk((4, 100), forecast([], 4)), "bad"),
        (judging.disk((50, 100), forecast([Stream(0, 10)], 50)), "bad"),
        (judging.disk((50, 100), forecast([Stream(0, 2)], 50)), "warn"),
        (judging.disk(None, forecast([], 0)), "ok"),
        ([judging.detectors(0, None, NOW)], "ok"),
        ([judging.detectors(3, ("loop", NOW, "KeyError"), NOW)], "warn"),
        ([judging.detectors(3, ("loop", NOW - timedelta(days=1), "KeyError"), NOW)], "ok"),
        (judging.ingest({"received": 1000, "rejected": 60}, {"bad_id": 60}, {}, {}, 0.5, 1), "bad"),
        (judging.ingest({"received": 10, "rejected": 9}, {"bad_id": 9}, {}, {}, 0.5, 1), "ok"),
        (judging.ingest({"received": 10}, {}, {}, {"unavailable": 1}, 0.5, 1), "warn"),
        (judging.ingest({"received": 10}, {}, {}, {}, float("inf"), 1), "bad"),
    ],
)
def test_levels(items: list[Item], level: str) -> None:
    assert worst(item.level for item in items) == level
    assert all(item.advice.strip() for item in items)


def test_the_worst_decides() -> None:
    assert worst([]) == "ok"
    assert worst(["ok", "unknown"]) == "ok"
    assert worst(["unknown"]) == "unknown"
    assert worst(["warn", "bad", "ok"]) == "bad"


def test_pages_of_several_ingest_processes_are_added_up_each_once() -> None:
    found, seen = IngestFigures(), set[float]()
    page = """# TYPE process_start_time_seconds gauge
process_start_time_seconds {start}
# TYPE tracestore_ingest_spans_total counter
tracestore_ingest_spans_total{{outcome="received",reason=""}} 10.0
tracestore_ingest_spans_total{{outcome="rejected",reason="bad_id"}} 3.0
# TYPE tracestore_ingest_request_duration_seconds histogram
tracestore_ingest_request_duration_seconds_bucket{{transport="grpc",le="0.1"}} 18.0
tracestore_ingest_request_duration_seconds_bucket{{transport="grpc",le="1.0"}} 20.0
tracestore_ingest_request_duration_seconds_bucket{{transport="grpc",le="+Inf"}} 20.0
"""
    for start in (1.0, 2.0, 1.0):
        ingest_figures.add(found, page.format(start=start), seen)
    assert found.spans == {"received": 20, "rejected": 6}
    assert found.rejected == {"bad_id": 6}
    assert (found.within(0.9), found.within(0.95), found.within(1.0)) == (0.1, 1.0, 1.0)
    assert IngestFigures().within(0.95) is None
