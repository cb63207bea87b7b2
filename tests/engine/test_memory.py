"""What a query used does not stay with the process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine import raw_http
from tests.engine_process import EngineProcess
from tracestore.engine import memory
from tracestore.engine.errors import EngineError
from tracestore.engine.memory import WORTH_BYTES, Memory

MIB = 1 << 20


class Impatient(EngineProcess):
    module = "tests.engine.impatient"


class FakeDatabase:
    """Counts what is asked; `away` raises it."""

    def __init__(self, away: EngineError | None = None) -> None:
        self.asked: list[str] = []
        self.away = away

    def connect(self) -> Any:
        return self

    def query(self, text: str) -> None:
        self.asked.append(text)
        if self.away is not None:
            raise self.away

    def close(self) -> None:
        pass


@pytest.mark.skipif(memory.resident() is None, reason="needs /proc")
def test_a_large_query_leaves_nothing_behind(tmp_path: Path) -> None:
    with Impatient(tmp_path / "data") as engine:
        client = raw_http.admin(engine)
        process = psutil.Process(engine.pid)
        client.query("SELECT 1")
        before = process.memory_info().rss
        client.query("SELECT count() FROM (SELECT number % 4000000 AS n, count() FROM numbers(8000000) GROUP BY n)")
        end = time.monotonic() + 30
        while process.memory_info().rss > before + WORTH_BYTES:
            assert time.monotonic() < end, f"{(process.memory_info().rss - before) // MIB} MiB are kept"
            time.sleep(0.1)
        assert client.query("SELECT 1") == "1"
        client.close()


def test_it_is_done_only_where_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = 300 * MIB
    monkeypatch.setattr(memory, "resident", lambda: held)
    database = FakeDatabase()
    found = Memory(database)  # type: ignore[arg-type]
    assert not found.give_back()
    held += WORTH_BYTES
    assert found.give_back()
    assert database.asked == ["SYSTEM JEMALLOC PURGE"]
    assert not found.give_back()


def test_with_another_allocator_it_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    held = 300 * MIB
    monkeypatch.setattr(memory, "resident", lambda: held)
    database = FakeDatabase(away=EngineError(36, "There is no jemalloc."))
    found = Memory(database)  # type: ignore[arg-type]
    held *= 2
    assert not found.give_back()
    assert not found.give_back()
    assert len(database.asked) == 1


def test_where_the_system_does_not_tell_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: None)
    assert not Memory(FakeDatabase()).give_back()  # type: ignore[arg-type]
