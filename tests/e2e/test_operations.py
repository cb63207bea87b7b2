"""verify_store, doctor, backup and restore on a real Tracestore: right where all is well, and where it is not."""

from __future__ import annotations

import calendar
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import ROOT, Stack
from tracestore.verification.traces import tell

SEED = 4711


def manage(stack: Stack, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env={**stack.environment, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def verify(stack: Stack, at: str, *words: str) -> tuple[int, dict[str, Any]]:
    done = manage(stack, "verify_store", "--json", "--seed", str(SEED), "--at", at, *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def at(stack: Stack) -> str:
    """When the traces end that all tests here read; written once, through the front door."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    code, said = verify(stack, now)
    assert (code, said["details"]) == (0, [])
    assert said["traces"] == 3
    assert len(said["seconds_until_right"]) == 1
    return now


def test_doctor_finds_a_running_tracestore_well(stack: Stack) -> None:
    end = time.monotonic() + 60
    while True:  # a stack that has just begun has run no job yet
        done = manage(stack, "doctor", "--json")
        found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        if found["worker"]["state"] != "bad" or time.monotonic() > end:
            break
    # Other tests on this stack may have switched channels off.
    of_others = {"channels", "mail"}
    assert {name: check for name, check in found.items() if check["state"] == "bad" and name not in of_others} == {}
    assert found["worker"]["said"]
    assert all(check["mend"] for check in found.values() if check["state"] != "ok")
    shown = manage(stack, "doctor").stdout
    assert all(name in shown for name in found)


def test_doctor_says_that_nothing_runs(stack: Stack, tmp_path: Path) -> None:
    done = manage(stack, "doctor", "--json", TRACESTORE_DATA_DIR=str(tmp_path))
    states = {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert (states["processes"], states["ports"], states["metadata schema"]) == ("bad", "bad", "bad")
    assert "store" not in states


@pytest.fixture(scope="module")
def backup(stack: Stack, at: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("backups") / "monday.tar"
    done = manage(stack, "backup", str(target))
    assert done.returncode == 0, done.stderr
    return target


def test_a_backup_that_is_restored_is_the_same_tracestore(
    stack: Stack, at: str, backup: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert backup.stat().st_mode & 0o077 == 0
    assert list((stack.data_dir / "clickhouse" / "backups").iterdir()) == []
    again = manage(stack, "backup", str(backup))
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    refused = manage(stack, "restore", str(backup))
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True)

    # The environment's key and password are not given: what works afterwards comes from the backup.
    new = Stack(tmp_path_factory.mktemp("restored") / "data", TRACESTORE_API_KEY="", TRACESTORE_ADMIN_PASSWORD="")
    done = manage(new, "restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert "as in the backup" in done.stdout
    with new:
        code, said = verify(new, at, "--read-only")
        assert (code, said["details"]) == (0, [])
        assert new.api("traces/", limit=1)["results"]  # with the key of old
        for table in ("spans", "span_payloads", "llm_calls", "tool_calls"):
            where = f"FROM {table} WHERE project = 'default' AND trace_id IN ({ids(at)})"
            assert new.sql(f"SELECT count() {where}") == stack.sql(f"SELECT count() {where}")
        code, said = verify(new, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        assert (code, said["details"]) == (0, [])
        new.wait_settled()

        # And from a loss in the store there is no way but that it is seen.
        lost = tell(SEED, at_ns(at), 0).spans[-1].span_id
        new.admin(f"ALTER TABLE stored_spans DELETE WHERE span_id = '{lost}' SETTINGS mutations_sync = 1")
        code, said = verify(new, at, "--read-only", "--timeout", "1")
        assert code == 1
        assert {kind for kind, number in said["failures"].items() if number} >= {"missingspans", "incorrect_sql_sums"}


def test_a_damaged_backup_is_refused_and_leaves_nothing(stack: Stack, backup: Path, tmp_path: Path) -> None:
    content = bytearray(backup.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64 * [0x5A])
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(content)
    new = tmp_path / "new"
    done = manage(stack, "restore", str(damaged), TRACESTORE_DATA_DIR=str(new))
    assert (done.returncode, "damaged" in done.stderr) == (1, True), done.stderr
    assert not (new / "clickhouse").exists()
    assert not (new / "tracestore.sqlite3").exists()


def at_ns(at: str) -> int:
    return calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")) * 10**9


def ids(at: str) -> str:
    return ", ".join(f"'{tell(SEED, at_ns(at), number).trace_id}'" for number in range(3))
