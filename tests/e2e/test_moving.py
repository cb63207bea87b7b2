"""From one machine to servers, by the command: cut off in the middle, gone on with, compared, read again."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, ROOT, Stack
from tests.e2e.test_other_parts import postgresql
from tests.e2e.test_served_backup import query
from tests.engine_process import EngineProcess

# Many processes start here, which takes long where others do too.
pytestmark = pytest.mark.timeout(600)

SUMS = "SELECT count(), round(sum(cost_usd), 6), countIf(cost_usd IS NULL) FROM spans"
WHEN = ("--seed", "7", "--at", "2026-11-20T12:00:00Z")


@pytest.fixture
def database_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data:
        yield from postgresql(Path(data))


def manage(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=stack.environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_an_installation_moves_to_servers(tmp_path: Path, database_url: str) -> None:
    with Stack(tmp_path / "data") as old:
        done = manage(old, "verify_store", *WHEN)
        assert done.returncode == 0, done.stdout + done.stderr
        # Some days more, and rows that replace each other, with and without a price.
        insert = (
            "INSERT INTO stored_spans (project, trace_id, span_id, start_time, cost_usd, version) SELECT 'default',"
        )
        for version in (1, 2):
            at = "toDateTime64('2026-11-01 00:00:00', 9) + toIntervalHour(number)"
            cost = "if(number % 3, number / 7, NULL)"
            old.admin(f"{insert} 'many', toString(number), {at}, {cost}, {version} FROM numbers(100)")
        spans = old.sql(SUMS)
    with EngineProcess(tmp_path / "server") as server:
        url = f"http://tracestore:{server.admin_password}@127.0.0.1:{server.port}"
        to = ("--to-clickhouse", url, "--to-database", database_url)
        cut_off(old, *to)
        before = copied(server)
        assert before, "it was cut off after the first partitions"
        done = manage(old, "move_store", *to, "--resume")
        assert done.returncode == 0, done.stderr
        assert ": 24 rows copied" in done.stdout
        assert "metadata: " in done.stdout
        assert copied(server) >= before, "what was there already is not copied again"
        assert query(server, "EXISTS tracestore.moving").strip() == "0"
        assert not list((tmp_path / "data").glob(".move.*"))
        key = json.loads((tmp_path / "data" / "secrets.json").read_text())["secret_key"]
        served = Stack(
            tmp_path / "state", TRACESTORE_CLICKHOUSE_URL=url, TRACESTORE_DATABASE_URL=database_url,
            TRACESTORE_SECRET_KEY=key, TRACESTORE_SQL_PASSWORD=server.reader_password,
        )  # fmt: skip
        served.sql_port = server.port
        with web(served):
            done = manage(served, "verify_store", *WHEN, "--read-only", "--key", API_KEY)
            assert done.returncode == 0, done.stdout + done.stderr
            assert served.sql(SUMS, password=server.reader_password) == spans
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT slug FROM tracestore_project").fetchall() == [("default",)]
        # Whatever is made next does not collide with what came.
        connection.execute("INSERT INTO auth_group (name) VALUES ('new')")
    assert ADMIN_PASSWORD not in done.stdout


@contextlib.contextmanager
def web(stack: Stack) -> Iterator[None]:
    """Its web process alone: no first start, since all it needs came with the move."""
    stack.data_dir.mkdir()
    words = ["-m", "uvicorn", "tracestore.asgi:application", f"--port={stack.web_port}", "--log-level=warning"]
    environment = {**stack.environment, "DJANGO_SETTINGS_MODULE": "tracestore.settings"}
    with subprocess.Popen([sys.executable, *words, "--lifespan=off"], cwd=ROOT, env=environment) as process:
        try:
            end = time.monotonic() + 120
            while not stack.answers(f"{stack.web}/readyz"):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def cut_off(stack: Stack, *to: str) -> None:
    """`kill -9` of a move once it has copied the first day of spans."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "move_store", *to], cwd=ROOT, env=stack.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("stored_spans 2026")), None)
        assert line is not None, process.stderr.read() if process.stderr else ""
        process.kill()


def copied(server: EngineProcess) -> set[str]:
    """Parts of the spans, which have other names if they are written again."""
    return set(
        query(server, "SELECT name FROM system.parts WHERE active AND table = 'stored_spans' FORMAT TSV").split()
    )
