"""Tables from one engine to another, and who may be moved into what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, copying
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.copying import Store, Table
from tracestore.errors import InvalidInput, Unavailable
from tracestore.moving import metadata_rows, move
from tracestore.moving.move import Move


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("server") / "data") as engine:
        yield engine


def url(server: EngineProcess) -> str:
    return f"http://{server.admin_user}:{server.admin_password}@127.0.0.1:{server.port}"


@pytest.fixture
def source() -> Iterator[Store]:
    with closing(copying.store()) as found:
        yield found


@pytest.fixture
def target(server: EngineProcess, source: Store) -> Iterator[Store]:
    """With the tables that the tests are about."""
    with closing(copying.store(url(server))) as found:
        found.command(f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
        found.command(f"CREATE DATABASE {DATABASE}")
        for name in ("stored_spans", "trace_activity"):
            found.command(str(client.run(f"SHOW CREATE TABLE {name}").result_rows[0][0]))
        yield found


def table(source: Store, name: str = "stored_spans") -> Table:
    return next(one for one in source.tables() if one.name == name)


def insert(days: int, *, version: int = 1, cost: str = "NULL") -> None:
    client.command(
        "INSERT INTO stored_spans (project, trace_id, span_id, start_time, cost_usd, attributes, version)"
        " SELECT 'p', 't', toString(number), toDateTime64('2026-11-01 00:00:00', 9) + toIntervalDay(number),"
        f" {cost}, map('a', toString(number)), {version} FROM numbers({days})"
    )


def test_tables_and_what_they_do_with_rows(source: Store) -> None:
    found = {one.name: one for one in source.tables()}
    assert "schema_migrations" not in found
    assert (found["stored_spans"].replaces, found["trace_activity"].replaces) == (True, False)
    assert found["stored_spans"].columns["cost_usd"] == "Nullable(Float64)"


def test_partitions_are_copied_as_readers_see_them(source: Store, target: Store) -> None:
    insert(3)
    insert(3, version=2, cost="1.5")
    spans = table(source)
    here = source.partitions(spans)
    assert [content.rows for content in here.values()] == [1, 1, 1]
    for partition in here:
        copying.copy(source, target, spans, partition)
    assert target.partitions(spans) == here
    assert target.stored()["stored_spans"][0] == 3, "only the rows that count"
    copying.copy(source, target, spans, next(iter(here)))
    assert target.partitions(spans) == here, "twice changes nothing"


@pytest.mark.parametrize("costs", [("NULL", "0"), ("NULL", "2.5"), ("1", "2")])
def test_a_digest_tells_values_apart(source: Store, costs: tuple[str, str]) -> None:
    contents = []
    for cost in costs:
        client.command("TRUNCATE TABLE stored_spans")
        insert(1, cost=cost)
        contents += source.partitions(table(source)).values()
    assert [content.rows for content in contents] == [1, 1]
    assert contents[0].digest != contents[1].digest


def test_a_digest_does_not_lose_rows_to_null(source: Store) -> None:
    insert(1)
    (content,) = source.partitions(table(source)).values()
    assert content.digest != 0


def test_a_source_that_fails_in_the_middle_is_told(source: Store, target: Store) -> None:
    insert(1)
    with pytest.raises(Unavailable, match="could not do it"):
        copying.copy(source, target, Table("stored_spans", True, {"no_such_column": "String"}), "20261101")
    with pytest.raises(InvalidInput, match="no id of a partition"):
        copying.copy(source, target, table(source), "1' OR '1")


def test_the_whole_store_is_compared(source: Store, target: Store) -> None:
    insert(2)
    client.command("INSERT INTO trace_activity (project, trace_id) VALUES ('p', 't'), ('p', 't')")
    tables = [table(source), table(source, "trace_activity")]
    said: list[str] = []
    only = pytest.MonkeyPatch()
    with only.context() as patched:
        patched.setattr(source, "tables", lambda: tables)
        move._store(source, target, said.append)
        assert said[-2:] == [
            "stored_spans: 2 rows, the same at the server",
            "trace_activity: 2 rows, the same at the server",
        ]
        # What somebody changed there is put right, what is strange is not touched.
        target.command("ALTER TABLE tracestore.stored_spans DROP PARTITION ID '20261101'")
        said.clear()
        move._store(source, target, said.append)
        assert [line for line in said if "copied" in line] == ["stored_spans 20261101: 1 rows copied"]
        target.command(
            "INSERT INTO tracestore.stored_spans (project, trace_id, start_time) VALUES ('p', 'other', '2020-01-01')"
        )
        with pytest.raises(InvalidInput, match=r"holds other data \(20200101\)"):
            move._store(source, target, said.append)


def test_the_plan_changes_nothing_and_says_what_there_is(source: Store) -> None:
    insert(2)
    said: list[str] = []
    move._tell_plan(source, said.append)
    assert said[0].startswith("stored_spans: 2 rows, ")
    assert said[-1] == "Nothing was moved."


def test_who_may_be_moved_into_what(server: EngineProcess, target: Store) -> None:
    fresh, again = Move(url(server), None), Move(url(server), None, resume=True)
    fresh._may_begin(target)
    with pytest.raises(InvalidInput, match="no move to go on with"):
        again._may_begin(target)
    target.set_mark(move._identity())
    again._may_begin(target)
    with pytest.raises(InvalidInput, match="by --resume"):
        fresh._may_begin(target)
    target.take_mark_away()
    target.set_mark("another")
    for one in (fresh, again):
        with pytest.raises(InvalidInput, match="Another installation"):
            one._may_begin(target)
    target.take_mark_away()
    target.command("INSERT INTO tracestore.trace_activity (project, trace_id) VALUES ('p', 't')")
    with pytest.raises(InvalidInput, match=r"not empty \(trace_activity\)"):
        fresh._may_begin(target)


@pytest.mark.parametrize(
    ("clickhouse", "database", "said"),
    [("ftp://x", None, "--to-clickhouse"), ("http://x", "mysql://x", "--to-database"), ("x", None, "--to-clickhouse")],
)
def test_addresses_that_cannot_be_used(clickhouse: str, database: str | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Move(clickhouse, database)._check()


def test_metadata_that_differ_are_named() -> None:
    here = {"auth.user": ["1", "2"], "tracestore.project": ["a"]}
    assert metadata_rows.differences(here, {name: list(rows) for name, rows in here.items()}) == []
    found = metadata_rows.differences(here, {"auth.user": ["1", "3"]})
    assert found == [
        "auth.user (1 rows missing or changed, 1 others)",
        "tracestore.project (1 rows missing or changed, 0 others)",
    ]
    fresh, again = Move("http://x", "postgresql://x"), Move("http://x", "postgresql://x", resume=True)
    fresh._metadata_may_be_moved(here, {})
    again._metadata_may_be_moved(here, here)
    for one, there in ((fresh, here), (again, {"auth.user": ["9"]})):
        with pytest.raises(InvalidInput, match="nobody has used"):
            one._metadata_may_be_moved(here, there)
