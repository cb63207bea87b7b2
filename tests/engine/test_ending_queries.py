"""Running queries can be ended: by KILL QUERY, by leaving, by being one too many."""

from __future__ import annotations

import http.client
import threading
import time
from pathlib import Path

import pytest

from tests.engine import raw_http
from tests.engine.raw_http import Answer, RawClient
from tests.engine_process import EngineProcess

_SLOW = "SELECT sleepEachRow(1) FROM numbers(100) SETTINGS max_block_size = 1"
_HEAVY = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 7"
_COUNT = "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'"


def _wait_for(client: RawClient, running: int) -> None:
    for _ in range(100):
        if client.query(_COUNT) == str(running):
            return
        time.sleep(0.05)
    raise AssertionError(client.query("SELECT query FROM system.processes"))


@pytest.mark.parametrize("query", [_SLOW, _HEAVY, "INSERT INTO FUNCTION null('x UInt64') " + _HEAVY])
def test_kill_query_by_the_clients_id(engine: EngineProcess, admin: RawClient, query: str) -> None:
    other = raw_http.admin(engine)
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(other.send(query, query_id="victim's")))
    thread.start()
    _wait_for(admin, 1)
    assert admin.send("SELECT 1", query_id="victim's").code == 216
    started = time.monotonic()
    admin.query("KILL QUERY WHERE query_id = 'victim\\'s' SYNC")
    thread.join(10)
    assert time.monotonic() - started < 5
    assert (answers[0].status, answers[0].code) == (500, 394)
    assert admin.query("SELECT 1", query_id="victim's") == "1"
    other.close()


@pytest.mark.parametrize("query", [_SLOW, _HEAVY, "SELECT * FROM numbers(100000000000)"])
def test_a_query_ends_when_its_client_leaves(engine: EngineProcess, admin: RawClient, query: str) -> None:
    connection = http.client.HTTPConnection(engine.host, engine.port)
    connection.request("POST", "/", query, admin.headers)
    _wait_for(admin, 1)
    connection.close()
    _wait_for(admin, 0)


def test_too_many_queries_wait_and_are_then_refused(tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "data", "--max-running", "2") as engine:
        clients = [raw_http.admin(engine) for _ in range(4)]
        threads = [threading.Thread(target=c.send, args=(_SLOW,), kwargs={"query_id": f"q{n}"})
                   for n, c in enumerate(clients[:2])]  # fmt: skip
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        started = time.monotonic()
        refused = clients[2].send("SELECT 1")
        assert (refused.status, refused.code) == (503, 202)
        assert 4 < time.monotonic() - started < 20
        # KILL needs no place.
        clients[3].query("KILL QUERY WHERE query_id IN ('q0', 'q1')")
        for thread in threads:
            thread.join(10)
        assert clients[2].query("SELECT 1") == "1"
        for client in clients:
            client.close()
