"""The reader: what gets through the gate and what does not. Think like an attacker here."""

from __future__ import annotations

from pathlib import Path

import clickhouse_connect
import pytest

from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess

ALLOWED = (
    "SELECT 1",
    "SELECT count() FROM spans",
    "SELECT count() FROM tracestore.spans",
    "SELECT count() FROM `tracestore`.`spans` AS s",
    'SELECT "name" FROM "spans" LIMIT 1',
    "/* hello */ SELECT name -- trailing\nFROM spans LIMIT 1;",
    "WITH slow AS (SELECT * FROM spans WHERE duration_ns > 3) SELECT count() FROM slow",
    "WITH 5 AS n SELECT n, count() FROM spans WHERE duration_ns > n",
    "WITH x -> x * 2 AS twice SELECT twice(duration_ns) FROM spans LIMIT 1",
    "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT sum(n) FROM c",
    "SELECT * FROM (SELECT trace_id, sum(duration_ns) AS d FROM spans GROUP BY trace_id) WHERE d > 1",
    "SELECT 1 UNION ALL SELECT 2 UNION DISTINCT SELECT 3",
    "SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 2",
    "(SELECT 1)",
    "SELECT quantile(0.95)(duration_ns), quantiles(0.5, 0.9)(duration_ns) FROM spans",
    "SELECT duration_ns::Float64 / 1e6, CAST(duration_ns AS String) FROM spans",
    "SELECT * EXCEPT (attributes) REPLACE (upper(name) AS name) FROM spans LIMIT 1",
    "SELECT COLUMNS('^(input|duration)') APPLY(sum) FROM spans",
    "SELECT COLUMNS('tokens') APPLY(x -> x + 1) FROM spans LIMIT 1",
    "SELECT tag, count() FROM spans ARRAY JOIN tags AS tag GROUP BY tag ORDER BY tag",
    "SELECT arrayJoin(tags) FROM spans LEFT ARRAY JOIN tags AS t LIMIT 2 BY trace_id",
    "SELECT trace_id, name FROM spans ORDER BY duration_ns DESC LIMIT 1 BY trace_id",
    "SELECT toStartOfMinute(start_time) AS m, count() FROM spans GROUP BY m"
    " ORDER BY m WITH FILL STEP INTERVAL 1 MINUTE LIMIT 3",
    "SELECT arrayMap((a, b) -> concat(a, b), tags, tags), arrayFilter(t -> t != 'a', tags) FROM spans",
    "SELECT arrayMap(upper, tags) FROM spans LIMIT 1",
    "SELECT sum(duration_ns) OVER (PARTITION BY trace_id ORDER BY start_time ROWS BETWEEN 1 PRECEDING"
    " AND CURRENT ROW) FROM spans",
    "SELECT row_number() OVER w, lagInFrame(name) OVER w FROM spans WINDOW w AS (ORDER BY start_time)",
    "SELECT count() FROM spans WHERE start_time >= now() - INTERVAL 1 DAY",
    "SELECT count() FROM spans WHERE start_time > toDateTime64('2020-01-01 00:00:00', 9, 'UTC')",
    "SELECT count() FROM spans WHERE start_time > parseDateTime64BestEffort('2020-01-01T00:00:00Z', 9)",
    "SELECT attributes['k'], mapKeys(attributes) FROM spans WHERE mapContains(attributes, 'k')",
    "SELECT JSONExtractString('{\"a\":\"b\"}', 'a'), extractAll('a1b2', '[0-9]')",
    "SELECT s.name, t.span_count FROM spans AS s INNER JOIN traces AS t ON s.trace_id = t.trace_id",
    "SELECT * FROM spans AS s ANY LEFT JOIN traces AS t USING (trace_id) LIMIT 1",
    "SELECT a.name FROM spans a, spans b LIMIT 1",
    "SELECT count() FROM spans WHERE trace_id IN (SELECT trace_id FROM traces WHERE span_count > 1)",
    "SELECT count() FROM spans WHERE trace_id IN ('t0', 't1') AND name NOT IN ('x')",
    "WITH ids AS (SELECT trace_id FROM traces) SELECT count() FROM spans WHERE trace_id IN ids",
    "SELECT countIf(type = 'llm'), sumIf(duration_ns, type = 'tool'), uniqExactIf(trace_id, 1), anyLast(name)"
    " FROM spans",
    "SELECT CASE WHEN duration_ns > 1 THEN 'slow' ELSE 'fast' END AS c, count() FROM spans GROUP BY c"
    " HAVING count() > 0",
    "SELECT CASE type WHEN 'llm' THEN 1 WHEN 'tool' THEN 2 ELSE 3 END FROM spans",
    "SELECT type, count() FROM spans GROUP BY ROLLUP(type)",
    "SELECT type, count() FROM spans GROUP BY type WITH TOTALS",
    "SELECT groupArray(name), topK(3)(name), argMax(name, duration_ns), histogram(5)(duration_ns) FROM spans",
    "SELECT avgOrNull(cost_usd), stddevPop(duration_ns), corr(duration_ns, input_tokens) FROM spans",
    "SELECT number FROM numbers(10)",
    "SELECT * FROM generateSeries(1, 3)",
    "SELECT * FROM values('a Int8, b String', (1, 'x'), (2, 'y'))",
    "SELECT 'file(''/etc/passwd'') INTO OUTFILE; DROP TABLE x' AS harmless_text",
    'SELECT name AS `file`, duration_ns AS "url" FROM spans LIMIT 1',
    "SELECT name FROM spans WHERE name ILIKE '%N%' AND match(name, '^n') LIMIT 5 OFFSET 0",
    "SELECT 1 FORMAT JSONEachRow",
    "SELECT 1 SETTINGS max_threads = 1",
    "SELECT 1 FORMAT CSV SETTINGS output_format_csv_crlf_end_of_line = 1, max_execution_time = 5",
    "SELECT version(), timezone(), currentUser(), currentDatabase(), displayName(), revision(), uptime()",
    "SELECT name, value, readonly FROM system.settings LIMIT 10",
    "SELECT name, engine FROM system.tables WHERE database = 'tracestore'",
    "SELECT database, table, name, type FROM system.columns WHERE table = 'spans'",
    "SELECT name FROM system.databases",
    "SELECT name, is_aggregate FROM system.functions LIMIT 3",
    "SELECT name FROM system.data_type_families LIMIT 1",
    "SELECT * FROM system.one",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tracestore'",
    "SELECT column_name FROM INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'spans'",
    "SHOW TABLES",
    "SHOW TABLES FROM tracestore LIKE 'sp%'",
    "SHOW DATABASES",
    "SHOW CREATE TABLE spans",
    "SHOW CREATE VIEW tracestore.spans",
    "SHOW COLUMNS FROM spans",
    "DESCRIBE TABLE tracestore.spans",
    "DESC spans",
    "DESCRIBE (SELECT name FROM spans)",
    "EXISTS TABLE spans",
    "EXISTS tracestore.spans",
    "EXPLAIN SELECT count() FROM spans",
    "EXPLAIN PIPELINE SELECT count() FROM spans",
    "EXPLAIN indexes = 1, actions = 0 SELECT count() FROM spans",
    "EXPLAIN AST SELECT 1",
    "EXPLAIN QUERY TREE SELECT 1",
    "FROM spans SELECT count()",
    "SELECT length(input), upper(t.input), arrayMap(x -> concat(x, input), ['a']) FROM (SELECT 'a' AS input) AS t",
    "SELECT count() FROM spans WHERE name = {n:String}",
    "SELECT toUnixTimestamp64Nano(start_time), formatDateTime(start_time, '%Y'),"
    " dateDiff('second', start_time, now64()) FROM spans LIMIT 1",
    "SELECT cityHash64(name), hex(MD5(name)), base64Encode(name), domain('http://a.b/c'), levenshteinDistance('a', 'b')"
    " FROM spans",
    "SELECT if(empty(name), 'none', name), coalesce(cost_usd, 0), round(duration_ns / 3, 2), greatest(1, 2) FROM spans",
)

REFUSED = (
    # files, network, other processes
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')",
    "SELECT f\\x69le('/etc/passwd')",
    "SELECT `f\\x69le`('/etc/passwd')",
    "SELECT/**/file/**/('/etc/passwd')",
    "SELECT file -- x\n ('/etc/passwd')",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT arrayMap(`file`, ['/etc/passwd'])",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "WITH file AS f SELECT f('/etc/passwd')",
    "WITH x -> file(x) AS f SELECT f('/etc/passwd')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS x)",
    "SELECT * APPLY file FROM (SELECT '/etc/passwd' AS x)",
    "SELECT * APPLY(`file`) FROM (SELECT '/etc/passwd' AS x)",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS x)",
    "SELECT COLUMNS('x') APPLY toString APPLY file FROM (SELECT '/etc/passwd' AS x)",
    "SELECT count() OVER (PARTITION BY file('/etc/passwd')) FROM spans",
    "SELECT 1 ORDER BY file('/etc/passwd')",
    "SELECT 1 LIMIT length(file('/etc/passwd'))",
    "SELECT name FROM spans ORDER BY name WITH FILL FROM length(file('/etc/passwd'))",
    "SELECT * REPLACE (file('/etc/passwd') AS name) FROM spans",
    "SELECT 1 WHERE 1 IN (SELECT length(file('/etc/passwd')))",
    "SELECT (SELECT file('/etc/passwd'))",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1/x', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM mysql('h:3306', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('h:5432', 'd', 't', 'u', 'p')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM executable('id', 'TSV', 'x String')",
    "SELECT * FROM python('x')",
    "SELECT * FROM Python(spans)",
    "SELECT * FROM input('x String')",
    "SELECT * FROM urlCluster('default', 'http://127.0.0.1/', 'LineAsString')",
    "SELECT * FROM fileCluster('default', '/etc/passwd', 'LineAsString')",
    "SELECT * FROM azureBlobStorage('http://127.0.0.1/', 'c', 'p')",
    "SELECT * FROM deltaLake('http://127.0.0.1/x')",
    "SELECT * FROM mongodb('h:27017', 'd', 'c', 'u', 'p', 'x String')",
    "SELECT * FROM redis('h:6379', 'k', 'k String, v String')",
    "SELECT * FROM merge('tracestore', '.*')",
    "SELECT * FROM loop(tracestore.api_secrets)",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
    "SELECT * FROM view(SELECT * FROM tracestore.api_secrets)",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM mergeTreeIndex(tracestore, spans_data)",
    "SELECT * FROM filesystem('/')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM `/etc/passwd`",
    "DESCRIBE file('/etc/passwd', 'CSV')",
    "DESCRIBE TABLE url('http://127.0.0.1/')",
    "DESCRIBE (SELECT file('/etc/passwd'))",
    "SELECT 1 INTO OUTFILE '/tmp/reader-was-here'",
    "SELECT 1 INTO/**/OUTFILE '/tmp/reader-was-here' FORMAT CSV",
    "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/reader-was-here'",
    "SHOW TABLES INTO OUTFILE '/tmp/reader-was-here'",
    # what is not exposed
    "SELECT * FROM api_secrets",
    "SELECT * FROM tracestore.api_secrets",
    "SELECT * FROM `tracestore`.`api_secrets`",
    "SELECT * FROM tracestore.spans_data",
    "SELECT * FROM spans, api_secrets",
    "SELECT * FROM spans JOIN api_secrets ON 1 = 1",
    "SELECT 1 UNION ALL SELECT secret FROM api_secrets",
    "SELECT 'hunter2' IN api_secrets",
    "SELECT 'hunter2' IN tracestore.api_secrets",
    "SELECT 'hunter2' IN (tracestore.api_secrets)",
    "SELECT 'hunter2' GLOBAL NOT IN tracestore.api_secrets",
    "SELECT in('hunter2', api_secrets)",
    "WITH api_secrets AS (SELECT 1 AS secret) SELECT * FROM api_secrets",
    "SELECT * FROM (WITH api_secrets AS (SELECT 1 AS secret) SELECT secret FROM api_secrets), api_secrets",
    "SELECT joinGet('tracestore.api_secrets', 'secret', 1)",
    "SELECT dictGet('d', 'x', 1)",
    "SELECT hasColumnInTable('tracestore', 'api_secrets', 'secret')",
    "SELECT * FROM {t:Identifier}",
    "SELECT * FROM tracestore.{t:Identifier}",
    "SHOW CREATE TABLE api_secrets",
    "SHOW COLUMNS FROM api_secrets",
    "SHOW COLUMNS FROM spans FROM system",
    "DESCRIBE TABLE tracestore.api_secrets",
    "EXPLAIN SELECT * FROM api_secrets",
    "EXPLAIN AST SELECT * FROM api_secrets",
    "EXPLAIN QUERY TREE SELECT * FROM api_secrets",
    "SELECT * FROM (EXPLAIN SELECT * FROM api_secrets)",
    "SELECT * FROM tracestore.stored_tool_calls",
    "SELECT * FROM tracestore.live_tool_calls",
    "SELECT * FROM tracestore.schema_migrations",
    "SELECT 1 WHERE ('x', 'y') IN (SELECT project, trace_id FROM tracestore.stored_spans)",
    "SHOW CREATE TABLE tracestore.stored_spans",
    "SELECT * FROM default.t",
    "SELECT * FROM system.mutations",
    "SELECT * FROM system.users",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.query_log",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.zookeeper WHERE path = '/'",
    "SELECT * FROM system.user_query_log",
    "SELECT * FROM system.server_settings",
    "SELECT * FROM system.disks",
    "SHOW PROCESSLIST",
    "SHOW GRANTS FOR default",
    "SHOW TABLES FROM default",
    "SHOW DICTIONARIES",
    # the inside of the machine and the process
    "SELECT hostName()",
    "SELECT hostname()",
    "SELECT FQDN()",
    "SELECT getMacro('x')",
    "SELECT getSetting('max_threads')",
    "SELECT getServerSetting('path')",
    "SELECT getClientHTTPHeader('Authorization')",
    "SELECT getOSKernelVersion()",
    "SELECT filesystemAvailable()",
    "SELECT serverUUID()",
    "SELECT tcpPort()",
    "SELECT currentProfiles()",
    "SELECT aiGenerate('x')",
    "SELECT chdb()",
    "SELECT __actionName('x')",
    "SELECT __getScalar('x')",
    "SELECT regionToName(1)",
    "SELECT sleep(1)",
    "SELECT sleepEachRow(1) FROM numbers(10)",
    "SELECT addressToSymbol(1)",
    "SELECT lowCardinalityKeys(toLowCardinality(name)) FROM spans",
    "SELECT lowCardinalityIndices(toLowCardinality(name)) FROM spans",
    "SELECT * FROM (SELECT * FROM input('x String'))",
    # anything that changes anything
    "INSERT INTO spans VALUES (1)",
    "INSERT INTO FUNCTION file('/tmp/reader-was-here') SELECT 1",
    "WITH 1 AS x INSERT INTO spans SELECT x",
    "CREATE TABLE x (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a Int8)",
    "CREATE FUNCTION f AS x -> file(x)",
    "DROP VIEW spans",
    "DELETE FROM tracestore.spans_data WHERE 1",
    "UPDATE tracestore.spans_data SET name = 'x' WHERE 1",
    "ALTER TABLE tracestore.spans_data DROP COLUMN name",
    "TRUNCATE TABLE tracestore.spans_data",
    "OPTIMIZE TABLE tracestore.spans_data",
    "RENAME TABLE tracestore.spans TO tracestore.x",
    "KILL QUERY WHERE 1",
    "KILL MUTATION WHERE 1",
    "ALTER TABLE tracestore.spans_data DROP PARTITION ID 'all'",
    "ALTER TABLE tracestore.spans_data MODIFY TTL start_time",
    "CREATE VIEW x AS SELECT 1",
    "CREATE OR REPLACE VIEW tracestore.spans AS SELECT 1",
    "CREATE MATERIALIZED VIEW x ENGINE = Memory AS SELECT * FROM spans",
    "CREATE DATABASE x",
    "EXCHANGE TABLES tracestore.spans AND tracestore.traces",
    "DETACH TABLE tracestore.spans",
    "SELECT 1 INTO OUTFILE '/tmp/reader-was-here' TRUNCATE",
    "SELECT 1 INTO OUTFILE '/tmp/reader-was-here' AND STDOUT",
    "SYSTEM SHUTDOWN",
    "SYSTEM STOP MERGES",
    "SET max_execution_time = 0",
    "SET readonly = 0",
    "USE system",
    "BACKUP DATABASE tracestore TO File('/tmp/reader-was-here')",
    "ATTACH TABLE x FROM '/tmp' (a Int8) ENGINE = Memory",
    "GRANT ALL ON *.* TO reader",
    "CREATE USER x",
    "BEGIN TRANSACTION",
    "CHECK TABLE tracestore.spans_data",
    "EXECUTE AS default SELECT 1",
    # limits
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS allow_ddl = 1",
    "SELECT 1 SETTINGS result_overflow_mode = 'break'",
    "SELECT 1 SETTINGS additional_table_filters = {'x': '1'}",
    "SELECT 1 SETTINGS allow_introspection_functions = 1",
    "SELECT 1 SETTINGS format_schema = '/etc/passwd'",
    "SELECT 1 FORMAT Protobuf SETTINGS output_format_schema = '/tmp/reader-was-here.proto'",
    "SELECT 1 SETTINGS http_allow_table_as_file = 1",
    "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
    "SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0) SETTINGS max_threads = 1",
    "SELECT 1 SETTINGS max_threads = 1 FORMAT CSV SETTINGS readonly = 0",
    "EXPLAIN SELECT 1 SETTINGS allow_ddl = 1",
    # form
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW spans",
    "SELECT 1 /* unclosed",
    "SELECT 'unclosed",
    "SELECT 1 AS `a\nFunction b`",
    "SELECT * FROM `spans\n Identifier x`",
    "SELECT ‘x’",
    "SELECT file\u00a0('/etc/passwd')",
    "SELECT file\u200b('/etc/passwd')",
    "",
)


@pytest.mark.parametrize("statement", ALLOWED)
def test_allowed(reader: RawClient, statement: str) -> None:
    answer = reader.send(statement, param_n="n")
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("statement", REFUSED)
def test_refused(reader: RawClient, statement: str) -> None:
    answer = reader.send(statement, param_t="api_secrets", param_n="n")
    assert answer.status >= 400
    assert answer.code in (497, 164, 62, 48), answer.text
    assert "hunter2" not in answer.text
    assert "root:" not in answer.text
    assert not list(Path("/tmp").glob("reader-was-here*"))


def test_the_reader_gives_the_same_answers(admin: RawClient, reader: RawClient) -> None:
    for statement in ALLOWED:
        if "now" in statement or "current" in statement or "uptime" in statement or "readonly" in statement:
            continue
        if statement.startswith(("EXPLAIN", "SHOW")) or "system.tables" in statement:
            continue
        full = admin.send(statement, database="tracestore", param_n="n").text
        assert sorted(reader.send(statement, param_n="n").text) == sorted(full), statement


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("max_execution_time", 5, "5"),
        ("max_execution_time", 100000, "60"),
        ("max_execution_time", 0, "60"),
        ("max_memory_usage", 99999999999999, "2000000000"),
        ("max_result_rows", 0, "1000000"),
        ("max_result_rows", 10, "10"),
    ],
)
def test_limits_go_downward_only(reader: RawClient, name: str, given: int, seen: str) -> None:
    query = f"SELECT value FROM system.settings WHERE name = '{name}'"
    assert reader.query(query, **{name: given}) == seen
    assert reader.query(f"{query} SETTINGS {name} = {given}") == seen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("readonly", 0),
        ("allow_ddl", 1),
        ("allow_introspection_functions", 1),
        ("enable_analyzer", 0),
        ("result_overflow_mode", "break"),
        ("format_schema", "/etc/passwd"),
        ("output_format_schema", "/tmp/reader-was-here.proto"),
        ("additional_table_filters", "{}"),
        ("no_such", 1),
    ],
)
def test_settings_that_widen_are_refused(reader: RawClient, name: str, value: object) -> None:
    answer = reader.send("SELECT 1", **{name: value})
    assert answer.code == 164


def test_results_are_limited_with_an_error(reader: RawClient) -> None:
    assert reader.send("SELECT * FROM numbers(1000001) FORMAT Null").code == 396
    assert reader.query("SELECT count() FROM numbers(5000000)") == "5000000"


def test_the_reader_cannot_leave_its_database(reader: RawClient) -> None:
    assert reader.send("SELECT 1", database="system").code == 497
    assert reader.query("SELECT currentDatabase()", database="default") == "tracestore"


@pytest.mark.parametrize(
    "name",
    [
        "CSV`; SELECT file('/etc/passwd') FORMAT `CSV",
        "CSV` SETTINGS readonly = 0 --",
        "CSV\r\nX-Injected: 1",
        "",
        "CSV;",
    ],
)
def test_a_format_name_carries_nothing_else(reader: RawClient, name: str) -> None:
    answers = [
        reader.send("SELECT 1", default_format=name),
        reader.send("SELECT 1 FORMAT `" + name.replace("`", "``") + "`"),
    ]
    for answer in answers:
        assert answer.code in (62, 73, 497) or answer.text == "1\n"
        assert "root:" not in answer.text
        assert "x-injected" not in answer.headers


def test_an_over_long_statement_is_refused_unread(reader: RawClient) -> None:
    assert reader.send("SELECT 1" + " + 1" * 100_000).code == 62


def test_queries_are_judged_in_every_form(reader: RawClient) -> None:
    assert reader.send("('/etc/passwd')", query="SELECT file").code == 497
    assert reader.send(method="GET", query="SELECT file('/etc/passwd')").code == 497
    assert reader.send("1,2", query="INSERT INTO spans FORMAT CSV").code == 497
    for session in ("one", "two"):
        assert reader.send("CREATE TEMPORARY TABLE x (a Int8)", session_id=session).code == 497
        assert reader.send("SET readonly = 0", session_id=session).code == 497


def test_clickhouse_connect_as_reader(engine: EngineProcess) -> None:
    with clickhouse_connect.get_client(
        host=engine.host, port=engine.port, username="reader", password=engine.reader_password, database="tracestore"
    ) as client:
        assert client.query("SELECT count() FROM spans").result_rows == [(10,)]
        assert client.query_df("SELECT name, duration_ns FROM spans").shape == (10, 2)
        assert client.query_arrow("SELECT name FROM spans").num_rows == 10
        assert client.command("SHOW TABLES LIKE 'spans'") == "spans"


def test_before_the_schema_exists_nothing_is_open(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("hunter2\n")
    with EngineProcess(tmp_path / "data") as engine:
        client = RawClient(engine, "reader", engine.reader_password)
        assert client.query("SELECT 1") == "1"
        for name in (f"'{tmp_path}/secret.csv'", f"`{tmp_path}/secret.csv`", "`secret.csv`", "processes", "spans"):
            answer = client.send(f"SELECT * FROM {name}")
            assert answer.status >= 400
            assert "hunter2" not in answer.text
        client.close()


def test_without_a_password_there_is_no_reader(tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "data", reader_password="") as engine:
        for password in ("", "reader-password"):
            client = RawClient(engine, "reader", password)
            assert client.send("SELECT 1").code == 516
            client.close()
