"""Large results: streamed in bounded memory, one well-formed document in any format."""

from __future__ import annotations

import http.client
import json
import socket
import time
from pathlib import Path

import psutil
import pyarrow as pa

from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess

_MIB = 1 << 20


def test_a_large_document_has_one_head_and_one_tail(admin: RawClient) -> None:
    document = json.loads(admin.query("SELECT number FROM numbers(300000) FORMAT JSON"))
    assert document["rows"] == 300_000
    assert len(document["data"]) == 300_000
    lines = admin.query("SELECT number AS n FROM numbers(300000) FORMAT CSVWithNames").split("\n")
    assert (len(lines), lines.count('"n"')) == (300_001, 1)
    arrow = admin.send("SELECT number FROM numbers(300000) FORMAT Arrow").body
    assert pa.ipc.open_file(arrow).read_all().num_rows == 300_000


def test_memory_stays_bounded(engine: EngineProcess, admin: RawClient) -> None:
    process = psutil.Process(engine.pid)
    admin.query("SELECT 1")
    before = process.memory_info().rss
    admin.connection.request("POST", "/", "SELECT repeat('x', 99) FROM numbers(4000000) FORMAT TSV", admin.headers)
    answer = admin.connection.getresponse()
    size, peak = 0, before
    while chunk := answer.read(4 * _MIB):
        size += len(chunk)
        peak = max(peak, process.memory_info().rss)
    assert size == 4_000_000 * 100
    assert peak - before < 250 * _MIB


def test_a_small_answer_leaves_in_few_segments_without_delay(engine: EngineProcess, admin: RawClient) -> None:
    admin.query("SELECT 1")
    assert isinstance(admin.connection.sock, socket.socket)
    admin.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    assert [admin.query("SELECT 1") for _ in range(20)] == ["1"] * 20


def test_an_answer_that_is_streamed_says_what_was_read_until_it_began(admin: RawClient) -> None:
    question = "SELECT number FROM (SELECT number FROM numbers(3000000) ORDER BY number DESC) FORMAT TSV"
    summary = json.loads(admin.send(question).headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["read_bytes"]) == ("3000000", "24000000")


def test_an_error_in_mid_stream_ends_with_the_exception_marker(admin: RawClient) -> None:
    answer = admin.send("SELECT throwIf(number = 5000000) FROM numbers(10000000) FORMAT TSV")
    tag = answer.headers["x-clickhouse-exception-tag"].encode()
    assert answer.status == 200
    assert b"\r\n__exception__\r\n" + tag + b"\r\nCode: 395. DB::Exception: " in answer.body
    message = answer.body.rsplit(tag + b"\r\n", 1)[0].split(tag + b"\r\n", 1)[1]
    text, _, length = message.rstrip(b" ").rpartition(b"\n")
    assert int(length) == len(text) + 1
    assert answer.body.endswith(tag + b"\r\n__exception__\r\n")


def test_an_error_before_the_first_megabyte_is_a_plain_error(admin: RawClient) -> None:
    answer = admin.send("SELECT throwIf(number = 50) FROM numbers(100) SETTINGS max_block_size = 1")
    assert (answer.status, answer.code) == (500, 395)


def test_many_clients_that_leave_early_leave_nothing_behind(engine: EngineProcess, admin: RawClient) -> None:
    process = psutil.Process(engine.pid)
    admin.query("SELECT 1")
    before = _pipes_and_sockets(process)
    for _ in range(10):
        connection = http.client.HTTPConnection(engine.host, engine.port)
        connection.request("POST", "/", "SELECT * FROM numbers(100000000)", admin.headers)
        connection.getresponse().read(100)
        connection.close()
    assert _settles(lambda: int(admin.query("SELECT count() FROM system.processes")), 1)
    assert _settles(lambda: _pipes_and_sockets(process), before)


def _pipes_and_sockets(process: psutil.Process) -> int:
    """The engine itself opens files under /proc for each of its threads; those do not count."""
    folder = Path(f"/proc/{process.pid}/fd")
    kinds = [entry.readlink().name.split(":")[0] for entry in folder.iterdir() if entry.is_symlink()]
    return kinds.count("pipe") + kinds.count("socket")


def _settles(measure: object, at_most: int) -> bool:
    assert callable(measure)
    for _ in range(100):
        if measure() <= at_most:
            return True
        time.sleep(0.05)
    return False
