"""SQL users of one project, at the engine's own door: what they see, what they cannot get at, how they come and go."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import clickhouse_connect
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.clickhouse.test_sql_console import FOREIGN, two_projects  # noqa: F401 a fixture
from tests.engine.raw_http import RawClient, admin
from tests.engine_process import EngineProcess
from tracestore import sql_readers
from tracestore.clickhouse import client as store_client
from tracestore.clickhouse import reader_users
from tracestore.engine import one_project, readers
from tracestore.engine.settings import EXPOSED_VIEWS
from tracestore.errors import InvalidInput, Unavailable
from tracestore.models import AuditEntry, Project
from tracestore.supervisor import processes

pytestmark = pytest.mark.django_db

#: Statements that a reader may run, and that would show the other project if they could.
SEEN_BOUND = (
    "SELECT * FROM spans",
    "SELECT project, name FROM tracestore.spans",
    "SELECT * FROM spans AS stored_spans WHERE 1 OR project = 'other'",
    "SELECT groupArray(project) FROM spans AS `tracestore.stored_spans`",
    "SELECT * FROM spans AS `tracestore.stored_payloads` JOIN span_payloads AS `stored_spans` USING (span_id)",
    "SELECT a.project, b.name FROM tracestore.spans AS a CROSS JOIN spans AS b",
    "SELECT project FROM spans AS a JOIN otel_traces AS b ON a.trace_id = b.TraceId",
    "SELECT a.project, l.* FROM spans AS a FULL OUTER JOIN otel_logs AS l ON a.trace_id = l.TraceId",
    "SELECT * FROM spans AS a ASOF JOIN spans AS b ON a.trace_id = b.trace_id AND a.start_time >= b.start_time",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM `spans`))",
    "WITH x AS (SELECT * FROM spans), y AS (SELECT * FROM x) SELECT * FROM y UNION ALL SELECT * FROM spans",
    "WITH RECURSIVE c AS (SELECT name, 1 AS n FROM spans UNION ALL SELECT name, n + 1 FROM c WHERE n < 3)"
    " SELECT * FROM c",
    "WITH stored_spans AS (SELECT 1) SELECT (SELECT groupArray(project) FROM spans)",
    "SELECT name FROM spans INTERSECT SELECT name FROM spans",
    "SELECT name FROM spans EXCEPT SELECT name FROM spans WHERE project = 'default'",
    "SELECT * FROM traces WHERE trace_id IN (SELECT trace_id FROM spans WHERE project = 'other')",
    "SELECT 'other' IN (SELECT project FROM spans)",
    "SELECT count() FROM spans WHERE name GLOBAL IN (SELECT name FROM spans WHERE project != 'default')",
    "SELECT * FROM view(SELECT * FROM spans)",
    "SELECT input, upper(input), length(output) FROM span_payloads WHERE project != 'default' OR 1 = 1",
    "SELECT name, row_number() OVER (PARTITION BY trace_id ORDER BY start_time) FROM spans",
    "SELECT arrayJoin(groupUniqArray(project)), any(agent) FROM spans",
    "SELECT project, count() FROM spans GROUP BY project WITH TOTALS",
    "SELECT * FROM spans SETTINGS final = 1, join_use_nulls = 1, extremes = 1",
    "SELECT * FROM spans ORDER BY toUnixTimestamp(start_time) WITH FILL",
    "SELECT toFixedString('x', (SELECT 1 + 1000 * countIf(project = 'other') FROM spans))",
    "DESCRIBE (SELECT toFixedString('x', (SELECT 1 + 1000 * countIf(project = 'other') FROM spans)))",
    "EXPLAIN QUERY TREE SELECT (SELECT groupArray(project) FROM spans)",
    "EXPLAIN SYNTAX SELECT (SELECT groupArray(project) FROM spans)",
    "EXPLAIN AST SELECT * FROM spans",
    "SELECT * FROM system.tables",
    "SELECT * FROM system.columns",
    "SELECT * FROM system.settings",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM information_schema.views",
    "SHOW TABLES", "SHOW TABLES FROM tracestore", "SHOW DATABASES", "SHOW COLUMNS FROM spans",
    "SHOW CREATE VIEW spans", "DESCRIBE TABLE spans", "EXISTS TABLE spans",
    "SELECT version(), currentUser(), currentDatabase(), timezone()",
)  # fmt: skip
REFUSED = (
    "SELECT * FROM stored_spans",
    "SELECT * FROM tracestore.stored_spans",
    "SELECT count() FROM spans WHERE trace_id IN stored_spans",
    "SELECT * FROM live_traces",
    "SELECT * FROM open_since",
    "SELECT * FROM trace_activity",
    "SELECT * FROM merge('tracestore', '.*')",
    "SELECT * FROM merge(currentDatabase(), '^stored')",
    "SELECT * FROM cluster('default', tracestore.stored_spans)",
    "SELECT * FROM clusterAllReplicas('default', tracestore.spans)",
    "SELECT * FROM remote('127.0.0.1', tracestore.stored_spans)",
    "SELECT * FROM loop(tracestore.stored_spans)",
    "SELECT * FROM view(SELECT * FROM stored_spans)",
    "SELECT * FROM mergeTreeIndex(tracestore, stored_spans)",
    "SELECT * FROM mergeTreeProjection(tracestore, stored_spans, p)",
    "SELECT * FROM dictionary('x')",
    "SELECT dictGet('x', 'y', 1)",
    "SELECT joinGet('tracestore.stored_spans', 'name', 1)",
    "SELECT hasColumnInTable('tracestore', 'stored_spans', 'name')",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM spans))",
    "SELECT * FROM {t:Identifier}",
    "SELECT lowCardinalityKeys(agent) FROM spans",
    "SELECT count() FROM spans WHERE indexHint(user_id = 'foreign-word')",
    "SELECT arrayMap(indexHint, [1])",
    "SELECT getSetting('additional_table_filters')",
    "EXPLAIN SELECT * FROM spans",
    "EXPLAIN PLAN SELECT * FROM spans",
    "EXPLAIN indexes = 1 SELECT * FROM spans",
    "EXPLAIN ESTIMATE SELECT * FROM spans",
    "EXPLAIN PIPELINE SELECT * FROM spans",
    "explain estimate select * from spans",
    "EXPLAIN QUERY TREE SELECT * FROM stored_spans",
    "SELECT * FROM (EXPLAIN ESTIMATE SELECT * FROM spans)",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.query_log",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.parts_columns",
    "SELECT * FROM system.completions",
    "SELECT * FROM information_schema.statistics",
    "SHOW PROCESSLIST",
    "SHOW CREATE TABLE stored_spans",
    "DESCRIBE TABLE stored_spans",
    "INSERT INTO stored_spans SELECT * FROM stored_spans",
    "INSERT INTO FUNCTION file('/tmp/reader-was-here') SELECT * FROM spans",
    "SELECT * FROM spans INTO OUTFILE '/tmp/reader-was-here'",
    "CREATE TABLE x ENGINE = Memory AS SELECT * FROM spans",
    "SET additional_table_filters = {}",
    "SELECT * FROM spans SETTINGS additional_table_filters = {}",
    "SELECT * FROM spans SETTINGS additional_table_filters = {'tracestore.stored_spans': '1'}",
    "SELECT * FROM (SELECT * FROM spans SETTINGS additional_table_filters = {})",
    "SELECT * FROM spans SETTINGS query_plan_merge_filters = 1",
    "SELECT * FROM spans SETTINGS optimize_move_to_prewhere = 1",
    "SELECT * FROM spans SETTINGS additional_result_filter = '1'",
    "SELECT * FROM spans SETTINGS readonly = 0",
    "SELECT * FROM spans SETTINGS use_query_condition_cache = 1",
    "EXPLAIN AST SELECT 1 SETTINGS additional_table_filters = {}",
    "KILL QUERY WHERE 1",
    "SELECT file('/etc/passwd')",
    "SELECT 1; SELECT * FROM stored_spans",
)


@pytest.fixture(autouse=True)
def place(store: EngineProcess) -> Iterator[None]:
    """Where the engine of these tests looks for its readers."""
    before = settings.ENVIRONMENT
    settings.ENVIRONMENT = replace(before, data_dir=store.path.parent)
    yield
    sql_readers.file().unlink(missing_ok=True)
    settings.ENVIRONMENT = before


@pytest.fixture
def reader(store: EngineProcess, two_projects: None) -> Iterator[RawClient]:  # noqa: F811
    found, password = sql_readers.create("default")
    client = RawClient(store, found.user, password)
    yield client
    client.close()


def command(*words: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("sql_readers", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_corpus_shows_one_project_or_is_refused(store: EngineProcess, reader: RawClient) -> None:
    for text in SEEN_BOUND:
        answer = reader.send(text, default_format="TSV")
        assert answer.status == 200, (text, answer.text)
        found = answer.text.lower()
        assert FOREIGN not in found or FOREIGN in text, text
        assert "\tother\t" not in f"\t{found}\t".replace("\n", "\t"), text
        assert "'other'" not in found or "'other'" in text, text
        assert "1001" not in found, text
    for text in REFUSED:
        answer = reader.send(text, param_t="stored_spans")
        assert answer.code in (497, 164, 62, 48), (text, answer.text)
        assert FOREIGN not in answer.text or FOREIGN in text
    # The corpus does show the other project to who may see it: otherwise it would prove nothing.
    everything = RawClient(store, "reader", store.reader_password)
    for text in SEEN_BOUND[:4]:
        assert "other" in everything.query(text), text
    everything.close()


def test_each_view_holds_the_rows_of_the_project_and_no_others(reader: RawClient) -> None:
    for view in EXPOSED_VIEWS:
        assert int(reader.query(f"SELECT count() FROM {view}")) > 0, view
        assert FOREIGN not in reader.query(f"SELECT * FROM {view}"), view
        columns = reader.query(f"SELECT name FROM system.columns WHERE table = '{view}' AND type = 'String'").split()
        for name in columns:
            reader.query(f"SELECT count() FROM {view} WHERE throwIf(position(`{name}`, '{FOREIGN}') > 0) = 0")


def test_native_blocks_and_their_types_are_bound_too(reader: RawClient) -> None:
    """The types of a Native answer are asked for apart, on a connection of their own."""
    size = "(SELECT 1 + 1000 * countIf(project = 'other') FROM spans)"
    answer = reader.send(f"SELECT toFixedString('x', {size}) AS a FORMAT Native", client_protocol_version=54460)
    assert answer.status == 200
    assert b"FixedString(1)" in answer.body
    assert FOREIGN.encode() not in reader.send("SELECT * FROM spans", default_format="Native").body


def test_what_there_is_is_listed_without_the_sizes_of_all(reader: RawClient) -> None:
    tables = "SELECT name FROM system.tables WHERE database = 'tracestore' ORDER BY name"
    assert reader.query(tables).split() == sorted(EXPOSED_VIEWS)
    assert reader.query("SHOW TABLES").split() == sorted(EXPOSED_VIEWS)
    assert reader.query("SELECT DISTINCT table FROM system.columns WHERE table LIKE 'stored%'") == ""
    assert reader.query("SELECT database FROM system.tables WHERE database = 'default'") == ""


def test_a_table_of_no_project_stops_every_statement(store: EngineProcess, reader: RawClient) -> None:
    with_all_rights = admin(store)
    with_all_rights.query("CREATE TABLE tracestore.stored_new (secret String) ENGINE = Memory")
    try:
        assert reader.send("SELECT count() FROM spans").code == 497
    finally:
        with_all_rights.query("DROP TABLE tracestore.stored_new")
        with_all_rights.close()
    assert reader.query("SELECT count() FROM spans") == "3"


def test_clickhouse_connect_as_a_projects_reader(store: EngineProcess, two_projects: None) -> None:  # noqa: F811
    for project in ("default", "other"):
        found, password = sql_readers.create(project, "notebook")
        with clickhouse_connect.get_client(
            host=store.host, port=store.port, username=found.user, password=password, database="tracestore"
        ) as client:
            assert client.query("SELECT DISTINCT project FROM spans").result_rows == [(project,)]
            assert client.query_df("SELECT name, duration_ns FROM spans").shape == (3, 2)
            assert client.query_arrow("SELECT name FROM spans").num_rows == 3
            given = client.query("SELECT count() FROM spans WHERE project = {p:String}", parameters={"p": "other"})
            assert given.result_rows == [(3 if project == "other" else 0,)]
            assert set(client.command("SHOW TABLES").split()) == set(EXPOSED_VIEWS)


def test_the_question_of_grafanas_trace_list_is_answered(reader: RawClient) -> None:
    """As its ClickHouse data source asks in OpenTelemetry mode."""
    rows = reader.query(
        'SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName,'
        ' "Timestamp" as startTime,'
        ' multiply("Duration", 0.000001) as duration FROM "tracestore"."otel_traces"'
        " WHERE ( Timestamp >= fromUnixTimestamp64Milli(0) ) AND ( ParentSpanId = '' )"
        " ORDER BY Timestamp DESC LIMIT 1000"
    )
    assert len(rows.splitlines()) == 1


def test_users_come_and_go_while_the_engine_runs(store: EngineProcess) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "default"})

    def code(user: str, password: str) -> int:
        client = RawClient(store, user, password)
        try:
            return client.send("SELECT 1").code
        finally:
            client.close()

    out, _ = command("create", "default", "--label", "grafana")
    user, password = (line.split()[1] for line in out.splitlines())
    assert user == "reader_default_grafana"
    assert (code(user, password), code(user, "wrong"), code(user, ""), code("reader_none", password)) == (
        0, 516, 516, 516,
    )  # fmt: skip
    text = sql_readers.file().read_text()
    assert password not in text
    assert code(user, readers.digest(password)) == 516
    assert stat.S_IMODE(os.stat(sql_readers.file()).st_mode) == 0o600
    assert "reader_default_grafana  sees default" in command("list")[0]
    with pytest.raises(CommandError, match="already"):
        command("create", "default", "--label", "grafana")
    fresh = command("rotate", user)[0].splitlines()[1].split()[1]
    assert (code(user, password), code(user, fresh)) == (516, 0)
    command("revoke", user)
    assert code(user, fresh) == 516
    assert command("list")[0] == ""
    assert [entry.action for entry in AuditEntry.objects.order_by("pk") if entry.subject == user] == [
        "sql_reader.created", "sql_reader.rotated", "sql_reader.revoked",
    ]  # fmt: skip


def test_the_engine_is_started_with_the_file_that_the_command_writes() -> None:
    spec = processes.engine(settings.ENVIRONMENT, settings.SECRETS)
    assert spec.words[spec.words.index("--readers") + 1] == str(sql_readers.file())


def test_a_file_that_cannot_be_read_lets_nobody_in(store: EngineProcess) -> None:
    found, password = sql_readers.create("default")
    client = RawClient(store, found.user, password)
    assert client.query("SELECT 1") == "1"
    whole = sql_readers.file().read_text()
    for broken in ("", "[]", '{"readers": [{"user": "x"}]}', whole.replace('"default"', '"a\' OR 1"'), whole[:-9]):
        sql_readers.file().write_text(broken)
        assert client.send("SELECT 1").code == 516, broken
    client.close()


@pytest.mark.parametrize("words", [("create", "no-such"), ("rotate", "reader_x"), ("revoke", "reader"),
                                   ("create", "default", "--label", "A b")])  # fmt: skip
def test_what_is_wrong_is_said(words: tuple[str, ...]) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "default"})
    with pytest.raises(CommandError):
        command(*words)


RELATIONS: list[tuple[str, int, int]] = [
    ("stored_spans", 1, 1), ("stored_payloads", 1, 1), ("settled_until", 1, 0), ("open_traces", 0, 1), ("spans", 0, 1),
]  # fmt: skip


def test_statements_for_a_server_are_clickhouses_grammar(store: EngineProcess) -> None:
    """The embedded engine has no users, so it can read these statements but not run them; no server was at hand."""
    made, password = sql_readers.new("o.my-shop", "grafana")
    statements = reader_users.statements(made, store_client.run(one_project.RELATIONS).result_rows)
    everything = admin(store)
    for statement in [*statements, *reader_users.rotation(made)]:
        assert password not in statement
        everything.query("SELECT formatQuery({text:String})", param_text=statement)
    everything.close()
    policies = [text for text in statements if text.startswith("CREATE ROW POLICY")]
    assert len(policies) > 8
    assert all("USING project = 'o.my-shop' TO `reader_o.my-shop_grafana`" in text for text in policies)
    granted = {text.split()[3].removeprefix("tracestore.") for text in statements if text.startswith("GRANT")}
    bound = {text.split(" ON ")[1].split()[0].removeprefix("tracestore.") for text in policies}
    stored = {name for name, stores, _ in store_client.run(one_project.RELATIONS).result_rows if stores}
    assert bound == stored - one_project.OF_NOBODY
    assert granted >= set(EXPOSED_VIEWS) | stored
    last_policy = max(index for index, text in enumerate(statements) if text.startswith("CREATE ROW POLICY"))
    assert all(index > last_policy for index, text in enumerate(statements) if text.startswith("GRANT"))


def test_on_a_server_the_command_runs_or_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "default"})
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, clickhouse_url="http://u:p@ch:8123"))
    ran: list[str] = []

    class Found:
        def __init__(self, rows: list[Any]) -> None:
            self.result_rows = rows

    def run(query: str, parameters: Any = None, **_: Any) -> Found:
        if "row_policies" not in query:
            return Found(RELATIONS)
        if "short_name = " in query:
            return Found([("stored_spans",)])
        return Found([("reader_default", "project = 'default'")] if ran else [])

    monkeypatch.setattr(reader_users.client, "run", run)
    monkeypatch.setattr(reader_users.client, "command", ran.append)
    out, err = command("create", "default", "--print")
    assert out.count(";\n") == len(out.splitlines()) > 5
    assert not ran
    password = err.rsplit(" ", 1)[1].strip()
    assert readers.digest(password) in out
    command("create", "default")
    assert ran[0].startswith("CREATE SETTINGS PROFILE")
    assert "reader_default  sees default" in command("list")[0]
    command("rotate", "reader_default")
    assert ran[-1].startswith("ALTER USER `reader_default` IDENTIFIED WITH sha256_hash")
    command("refresh")
    assert ran[-1].startswith("GRANT SELECT ON")
    command("revoke", "reader_default")
    assert ran[-2:] == [
        "DROP USER IF EXISTS `reader_default`",
        "DROP ROW POLICY IF EXISTS `tracestore_reader_default` ON tracestore.`stored_spans`",
    ]

    def refuse(statement: str) -> None:
        raise InvalidInput("no")

    monkeypatch.setattr(reader_users.client, "command", refuse)
    with pytest.raises(CommandError, match="ACCESS MANAGEMENT") as raised:
        command("rotate", "reader_default")
    assert "sha256" not in str(raised.value)
    with pytest.raises(Unavailable):
        reader_users.statements(sql_readers.new("default")[0], [*RELATIONS, ("stored_new", 1, 0)])
