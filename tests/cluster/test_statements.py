"""The schema of a cluster is made from the files of one machine: each relation has its place, nothing is left out."""

from __future__ import annotations

import hashlib
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tracestore.clickhouse import migrations
from tracestore.clickhouse.cluster import adapting, statements
from tracestore.clickhouse.cluster.placement import PLACEMENTS, placement
from tracestore.clickhouse.cluster.statements import Form
from tracestore.errors import InvalidInput

FORM = Form("everyone")
ALL = [migrations.LEDGER, *migrations.known()]
_CREATED = re.compile(r"CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW|OR REPLACE TABLE) (?:\{database\}\.)?(\w+)")

#: What was applied to stores that exist. A file that differs would be refused by them (migrations.py).
APPLIED = {
    "0001_stored_spans.sql": "035276373c98a333",
    "0002_stored_payloads.sql": "8a6b02f88324f2a5",
    "0003_trace_activity.sql": "11c91cc2418a6256",
    "0004_stored_traces.sql": "42a92902323157ea",
    "0005_findings_and_health.sql": "fd4681aea2150d05",
    "0006_stored_logs.sql": "9aece1312867bdb5",
    "0007_payload_compression.sql": "4f836805b85615ff",
    "0008_incomplete.sql": "46029ec5f7990535",
    "0009_agent_id.sql": "84b15ca168b9a087",
    "0010_stored_tool_calls.sql": "b4f810dcb9fdd110",
    "0011_scope_attributes.sql": "9e3d6701d0f71d36",
    "0012_synced_summaries.sql": "392501953ebc8cf1",
    "0013_running.sql": "a068e6dca24ef3bb",
    "0014_detection.sql": "909ee151da48b0ad",
    "0015_histories_and_health.sql": "3b5234c6168edbfd",
    "0016_findings_by_time.sql": "565734f1ee75431b",
    "0017_tool_and_status.sql": "36cb41f0333d976a",
    "0018_envelope.sql": "5702f70776ab2a4b",
}


def created() -> set[str]:
    return {found for one in ALL for template in one.templates for found in _CREATED.findall(template)}


def on_cluster() -> list[str]:
    return [statement for one in ALL for statement in one.statements_for(FORM)]


def test_every_relation_has_a_place_with_a_reason_and_nothing_else_has() -> None:
    # A new table fails here until tracestore/clickhouse/cluster/placement.py says where it lives.
    assert created() == set(PLACEMENTS)
    assert all(one.reason.endswith(".") for one in PLACEMENTS.values())
    assert all(bool(one.key) == (one.kind == "shard") for one in PLACEMENTS.values())


def test_the_page_of_the_decision_names_every_relation_and_setting() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "adr" / "0010-cluster.md").read_text()
    for name, one in PLACEMENTS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert one.reason in row
        assert one.key in row
    for setting, value in adapting.SETTINGS.items():
        assert f"| `{setting}` | {value} |" in page


def test_an_unknown_relation_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="stored_things: decide in"):
        statements.of_file(
            ["CREATE TABLE IF NOT EXISTS {database}.stored_things (a UInt8) ENGINE = MergeTree ORDER BY a"], FORM
        )


@pytest.mark.parametrize(
    "statement", ["DROP TABLE {database}.stored_spans", "RENAME TABLE {database}.a TO {database}.b"]
)
def test_a_statement_without_a_form_for_clusters_is_refused(statement: str) -> None:
    with pytest.raises(InvalidInput, match="no form for a cluster"):
        statements.of_file([statement], FORM)


@pytest.mark.parametrize("name", ["", "a b", "x`; DROP", "0", "a" * 101])
def test_a_cluster_has_a_plain_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="cluster: expected a name"):
        statements.databases(Form(name))


@pytest.mark.parametrize("name", sorted(APPLIED))
def test_files_that_were_applied_are_what_they_were(name: str) -> None:
    (found,) = [one for one in ALL if one.name == name]
    assert found.checksum[:16] == APPLIED[name]


def test_one_machine_gets_the_files_as_they_are() -> None:
    for one in ALL:
        assert one.statements == one.statements_for(None)
        assert one.statements == [template.replace("{database}", "tracestore") for template in one.templates]
        assert not any("Distributed" in statement or "Replicated" in statement for statement in one.statements)


def test_every_statement_of_a_file_is_there_word_for_word() -> None:
    for one in migrations.known():
        made = one.statements_for(Form("everyone", replicated=False))
        for template in one.templates:
            shard, contract = (statements.named(template, name) for name in ("tracestore_shard", "tracestore"))
            assert (
                contract if template.startswith("INSERT") or "VIEW {database}.sessions" in template else shard
            ) in made


def test_tables_are_replicated_on_their_shard_or_everywhere() -> None:
    engines = re.compile(
        r"CREATE TABLE IF NOT EXISTS (\w+)\.(\w+) ON CLUSTER `everyone`.*?ENGINE = (\w+)\(([^)]*)\)", re.S
    )
    found = {
        name: (database, engine, arguments)
        for one in on_cluster()
        for database, name, engine, arguments in engines.findall(one)
    }
    assert set(found) == {name for name in PLACEMENTS if name.startswith("stored_") or name in (
        "trace_activity", "trace_links", "settled_until", "detected_until", "schema_migrations",
    )}  # fmt: skip
    for name, (database, engine, arguments) in found.items():
        assert engine.startswith("Replicated"), name
        if placement(name).kind == "everywhere":
            assert (database, arguments.startswith("'/clickhouse/tables/{uuid}/all', '{shard}-{replica}'")) == (
                "tracestore",
                True,
            )
        else:
            assert (database, arguments.startswith("'/clickhouse/tables/{uuid}/{shard}', '{replica}'")) == (
                "tracestore_shard",
                True,
            )
    # The arguments of the file stay: which row wins, and what is deleted.
    assert found["stored_traces"][2].endswith("'{replica}', version, deleted")


def test_nothing_on_a_shard_reads_the_whole_cluster() -> None:
    for statement in on_cluster():
        if statement.startswith("CREATE OR REPLACE VIEW tracestore_shard."):
            asked = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)\.(\w+)", statement)
            assert asked
            for database, name in asked:
                assert database == ("tracestore" if placement(name).kind == "everywhere" else "tracestore_shard"), (
                    name,
                    statement,
                )
            # And nothing is named without its database, which could be that of who asks.
            assert not re.search(rf"\b(FROM|JOIN)\s+({'|'.join(PLACEMENTS)})\b(?!\.)", statement)


def test_who_reads_the_contract_asks_all_shards() -> None:
    made = "\n".join(on_cluster())
    for name, one in PLACEMENTS.items():
        if one.kind == "shard":
            head = f"CREATE OR REPLACE TABLE tracestore.{name} ON CLUSTER `everyone` AS tracestore_shard.{name}"
            assert f"{head}\nENGINE = Distributed(`everyone`, tracestore_shard, {name}, {one.key})" in made
        else:
            assert f" tracestore.{name} ON CLUSTER" in made
            assert f"Distributed(`everyone`, tracestore_shard, {name}," not in made


def test_columns_that_are_added_reach_the_names_of_the_contract() -> None:
    for one in ALL:
        made = one.statements_for(FORM)
        for number, statement in enumerate(made):
            if statement.startswith("ALTER TABLE tracestore_shard."):
                name = statement.split()[2].partition(".")[2]
                assert any(later.startswith(f"CREATE OR REPLACE TABLE tracestore.{name} ") for later in made[number:])


def test_changes_of_rows_go_to_the_shards_and_questions_stay() -> None:
    query, bound = adapting.adapted(
        "ALTER TABLE {table:Identifier} DELETE WHERE project = {project:String}",
        {"table": "stored_spans", "project": "a"},
        FORM,
    )
    assert (
        query
        == "ALTER TABLE tracestore_shard.stored_spans ON CLUSTER `everyone` DELETE WHERE project = {project:String}"
    )
    assert bound == {"table": "stored_spans", "project": "a"}
    query, _ = adapting.adapted("DELETE FROM tracestore.stored_dismissals WHERE project = 'a'", None, FORM)
    assert query == "DELETE FROM tracestore.stored_dismissals ON CLUSTER `everyone` WHERE project = 'a'"
    for same in (
        "SELECT count() FROM stored_spans FINAL",
        "INSERT INTO stored_spans SELECT 1",
        "ALTER TABLE other DELETE WHERE 1",
    ):
        assert adapting.adapted(same, {"database": "tracestore"}, FORM) == (same, {"database": "tracestore"})
    query, bound = adapting.adapted(
        "SELECT sum(rows) FROM system.parts WHERE database = {database:String}", {"database": "tracestore"}, FORM
    )
    assert query == "SELECT sum(rows) FROM cluster('everyone', system.parts) WHERE database = {database:String}"
    assert bound == {"database": "tracestore_shard"}


def test_the_command_prints_the_whole_schema_and_asks_no_server() -> None:
    printed = StringIO()
    call_command("migrate_clickhouse", "--cluster", "everyone", "--print-sql", stdout=printed)
    text = printed.getvalue()
    assert text.startswith("-- databases\nCREATE DATABASE IF NOT EXISTS tracestore_shard ON CLUSTER `everyone`;")
    assert all(f"-- {one.name}\n" in text for one in ALL)
    assert all(statement in text for statement in on_cluster())
    with pytest.raises(CommandError, match="--cluster goes with --print-sql"):
        call_command("migrate_clickhouse", "--cluster", "everyone")


def test_replicas_may_be_left_out_for_one_machine() -> None:
    alone = Form("everyone", replicated=False)
    made = [statement for one in ALL for statement in one.statements_for(alone)]
    assert not any("Replicated" in statement or "ON CLUSTER" in statement for statement in made)
    assert hashlib.sha256("".join(made).encode()) != hashlib.sha256("".join(on_cluster()).encode())
    assert len(made) == len(on_cluster())
