"""An installation of the first version, with what it stored, is brought to this one: `first_version/README.md`."""

from __future__ import annotations

import gzip
import http.cookiejar
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, ROOT, Stack
from tests.e2e.test_other_parts import postgresql
from tests.e2e.test_served_backup import query
from tests.engine_process import EngineProcess
from tracestore.clickhouse.migrations import Migration

# Many processes start here, which takes long where others do too.
pytestmark = pytest.mark.timeout(600)

OLD = Path(__file__).parent / "first_version"
METADATA: dict[str, Any] = json.loads((OLD / "metadata.json").read_text())
SECRET_KEY = METADATA.pop("secret_key")
#: When its last span came. The log of activity is kept for a week, so it is told as of yesterday.
WRITTEN = datetime(2026, 11, 26, 23, 28, tzinfo=UTC)
MOMENTS = {"trace_activity": ("at", "covers"), "settled_until": ("until",)}


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(OLD / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


#: The trace that came last, whose summary was not made any more.
(UNSETTLED,) = {row["trace_id"] for row in rows("view_traces")} - {row["trace_id"] for row in rows("stored_traces")}


def old_store(engine: EngineProcess) -> None:
    """The tables as the first version made them, its ledger, and its rows."""
    query(engine, "CREATE DATABASE tracestore")
    ledger = (
        "(name String, checksum String, applied_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY (applied_at, name)"
    )
    query(engine, f"CREATE TABLE tracestore.schema_migrations {ledger}")
    for entry in rows("schema_migrations"):
        folder = OLD if (OLD / entry["name"]).exists() else ROOT / "tracestore/clickhouse/schema"
        migration = Migration(entry["name"], (folder / entry["name"]).read_text())
        assert migration.checksum == entry["checksum"], "an applied file has changed"
        for statement in migration.statements:
            query(engine, statement)
    for file in sorted(OLD.glob("*.jsonl.gz")):
        table = file.name.removesuffix(".jsonl.gz")
        if not table.startswith("view_"):
            stored = [json.dumps(as_of_yesterday(table, row)) for row in rows(table)]
            query(engine, f"INSERT INTO tracestore.{table} FORMAT JSONEachRow\n" + "\n".join(stored))


def as_of_yesterday(table: str, row: dict[str, Any]) -> dict[str, Any]:
    later = datetime.now(UTC) - timedelta(days=1) - WRITTEN
    moved = {}
    for name in MOMENTS.get(table, ()):
        at = datetime.fromisoformat(row[name]).replace(tzinfo=UTC)
        moved[name] = row[name] if at.year == 1970 else f"{at + later:%Y-%m-%d %H:%M:%S.%f}"
    return row | moved


def manage(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


#: The tables of the first version: its own of 0001, and Django's. In one process, as each takes seconds to begin.
MIGRATE = """
import django
django.setup()
from django.core.management import call_command
for words in (["auth"], ["sessions"], ["tracestore", "0001"]):
    call_command("migrate", *words, interactive=False, verbosity=0)
"""


def migrate_to_the_first(environment: dict[str, str]) -> None:
    environment = {**environment, "DJANGO_SETTINGS_MODULE": "tracestore.settings"}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def fill_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for table, found in METADATA.items():
            for row in found:
                places = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
    connection.close()


def fill_postgresql(url: str) -> None:
    with psycopg.connect(url) as connection:
        for table, found in METADATA.items():
            for row in found:
                values = {
                    name: Json(json.loads(value)) if name == "scopes"
                    else bool(value) if name.startswith("is_")
                    else f"{value}+00:00" if name.endswith(("_at", "_joined")) and value
                    else value
                    for name, value in row.items()
                }  # fmt: skip
                places = ", ".join(["%s"] * len(row))
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(values.values()))


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`make up` of this version on the data directory of the first one."""
    folder = tmp_path_factory.mktemp("upgrade") / "data"
    stack = Stack(folder, TRACESTORE_SECRET_KEY=SECRET_KEY)
    folder.mkdir()
    with EngineProcess(folder / "clickhouse") as engine:
        old_store(engine)
    migrate_to_the_first(stack.environment)
    fill_sqlite(folder / "tracestore.sqlite3")
    with stack:
        yield stack


def test_every_span_reads_as_it_did(upgraded: Stack) -> None:
    expected = rows("view_spans")
    columns = list(expected[0])
    upgraded.wait_settled(60)
    found = upgraded.sql(f"SELECT {', '.join(columns)} FROM spans ORDER BY trace_id, span_id")
    assert len(found) == len(expected)
    for row, was in zip(found, expected, strict=True):
        now = dict(zip(columns, row, strict=True))
        if was["trace_id"] == UNSETTLED:
            # Settled by this version, which knows more: whose a call was that does not say so itself.
            assert was["agent"] in ("", now["agent"])
            was["agent"] = now["agent"]
        assert now == was


def test_payloads_and_calls_of_tools_are_there(upgraded: Stack) -> None:
    payloads = {(row["trace_id"], row["span_id"]): row for row in rows("stored_payloads")}
    found = upgraded.sql("SELECT trace_id, span_id, input, output FROM span_payloads")
    told = {(trace_id, span_id): (given, answer) for trace_id, span_id, given, answer in found}
    for key, row in payloads.items():
        assert told[key] == (row["input"], row["output"])
    tools = {(row["trace_id"], row["span_id"]) for row in rows("view_spans") if row["type"] == "tool"}
    assert tools
    # The trail of them did not exist: a migration has made it from what was stored.
    assert {tuple(row) for row in upgraded.sql("SELECT trace_id, span_id FROM tool_calls")} == tools


def test_every_trace_has_its_summary(upgraded: Stack) -> None:
    upgraded.wait_settled(60)
    expected = rows("view_traces")
    assert len(rows("stored_traces")) == len(expected) - 1, "one was not settled yet"
    columns = [name for name in expected[0] if name != "findings"]  # there were no detectors
    found = upgraded.sql(f"SELECT {', '.join(columns)} FROM traces ORDER BY trace_id")
    assert len(found) == len(expected)
    for row, was in zip(found, expected, strict=True):
        now = dict(zip(columns, row, strict=True))
        # Prices are added up in another order, perhaps.
        assert now.pop("cost_usd") == pytest.approx(was["cost_usd"], rel=1e-12)
        assert now == {name: was[name] for name in now}
    assert len(upgraded.admin("SELECT DISTINCT trace_id FROM stored_traces")) == len(expected)
    assert {trace["trace_id"] for trace in upgraded.api("traces/")["results"]} == {row["trace_id"] for row in expected}


def test_its_people_and_keys_get_in(upgraded: Stack) -> None:
    assert upgraded.api("traces/", limit=1)["results"], "with the key of then"
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(f"{upgraded.web}/login/", timeout=30).close()
    token = next(str(cookie.value) for cookie in cookies if cookie.name == "csrftoken")
    form = {"username": "admin", "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": token}
    with browser.open(f"{upgraded.web}/login/", urllib.parse.urlencode(form).encode(), timeout=30) as page:
        assert page.url == f"{upgraded.web}/"
        assert re.search(r"\badmin\b", page.read().decode())


ORGANISATIONS = """
    SELECT o.slug, u.username, m.role FROM tracestore_organisation AS o
    LEFT JOIN tracestore_organisationmembership AS m ON m.organisation_id = o.id
    LEFT JOIN auth_user AS u ON u.id = m.user_id
"""
PROJECTS = """
    SELECT p.slug, o.slug FROM tracestore_project AS p JOIN tracestore_organisation AS o ON o.id = p.organisation_id
"""
MEMBERS = """
    SELECT u.username, p.slug, m.role FROM tracestore_membership AS m
    JOIN auth_user AS u ON u.id = m.user_id JOIN tracestore_project AS p ON p.id = m.project_id ORDER BY 1, 2
"""


def check_tenancy(connection: Any) -> None:
    """All projects are in one organisation; who owned all of them owns it, and nobody else is in it."""
    assert list(connection.execute(ORGANISATIONS).fetchall()) == [("default", "admin", "owner")]
    assert sorted(connection.execute(PROJECTS).fetchall()) == [("default", "default"), ("shop", "default")]
    members = [("admin", "default", "owner"), ("admin", "shop", "owner"), ("bo", "shop", "viewer")]
    assert list(connection.execute(MEMBERS).fetchall()) == members


def test_projects_have_an_organisation(upgraded: Stack) -> None:
    with sqlite3.connect(upgraded.data_dir / "tracestore.sqlite3") as connection:
        check_tenancy(connection)
    connection.close()


def test_metadata_of_then_in_postgresql(upgraded: Stack) -> None:
    """Beside the store that has been upgraded already; the same metadata, in the other database."""
    with tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data:
        for url in postgresql(Path(data)):
            environment = {**upgraded.environment, "TRACESTORE_DATABASE_URL": url, "TRACESTORE_API_KEY": API_KEY}
            migrate_to_the_first(environment)
            fill_postgresql(url)
            said = manage(environment, "bootstrap")
            assert "clickhouse: up to date" in said
            # The password and the key of then are known, so neither is made anew.
            assert "password" not in said
            assert "API key" not in said
            with psycopg.connect(url) as connection:
                check_tenancy(connection)
                digest = METADATA["tracestore_apikey"][0]["digest"]
                assert connection.execute("SELECT digest FROM tracestore_apikey").fetchall() == [(digest,)]
