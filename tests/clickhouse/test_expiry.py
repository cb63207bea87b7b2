"""What a project no longer keeps is deleted, and nothing else: not its other days, not its neighbours'."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.clickhouse.spans import SECOND, span
from tests.clickhouse.test_writer import count, write
from tracestore import retention, tasks
from tracestore.clickhouse import client, expiry, settling
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project
from tracestore.retention import Retention
from tracestore.spans.model import Span

TODAY = datetime.now(UTC).date()
TABLES = ("stored_payloads", "stored_spans", "stored_traces", "stored_tool_calls")


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


@pytest.fixture
def projects(db: None) -> None:
    for slug in ("brief", "long", "for-ever"):
        Project.objects.get_or_create(slug=slug, defaults={"name": slug})


def on(days_ago: int, number: int = 1) -> Span:
    """A tool call of that day, in a trace of its own."""
    start = int(datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), UTC).timestamp()) * SECOND
    return span(number, trace=1000 * number + days_ago, start=start, type="tool", tool_name="t", input="i", output="o")


def store(days: tuple[int, ...], *slugs: str) -> None:
    for slug in slugs:
        write(*(on(day, number) for day in days for number in (1, 2)), project=slug)
    time.sleep(0.06)
    settling.settle()


def days_in(table: str, project: str) -> list[int]:
    rows = client.run(
        f"SELECT DISTINCT toDate(start_time, 'UTC') AS day FROM {table} WHERE project = {{p:String}} ORDER BY day DESC",
        {"p": project},
    ).result_rows
    return [(TODAY - row[0]).days for row in rows]


def held() -> dict[str, dict[str, list[int]]]:
    return {slug: {table: days_in(table, slug) for table in TABLES} for slug in ("brief", "long", "for-ever")}


DAYS = (0, 1, 2, 3, 10, 40)


@pytest.mark.parametrize("merged", [False, True], ids=["parts of one project", "parts of several projects"])
def test_each_project_and_table_keeps_its_own_days(projects: None, merged: bool) -> None:
    store(DAYS, "brief", "long", "for-ever")
    if merged:
        for table in TABLES:
            client.command(f"OPTIMIZE TABLE {table} FINAL")
    retention.change("brief", Retention(payload_days=1, span_days=3, tool_call_days=10))
    retention.change("long", Retention(span_days=10))
    everything = {table: list(DAYS) for table in TABLES}
    assert held() == {"brief": everything, "long": everything, "for-ever": everything}
    for _ in range(2):  # the second run finds nothing and changes nothing
        tasks.expire_data()
        assert held() == {
            "brief": {
                "stored_payloads": [0, 1],
                "stored_spans": [0, 1, 2, 3],
                "stored_traces": [0, 1, 2, 3],
                "stored_tool_calls": [0, 1, 2, 3, 10],
            },
            "long": {**{table: [0, 1, 2, 3, 10] for table in TABLES}, "stored_tool_calls": list(DAYS)},
            "for-ever": everything,
        }
    assert client.run("SELECT count() FROM stored_spans WHERE project = 'for-ever'").result_rows == [(12,)]


def test_a_part_of_one_project_is_dropped_and_a_shared_one_rewritten() -> None:
    store((5,), "brief")
    assert expiry.expire("stored_spans", {TODAY: ["brief"]}) == expiry.Expired(2, 1, 0)
    store((5,), "brief", "long")
    client.command("OPTIMIZE TABLE stored_spans FINAL")
    assert expiry.expire("stored_spans", {TODAY: ["brief"]}) == expiry.Expired(2, 0, 1)
    assert expiry.expire("stored_spans", {TODAY: ["brief"]}) == expiry.Expired()
    assert count("stored_spans") == 2


def test_projects_that_share_a_part_and_both_expire_leave_it_to_be_dropped() -> None:
    store((50,), "brief", "long")
    client.command("OPTIMIZE TABLE stored_spans FINAL")
    plan = {TODAY: ["brief"], TODAY - timedelta(days=10): ["long"]}
    assert expiry.expire("stored_spans", plan) == expiry.Expired(4, 1, 0)


def test_a_run_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "MOST_REWRITES", 1)
    store((5, 6), "brief", "long")
    client.command("OPTIMIZE TABLE stored_spans FINAL")
    assert expiry.expire("stored_spans", {TODAY: ["brief"]}).more
    assert not expiry.expire("stored_spans", {TODAY: ["brief"]}).more
    assert days_in("stored_spans", "brief") == []
    assert days_in("stored_spans", "long") == [5, 6]


def test_a_part_that_was_merged_meanwhile_is_not_dropped() -> None:
    store((5,), "brief")
    assert not expiry.drop("stored_spans", "20200101_1_1_0")
    assert count("stored_spans") == 2


def test_what_is_stored_of_a_project(projects: None) -> None:
    store((0, 2), "brief")
    alone = expiry.stored("brief", "stored_spans")
    assert (alone.rows, alone.shared) == (4, False)
    assert alone.first_ns is not None
    assert alone.last_ns is not None
    assert alone.last_ns - alone.first_ns == 2 * 86_400 * SECOND
    (size,) = client.run(
        "SELECT sum(bytes_on_disk) FROM system.parts"
        " WHERE active AND database = 'tracestore' AND table = 'stored_spans'"
    ).result_rows[0]
    assert alone.bytes_on_disk == size
    store((0, 2), "long")
    client.command("OPTIMIZE TABLE stored_spans FINAL")
    both = [expiry.stored(slug, "stored_spans") for slug in ("brief", "long")]
    assert [one.shared for one in both] == [True, True]
    assert both[0].bytes_on_disk == pytest.approx(both[1].bytes_on_disk)
    assert expiry.stored("nobody", "stored_spans") == expiry.Stored("stored_spans", 0, None, None, 0, False)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Retention(payload_days=0), "payload_days"),
        (Retention(span_days=-1), "span_days"),
        (Retention(tool_call_days=36_501), "tool_call_days"),
        (Retention(payload_days=8, span_days=7), "payload_days"),
    ],
)
def test_what_cannot_be_kept_is_refused(projects: None, given: Retention, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        retention.change("brief", given)
    assert refused.value.field == field
    assert retention.of("brief") == Retention()


def test_nothing_is_deleted_unless_somebody_said_so(projects: None) -> None:
    assert retention.kept_from(date(2026, 1, 31)) == {}
    retention.change("brief", Retention())
    assert retention.kept_from(date(2026, 1, 31)) == {}
    with pytest.raises(NotFound):
        retention.change("nobody", Retention())


def test_payloads_never_outlive_their_spans(projects: None) -> None:
    retention.change("brief", Retention(span_days=30))
    plan = retention.kept_from(date(2026, 1, 31))
    assert plan == {
        table: {date(2026, 1, 1): ["brief"]}
        for table in ("stored_payloads", "stored_histories", "stored_spans", "stored_traces")
    }
