"""Backup and restore with servers: PostgreSQL, and an engine process in ClickHouse's place."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_other_parts import postgresql
from tests.engine_process import EngineProcess


@pytest.fixture
def database_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data:
        yield from postgresql(Path(data))


def test_a_backup_of_servers_is_restored_into_new_ones(tmp_path: Path, database_url: str) -> None:
    # Never started: it only makes an environment with ports that are free.
    environment = Stack(tmp_path / "unused").environment

    def manage(folder: str, engine: EngineProcess, database: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
            env={
                **environment,
                "TRACESTORE_DATA_DIR": str(tmp_path / folder),
                "TRACESTORE_CLICKHOUSE_URL": f"http://tracestore:{engine.admin_password}@127.0.0.1:{engine.port}",
                "TRACESTORE_DATABASE_URL": database,
            },
        )  # fmt: skip

    backup = tmp_path / "backup"
    with EngineProcess(tmp_path / "old") as old:
        done = manage("old-state", old, database_url, "bootstrap")
        assert done.returncode == 0, done.stderr
        insert = "INSERT INTO tracestore.stored_spans (project, trace_id, span_id, start_time, version) SELECT"
        query(old, f"{insert} 'default', 't', toString(number), now64(9), toUInt64(now()) * 1000000000 FROM numbers(7)")
        done = manage("old-state", old, database_url, "backup", str(backup))
        assert done.returncode == 0, done.stderr
        # Neither ingest nor web nor a worker runs; the rest of the served form is as it should be.
        found = json.loads(manage("old-state", old, database_url, "doctor", "--json").stdout)["checks"]
        bad = {check["name"] for check in found if check["state"] == "bad"}
        assert bad == {"ingest", "web", "worker"}, found
    name = json.loads((backup / "manifest.json").read_text())["store"]
    new_database = database_url.rpartition("/")[0] + "/restored"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")

    with EngineProcess(tmp_path / "new") as new:
        (tmp_path / "new" / "backups").mkdir(exist_ok=True)
        (tmp_path / "old" / "backups" / name).rename(tmp_path / "new" / "backups" / name)
        done = manage("new-state", new, new_database, "restore", str(backup))
        assert done.returncode == 0, done.stderr + done.stdout
        assert query(new, "SELECT count() FROM tracestore.spans").strip() == "7"
        # The log of activity knew nothing of these spans: the restore has opened their trace.
        assert query(new, "SELECT trace_id FROM tracestore.open_traces").strip() == "t"
        again = manage("new-state", new, new_database, "restore", str(backup))
        assert (again.returncode, "not empty" in again.stderr) == (1, True)
        done = manage("new-state", new, new_database, "bootstrap")
        assert (done.returncode, "was done before" in done.stdout) == (0, True), done.stdout
    with psycopg.connect(new_database) as connection:
        assert connection.execute("SELECT slug FROM tracestore_project").fetchall() == [("default",)]
        assert connection.execute("SELECT count(*) FROM tracestore_apikey").fetchone() == (1,)


def query(engine: EngineProcess, statement: str) -> str:
    request = urllib.request.Request(engine.url, data=statement.encode())
    request.add_header("X-ClickHouse-User", engine.admin_user)
    request.add_header("X-ClickHouse-Key", engine.admin_password)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: bytes = response.read()
        return answer.decode()
