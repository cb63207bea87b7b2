"""The schema of a cluster on the engine that is here: Distributed over one shard, which is itself, without replicas.

What this cannot show is told in docs/adr/0010-cluster.md: several machines, replicas, Keeper and ON CLUSTER.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clickhouse.real_store import real_store
from tests.clickhouse.spans import START, llm, span
from tests.cluster.engine import ClusterEngine
from tracestore.clickhouse import client, migrations, settling, sql_console
from tracestore.clickhouse.cluster import adapting
from tracestore.clickhouse.cluster.placement import BY_TRACE, PLACEMENTS
from tracestore.clickhouse.cluster.statements import SHARD_DATABASE, Form, databases
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.store_status import tables
from tracestore.clickhouse.writer import SpanWriter
from tracestore.errors import Unavailable
from tracestore.spans.model import Span

TRACES = 8


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterEngine]:
    with real_store(tmp_path_factory.mktemp("cluster"), as_cluster=True) as engine:
        SpanWriter().write(spans())
        yield engine  # type: ignore[misc]


def spans() -> list[tuple[str, Span]]:
    """The same spans each time: runs of an agent, a model call and a tool."""
    return [
        ("default", one)
        for trace in range(1, TRACES + 1)
        for one in (
            span(1, trace=trace, type="agent", agent="planner", session_id="s", start=START),
            llm(2, trace=trace, parent=1, start=START, input="asked", output="said"),
            span(3, trace=trace, parent=1, type="tool", tool_name="search", input="i", output="o", start=START),
        )
    ]


def rows(query: str, **settings_: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = client.run(query, query_settings=settings_ or None).result_rows
    return found


def test_every_statement_of_a_cluster_parses(cluster: ClusterEngine) -> None:
    form = Form("everyone")
    made = databases(form) + [
        statement for one in (migrations.LEDGER, *migrations.known()) for statement in one.statements_for(form)
    ]
    assert len(made) > 80
    parsed = client.run("SELECT formatQuery(arrayJoin({made:Array(String)}))", {"made": made}).result_rows
    assert len(parsed) == len(made)
    for statement, (formatted,) in zip(made, parsed, strict=True):
        assert "ON CLUSTER everyone" in formatted or statement.startswith("INSERT"), statement
    # The parser does refuse what is none.
    with pytest.raises(Exception, match="refused the statement"):
        client.run("SELECT formatQuery({made:String})", {"made": "CREATE TABLE a ON b CLUSTER (x UInt8)"})


def test_every_setting_is_one_of_the_engines(cluster: ClusterEngine) -> None:
    known = {name for (name,) in rows("SELECT name FROM system.settings")}
    assert set(adapting.SETTINGS) <= known


def test_the_schema_is_whole_and_may_be_applied_again(cluster: ClusterEngine) -> None:
    assert migrations.pending() == []
    for migration in migrations.known():
        migrations.apply(migration)
    engines = dict(rows("SELECT name, engine FROM system.tables WHERE database = 'tracestore'"))
    assert set(engines) == set(PLACEMENTS)
    for name, place in PLACEMENTS.items():
        assert (engines[name] == "Distributed") == (place.kind == "shard"), name


def test_what_is_sent_again_is_there_once(cluster: ClusterEngine) -> None:
    SpanWriter().write(spans())
    SpanWriter().write(spans())
    for name, expected in (("spans", 3 * TRACES), ("span_payloads", 2 * TRACES), ("tool_calls", TRACES)):
        assert rows(f"SELECT count() FROM {name}") == [(expected,)], name
        assert rows(f"SELECT count() FROM {SHARD_DATABASE}.{name}") == [(expected,)], name


def test_settling_and_reading_go_through_the_names_of_the_contract(
    cluster: ClusterEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = rows("SELECT * FROM traces ORDER BY trace_id")
    sessions = rows("SELECT * FROM sessions")
    assert len(live) == TRACES
    assert len(sessions) == 1
    monkeypatch.setattr(settling, "QUIET_MS", 0)
    time.sleep(0.01)
    assert settling.settle().traces == TRACES
    assert rows("SELECT count() FROM open_traces") == [(0,)]
    assert rows("SELECT * FROM traces ORDER BY trace_id") == live
    assert rows("SELECT * FROM sessions") == sessions
    assert get_reader().trace("default", f"{1:032x}").span_count == 3
    assert len(get_reader().spans("default", f"{1:032x}")) == 3


def test_who_names_a_trace_asks_one_shard(cluster: ClusterEngine) -> None:
    """`twice` is this machine as two shards: whoever asks both sees everything twice."""
    client.command("CREATE DATABASE IF NOT EXISTS twice")
    one = f"{1:032x}"
    pruned = {"optimize_skip_unused_shards": 1, "force_optimize_skip_unused_shards": 2}
    for name, place in PLACEMENTS.items():
        column = "TraceId" if "TraceId" in place.key else "trace_id"
        if place.key not in (BY_TRACE, "cityHash64(TraceId)"):
            continue
        client.command(
            f"CREATE TABLE IF NOT EXISTS twice.{name} AS {SHARD_DATABASE}.{name}"
            f" ENGINE = Distributed(twice, {SHARD_DATABASE}, {name}, {place.key})"
        )
        (everything,) = rows(f"SELECT count() FROM {SHARD_DATABASE}.{name}")[0]
        (ours,) = rows(f"SELECT count() FROM {SHARD_DATABASE}.{name} WHERE {column} = '{one}'")[0]
        assert rows(f"SELECT count() FROM twice.{name}") == [(2 * everything,)], name
        # It raises where no shard can be left out.
        assert rows(f"SELECT count() FROM twice.{name} WHERE {column} = '{one}'", **pruned) == [(ours,)], name
    # Groups of a trace are whole on their shard and are not put together again.
    grouped = rows("SELECT trace_id, count() FROM twice.spans GROUP BY trace_id")
    assert len(grouped) == 2 * TRACES


def test_a_subquery_sees_all_shards_unless_it_is_asked_not_to(cluster: ClusterEngine) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS twice")
    for name in ("spans", "traces"):
        client.command(
            f"CREATE TABLE IF NOT EXISTS twice.{name} AS {SHARD_DATABASE}.{name}"
            f" ENGINE = Distributed(twice, {SHARD_DATABASE}, {name}, {BY_TRACE})"
        )
    asked = "SELECT count() FROM twice.spans WHERE trace_id IN (SELECT trace_id FROM twice.traces)"
    assert adapting.SETTINGS["distributed_product_mode"] == "global"
    assert rows(asked) == [(2 * 3 * TRACES,)]
    assert rows(asked, distributed_product_mode="local") == [(2 * 3 * TRACES,)]


def test_sql_over_one_project_stays_shut(cluster: ClusterEngine) -> None:
    """Until its condition was seen to hold on another machine's shard (docs/adr/0010-cluster.md)."""
    with pytest.raises(Unavailable, match="cannot be bound to a project"):
        sql_console.ask("default", "SELECT count() FROM spans", "somebody")


def test_rows_are_deleted_on_their_shards_and_sizes_are_theirs(cluster: ClusterEngine) -> None:
    gone = f"{TRACES:032x}"
    client.run("ALTER TABLE stored_spans DELETE WHERE trace_id = {gone:String}", {"gone": gone})
    assert rows(f"SELECT count() FROM spans WHERE trace_id = '{gone}'") == [(0,)]
    assert {table.name for table in tables()} >= {"stored_spans", "stored_payloads", "stored_traces"}
