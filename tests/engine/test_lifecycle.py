"""One holder per directory, clean ends, and unclean ones that lose nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.engine import raw_http
from tests.engine_process import EngineProcess


def test_a_second_engine_on_the_directory_says_so_and_ends(engine: EngineProcess) -> None:
    second = EngineProcess(engine.path)
    started = time.monotonic()
    second.spawn()
    before = len(engine.stderr.splitlines())
    assert second.wait(15) == 3
    assert time.monotonic() - started < 10
    lines = engine.stderr.splitlines()[before:]
    assert lines == [f"Data directory {engine.path} is already in use by the engine process {engine.pid}."]
    client = raw_http.admin(engine)
    assert client.query("SELECT 1") == "1"
    client.close()


def test_without_a_password_it_does_not_start(tmp_path: Path) -> None:
    process = EngineProcess(tmp_path / "data", admin_password="")
    process.spawn()
    assert process.wait(15) == 2
    assert "TRACESTORE_ENGINE_PASSWORD" in process.stderr


def test_a_taken_port_is_named(engine: EngineProcess, tmp_path: Path) -> None:
    process = EngineProcess(tmp_path / "data", port=engine.port)
    process.spawn()
    assert process.wait(15) == 4
    assert str(engine.port) in process.stderr


def test_a_stop_lets_running_requests_finish(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path / "data").start()
    client = raw_http.admin(engine)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(client.query("SELECT sleep(1.5)")))
    thread.start()
    time.sleep(0.4)
    assert engine.stop() == 0
    thread.join(5)
    assert answers == ["0"]
    assert len(engine.stderr.splitlines()) == 1, engine.stderr
    client.close()


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path / "data").start()
    client = raw_http.admin(engine)
    client.query("CREATE DATABASE d")
    client.query("CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    acknowledged: list[int] = []

    def write() -> None:
        try:
            while True:
                batch = len(acknowledged)
                rows = "\n".join(str(batch * 100 + n) for n in range(100))
                if client.send(f"INSERT INTO d.t FORMAT TSV\n{rows}").status == 200:
                    acknowledged.append(batch)
        except Exception:
            return

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(1.0)
    (tmp_path / "data" / ".engine" / "spool" / "left-over").write_bytes(b"x")
    engine.kill()
    writer.join(10)
    assert acknowledged
    engine.port = 0
    engine.start()
    client = raw_http.admin(engine)
    count, distinct = map(int, client.query("SELECT count(), uniqExact(a) FROM d.t").split("\t"))
    assert count == distinct
    assert len(acknowledged) * 100 <= count <= len(acknowledged) * 100 + 100
    assert not (tmp_path / "data" / ".engine" / "spool" / "left-over").exists()
    client.close()
    assert engine.stop() == 0


def test_data_survive_a_clean_restart(tmp_path: Path) -> None:
    for expected in ("1", "2"):
        with EngineProcess(tmp_path / "data") as engine:
            client = raw_http.admin(engine)
            client.query("CREATE TABLE IF NOT EXISTS t (a Int8) ENGINE = MergeTree ORDER BY a")
            client.query("INSERT INTO t VALUES (1)")
            assert client.query("SELECT count() FROM t") == expected
            client.close()
