"""Real worker processes on one database: they meet, and one is killed while it sends."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.alerts.notify import samples
from tests.alerts.notify.receivers import HttpReceiver, Reply
from tracestore.environment import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import sys, time, pathlib, datetime
import django
django.setup()
from tracestore.alerts import delivery
print("ready", flush=True)
sys.stdin.readline()
print(delivery.send_due(datetime.datetime.fromisoformat(sys.argv[1])), flush=True)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[timedelta], subprocess.Popen[str]]:
    """Starts a worker on a copy of the test's database; it begins when a line is written to it."""
    if connection.vendor != "sqlite":
        pytest.skip("the copy is of an SQLite database")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACESTORE_")}
    environment |= {"TRACESTORE_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tracestore.settings"}
    environment["TRACESTORE_SECRET_KEY"] = settings.SECRET_KEY  # what the channels are sealed under

    def start(later: timedelta) -> subprocess.Popen[str]:
        database = tmp_path / "tracestore.sqlite3"
        if not database.exists():
            connection.ensure_connection()
            with sqlite3.connect(database) as copy:
                connection.connection.backup(copy)
            copy.close()
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, (samples.NOW + later).isoformat()],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def lines(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def begin(*processes: subprocess.Popen[str]) -> None:
    assert [lines(process) for process in processes] == ["ready"] * len(processes)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def end(*processes: subprocess.Popen[str]) -> list[int]:
    found = []
    for process in processes:
        found.append(int(lines(process).rpartition("\n")[2] or 0))
        assert process.wait(60) == 0
        process.communicate()
    return found


def test_two_workers_race_and_each_is_sent_once_in_order(
    receiver: HttpReceiver, worker: Callable[[timedelta], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        channel = samples.channel({"url": f"{receiver.url}/{number}"}, name=f"c{number}")
        for _ in range(5):
            incident = samples.incident()
            samples.notification(channel, "opened", incident)
            samples.notification(channel, "resolved", incident)
    two = worker(timedelta(0)), worker(timedelta(0))
    begin(*two)
    changed = end(*two)
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert (len(ids), len(set(ids)), sum(changed)) == (40, 40, 40)
    for number in range(4):
        told = [got.json["tracestore"] for got in receiver.got if got.path == f"/{number}"]
        for incident_id in {one["incident"] for one in told}:
            assert [one["event"] for one in told if one["incident"] == incident_id] == ["opened", "resolved"]


def test_killed_while_it_sends_another_sends_it_again_with_the_same_key(
    receiver: HttpReceiver, worker: Callable[[timedelta], subprocess.Popen[str]]
) -> None:
    arrived = threading.Event()

    def hold(_: object) -> None:
        arrived.set()
        receiver.gone.wait(30)

    receiver.replies.append(Reply(raw=hold))
    samples.notification(samples.channel({"url": receiver.url}))
    first = worker(timedelta(0))
    begin(first)
    assert arrived.wait(30)
    first.kill()
    first.communicate()
    soon = worker(timedelta(seconds=30))
    begin(soon)
    assert end(soon) == [0]
    later = worker(timedelta(seconds=90))
    begin(later)
    assert end(later) == [1]
    one, two = receiver.got
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    assert one.body == two.body
