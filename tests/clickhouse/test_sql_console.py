"""`POST sql/` over a real engine: what is refused, what is allowed, and that a project sees itself only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.clickhouse.logs import log, write_logs
from tests.clickhouse.spans import llm, span
from tests.clickhouse.test_writer import write
from tracestore import keys
from tracestore.clickhouse import client as store_client
from tracestore.clickhouse import sql_console
from tracestore.engine.settings import EXPOSED_VIEWS
from tracestore.errors import InvalidInput, Overloaded
from tracestore.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]

FOREIGN = "foreign-word"
#: Every text of the other project has the foreign word in it, under the same ids.
THEIRS = {"agent": FOREIGN, "session_id": FOREIGN, "user_id": FOREIGN}
OURS = {"agent": "planner", "session_id": "s-1", "user_id": "ada"}


@pytest.fixture(autouse=True)
def two_projects(empty: None) -> None:
    for project, words, text in (("default", OURS, "ours"), ("other", THEIRS, FOREIGN)):
        write(
            span(1, type="agent", name=text, **words),
            llm(2, parent=1, input=text, output=text, cost_usd=1.0, **words),
            span(3, parent=1, type="tool", tool_name=text, **words),
            project=project,
        )
    store_client.command(
        "INSERT INTO stored_findings (project, id, detector, title, version) VALUES"
        f" ('default', 'f', 'loop', 'ours', 1), ('other', 'g', 'loop', '{FOREIGN}', 1)"
    )
    store_client.command(
        "INSERT INTO stored_agent_health (project, agent, at, state, reasons, version) VALUES"
        f" ('default', 'planner', now64(3), 'healthy', ['ours'], 1), ('other', '{FOREIGN}', now64(3), 'critical',"
        f" ['{FOREIGN}'], 1)"
    )
    for project, text in (("default", "ours"), ("other", FOREIGN)):
        write_logs(log(1, text, body=text, attributes={"said": text}), project=project)


def ask(text: str, project: str = "default") -> sql_console.Answer:
    return sql_console.ask(project, text, "test")


def caller(slug: str, *scopes: str) -> Client:
    project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
    return Client(headers={"authorization": f"Bearer {keys.create(project, 'test', scopes)}"})


def post(client: Client, body: Any) -> Any:
    return client.post("/api/v1/sql/", json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("view", EXPOSED_VIEWS)
def test_a_view_holds_the_callers_project_only(view: str) -> None:
    both = len(ask(f"SELECT * FROM {view}").rows), len(ask(f"SELECT * FROM {view}", "other").rows)
    assert both[0] == both[1] > 0
    assert FOREIGN not in str(ask(f"SELECT * FROM {view}").rows)
    assert ask(f"SELECT count() FROM {view}", "nobody").rows == [[0]]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT project, name FROM spans",
        "SELECT project FROM tracestore.spans AS a JOIN otel_traces AS b ON a.trace_id = b.TraceId",
        "SELECT * FROM (SELECT * FROM (SELECT * FROM `spans`))",
        "WITH x AS (SELECT * FROM spans), y AS (SELECT * FROM x) SELECT * FROM y UNION ALL SELECT * FROM spans",
        "SELECT (SELECT groupArray(name) FROM spans)",
        "SELECT groupArray(project) FROM spans AS `tracestore.stored_spans`",
        "SELECT * FROM spans AS stored_spans WHERE 1 OR project = 'other'",
        "SELECT * FROM traces WHERE trace_id IN (SELECT trace_id FROM spans WHERE project = 'other')",
        "SELECT input FROM span_payloads WHERE project != 'default' OR 1 = 1",
        "SELECT * FROM view(SELECT * FROM spans)",
        "SELECT * FROM spans -- ; DROP TABLE x\n WHERE 1 /* project = 'default' */",
        "SELECT 'naïve ‘quoted’ ☃' AS `日本`, name FROM spans",
        "SELECT SpanAttributes, ResourceAttributes FROM otel_traces",
        "SELECT s.name FROM spans s LEFT JOIN spans t USING (trace_id) ORDER BY 1",
        "FROM spans SELECT name",
        "SELECT name FROM spans INTERSECT SELECT name FROM spans",
        "SELECT uniq(project), any(agent), min(service) FROM spans;",
        "SELECT arrayMap(x -> upper(x), groupArray(name)), sumIf(1, project = 'other') FROM spans",
        "SELECT name, row_number() OVER (PARTITION BY trace_id ORDER BY start_time) FROM spans",
        "SELECT * FROM numbers(3)",
    ],
)
def test_what_is_allowed_sees_one_project(text: str) -> None:
    answer = ask(text)
    found = str(answer.rows)
    assert FOREIGN not in found.lower()
    assert "'other'" not in found


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "SELECT 1; SELECT 2", "SELECT", "INSERT INTO stored_spans (project) VALUES ('x')", "DROP TABLE spans",
        "ALTER TABLE stored_spans DELETE WHERE 1", "SET readonly = 0", "KILL QUERY WHERE 1", "SYSTEM SHUTDOWN",
        "SHOW TABLES", "DESCRIBE spans", "EXPLAIN SELECT 1", "USE system", "VALUES (1)",
        "SELECT 1 FORMAT CSV", "SELECT 1 SETTINGS additional_table_filters = {}", "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM (SELECT * FROM spans SETTINGS additional_table_filters = {})",
        "SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT 1 INTO/**/OUTFILE '/tmp/x'",
        "SELECT * FROM stored_spans", "SELECT * FROM `stored_spans`", 'SELECT * FROM tracestore."stored_spans"',
        "SELECT * FROM live_traces", "SELECT count() FROM spans WHERE trace_id IN stored_spans",
        "SELECT * FROM system.tables", "SELECT * FROM system.processes", "SELECT * FROM system.query_log",
        "SELECT * FROM information_schema.tables", "SELECT * FROM system.columns", "SELECT * FROM default.x",
        "SELECT file('/etc/passwd')", "SELECT `file`('/etc/passwd')", "SELECT FILE/* */('/etc/passwd')",
        "SELECT arrayMap(file, ['/etc/passwd'])", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM '/etc/passwd'", "SELECT * FROM `/etc/passwd`", "SELECT * FROM url('http://127.0.0.1/')",
        "SELECT * FROM remote('127.0.0.1', system.one)", "SELECT * FROM merge('tracestore', '.*')",
        "SELECT * FROM executable('x', 'CSV', 'a String')", "SELECT * FROM Python(x)",
        "SELECT * FROM input('a String')", "SELECT input('x')", "SELECT dictGet('a', 'b', 1)",
        "SELECT getSetting('additional_table_filters')", "SELECT hostName()", "SELECT sleep(3)",
        "SELECT indexHint(user_id = 'x') FROM spans",
        "SELECT lowCardinalityKeys(agent) FROM spans", "SELECT lowCardinalityIndices(agent) FROM spans",
        "SELECT $$x$$", "SELECT 1 \x00", "SELECT \u2018x\u2019", "SELECT 'x", "SELECT /* x", "SELECT \ud800",
        "SELECT {x:Identifier}", "SELECT {x:String}", "SELECT COLUMNS('.*') APPLY file FROM spans",
        "WITH file AS f SELECT f('/etc/passwd')", "SELECT nonsense(1)", "SELECT no_column FROM spans",
        "SELECT " + "(" * 600 + "1" + ")" * 600, "x" * 70_000,
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        ask(text)
    said = raised.value.message
    assert raised.value.field == "query"
    for internal in ("http://", "DB::Exception", "stored_", "additional_table_filters =", "/fd/"):
        assert internal not in said.replace(text, "") or internal in text


@pytest.mark.parametrize("view", ["spans", "otel_traces", "span_payloads", "traces", "llm_calls", "sessions"])
def test_an_error_does_not_tell_of_rows_of_another_project(view: str) -> None:
    columns = [name for name, kind in ask(f"SELECT * FROM {view} LIMIT 0").columns if kind == "String"]
    assert columns
    for name in columns:
        refused = f"throwIf(position(`{name}`, '{FOREIGN}') > 0) = 0"
        ask(f"SELECT count() FROM {view} WHERE {refused}")
        ask(f"SELECT count() FROM {view} GROUP BY throwIf(position(`{name}`, '{FOREIGN}') > 0)")
        ask(f"SELECT count() FROM {view} AS a JOIN (SELECT * FROM {view} WHERE {refused}) AS b USING (`{name}`)")


def test_nothing_was_written_and_the_whole_store_is_still_there() -> None:
    assert store_client.run("SELECT count() FROM stored_spans").result_rows == [(6,)]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = ask("SELECT number FROM numbers(20000)")
    assert (len(cut.rows), cut.truncated) == (sql_console.MOST_ROWS, True)
    full = ask(f"SELECT number FROM numbers({sql_console.MOST_ROWS})")
    assert (len(full.rows), full.truncated) == (sql_console.MOST_ROWS, False)
    with pytest.raises(InvalidInput, match="read"):
        ask("SELECT sum(number) FROM numbers(1000000000000)")
    with pytest.raises(InvalidInput, match=r"(?i)memory|bytes"):
        ask("SELECT repeat('x', 1000000) FROM numbers(1000)")
    monkeypatch.setitem(sql_console._SETTINGS, "max_execution_time", "1")
    for other in ("max_rows_to_read", "max_bytes_to_read"):  # a fast machine reads that much in a second
        monkeypatch.setitem(sql_console._SETTINGS, other, "0")
    with pytest.raises(InvalidInput, match=r"(?i)timeout|elapsed"):
        ask("SELECT sum(cityHash64(number)) FROM numbers(100000000000)")


def test_a_project_runs_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with sql_console._places.hold("default"), sql_console._places.hold("default"):
        with pytest.raises(Overloaded):
            ask("SELECT 1")
        assert ask("SELECT 1", "other").rows == [[1]]
    assert ask("SELECT 1").rows == [[1]]


def test_the_answer_has_clickhouses_form() -> None:
    answer = post(caller("default", "sql"), {"query": "SELECT name, cost_usd FROM spans ORDER BY span_id LIMIT 2"})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["meta"] == [
        {"name": "name", "type": "LowCardinality(String)"},
        {"name": "cost_usd", "type": "Nullable(Float64)"},
    ]
    assert body["data"][0] == {"name": "ours", "cost_usd": None}
    assert (body["rows"], body["truncated"]) == (2, False)
    assert set(body["statistics"]) == {"elapsed", "rows_read", "bytes_read"}


@pytest.mark.parametrize("form", ["CSV", "TSV", "JSONEachRow", "Parquet"])
def test_other_formats(form: str) -> None:
    query = "SELECT '=1+1' AS `@x`, 3 AS n, CAST(NULL AS Nullable(UInt8)) AS z"
    answer = post(caller("default", "sql"), {"query": query, "format": form})
    assert answer.status_code == 200, answer.content
    assert answer.content == {
        "CSV": b"'@x,n,z\r\n'=1+1,3,\r\n",
        "TSV": b"@x\tn\tz\n=1+1\t3\t\\N\n",
        "JSONEachRow": b'{"@x":"=1+1","n":3,"z":null}\n',
    }.get(form, answer.content)
    assert form != "Parquet" or answer.content[:4] == b"PAR1"
    long = post(caller("default", "sql"), {"query": "SELECT * FROM numbers(10001)", "format": form})
    assert (long.status_code, long.json()["error"]["field"]) == (400, "query")


def test_who_may_ask() -> None:
    assert post(caller("default", "read", "ingest", "admin"), {"query": "SELECT 1"}).status_code == 403
    theirs = post(caller("other", "sql"), {"query": "SELECT DISTINCT project FROM spans"})
    assert theirs.json()["data"] == [{"project": "other"}]
    named = caller("other", "sql").post(
        "/api/v1/sql/?project=default", json.dumps({"query": "SELECT 1"}), content_type="application/json"
    )
    assert named.status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "query"), ({"query": 1}, "query"), ({"query": "SELECT 1", "format": "Native"}, "format"),
     ({"query": "SELECT 1", "format": []}, "format"), ({"query": "SELECT x"}, "query")],
)  # fmt: skip
def test_what_is_wrong_is_named(body: Any, field: str) -> None:
    answer = post(caller("default", "sql"), body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_each_statement_is_logged_with_who(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(sql_console.log, "info", lambda event, **fields: seen.append({"event": event, **fields}))
    post(caller("default", "sql"), {"query": "SELECT 1"})
    post(caller("default", "sql"), {"query": "DROP TABLE spans"})
    assert [(one["statement"], one["outcome"]) for one in seen] == [
        ("SELECT 1", "answered"), ("DROP TABLE spans", "invalid_input"),
    ]  # fmt: skip
    assert all(one["actor"].startswith("key ") and one["project"] == "default" for one in seen)
