"""Inserts: every row of every frame of every format, or none."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import socket
import zlib
from collections.abc import Callable, Iterator

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess

_ROWS = 100_000


def _zlib(data: bytes) -> bytes:
    return zlib.compress(data)


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "deflate": _zlib,
    "identity": lambda data: data,
}


@pytest.fixture(scope="module")
def native(engine: EngineProcess) -> bytes:
    """100,000 rows in the Native format."""
    client = RawClient(engine, "tracestore", engine.admin_password)
    query = f"SELECT number AS a, toString(number) AS s FROM numbers({_ROWS}) FORMAT Native"
    data = client.send(query).body
    client.close()
    return data


@pytest.mark.parametrize("encoding", sorted(_ENCODERS))
def test_a_body_of_many_frames_loads_completely(admin: RawClient, table: str, native: bytes, encoding: str) -> None:
    body = f"INSERT INTO {table} (a, s) FORMAT Native\n".encode() + native
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    encoded = [_ENCODERS[encoding](piece) for piece in pieces]
    assert len(encoded) > 10

    def chunks() -> Iterator[bytes]:
        yield from encoded

    admin.connection.request(
        "POST", "/", chunks(), {**admin.headers, "Content-Encoding": encoding}, encode_chunked=True
    )
    answer = admin.connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == str(_ROWS)
    assert admin.query(f"SELECT count(), sum(a), uniqExact(s) FROM {table}") == f"{_ROWS}\t4999950000\t{_ROWS}"


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_clickhouse_connect_inserts(engine: EngineProcess, admin: RawClient, table: str, compress: str) -> None:
    with clickhouse_connect.get_client(
        host=engine.host, port=engine.port, username="tracestore", password=engine.admin_password, compress=compress
    ) as client:
        columns = [list(range(_ROWS)), [str(n) for n in range(_ROWS)]]
        client.insert(table, columns, column_names=["a", "s"], database="", column_oriented=True,
                      column_type_names=["UInt64", "String"])  # fmt: skip
    assert admin.query(f"SELECT count(), max(a) FROM {table}") == f"{_ROWS}\t{_ROWS - 1}"


def _arrow() -> bytes:
    sink = io.BytesIO()
    data = pa.table({"a": pa.array([1, 2], pa.uint64()), "s": ["x", "y"]})
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue()


def _parquet() -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"a": pa.array([1, 2], pa.uint64()), "s": ["x", "y"]}), sink)
    return sink.getvalue()


_PROTO = 'syntax = "proto3"; message Row { uint64 a = 1; string s = 2; }'


@pytest.mark.parametrize(
    ("name", "data", "settings"),
    [
        ("CSV", b"1,x\n2,y\n", {}),
        ("CSV", b"1;x\n2;y\n", {"format_csv_delimiter": ";"}),
        ("TSV", b"1\tx\n2\ty", {}),
        ("JSONEachRow", b'{"a":1,"s":"x"}\n{"a":2,"s":"y"}', {}),
        ("JSONEachRow", b'{"a":1,"s":"x","zz":0}{"s":"y","a":"2"}', {"input_format_skip_unknown_fields": 1}),
        ("RowBinary", b"\x01\0\0\0\0\0\0\0\x01x\x02\0\0\0\0\0\0\0\x01y", {}),
        ("ArrowStream", _arrow(), {}),
        ("Parquet", _parquet(), {}),
        ("Values", b"(1,'x'),(1+1,'y')", {}),
        (
            "Protobuf",
            b"\x05\x08\x01\x12\x01x\x05\x08\x02\x12\x01y",
            {"format_schema_source": "string", "format_schema": _PROTO, "format_schema_message_name": "Row"},
        ),
    ],
)
@pytest.mark.parametrize("statement_in", ["url", "body"])
def test_formats(
    admin: RawClient, table: str, name: str, data: bytes, settings: dict[str, object], statement_in: str
) -> None:
    statement = f"INSERT INTO {table} (a, s) FORMAT {name}"
    if statement_in == "url":
        answer = admin.send(data, query=statement, **settings)
    else:
        answer = admin.send(statement.encode() + b"\n" + data, **settings)
    assert answer.status == 200, answer.text
    assert admin.query(f"SELECT * FROM {table} ORDER BY a") == "1\tx\n2\ty"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {t} VALUES (1, 'x;'), (2, 'FORMAT CSV')",
        "INSERT INTO {t} (s, a) VALUES ('x;', 1), ('FORMAT CSV', 2);",
        "/* c */ insert into {t} (a, s)\nSETTINGS max_insert_threads = 1\nVALUES (1,'x;')(2,'FORMAT CSV')",
        "INSERT INTO {t} SELECT 1, 'x;' UNION ALL SELECT 2, 'FORMAT CSV'",
        "INSERT INTO {t} (a, s) WITH 1 AS n SELECT number + n, if(number = 0, 'x;', 'FORMAT CSV') FROM numbers(2)",
        "WITH 1 AS n INSERT INTO {t} SELECT number + n, if(number = 0, 'x;', 'FORMAT CSV') FROM numbers(2)",
        "WITH 1 AS n INSERT INTO {t} (a, s) FORMAT CSV\n1,x;\n2,FORMAT CSV\n",
    ],
)
def test_ways_to_write_an_insert(admin: RawClient, table: str, statement: str) -> None:
    admin.query(statement.replace("{t}", table))
    assert admin.query(f"SELECT * FROM {table} ORDER BY a") == "1\tx;\n2\tFORMAT CSV"


def test_parameters_in_an_insert(admin: RawClient, table: str) -> None:
    admin.query(f"INSERT INTO {table} SELECT {{n:UInt8}}, {{s:String}}", param_n=7, param_s="it's")
    assert admin.query(f"SELECT * FROM {table}") == "7\tit\\'s"


def test_a_repeated_insert_with_a_token_counts_once(admin: RawClient, table: str) -> None:
    admin.query(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 1000")
    for token in ("one", "one", "two", "one"):
        admin.query(f"INSERT INTO {table} FORMAT CSV\n1,x\n2,y", insert_deduplication_token=token)
    assert admin.query(f"SELECT count() FROM {table}") == "4"


def test_nothing_is_written_if_the_body_never_ends(engine: EngineProcess, admin: RawClient, table: str) -> None:
    with socket.create_connection((engine.host, engine.port)) as connection:
        head = (
            f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {admin.headers['Authorization']}\r\n"
            f"Content-Length: 1000000\r\n\r\nINSERT INTO {table} FORMAT CSV\n"
        )
        connection.sendall(head.encode() + b"1,x\n" * 1000)
    assert admin.query(f"SELECT count() FROM {table}") == "0"


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd", "deflate"])
def test_a_broken_body_writes_nothing(admin: RawClient, table: str, encoding: str) -> None:
    rows = b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(100_000))
    body = bytearray(_ENCODERS[encoding](f"INSERT INTO {table} FORMAT CSV\n".encode() + rows))
    body[len(body) // 2 : len(body) // 2 + 50] = b"\xff" * 50
    answer = admin.send(bytes(body), headers={"Content-Encoding": encoding})
    assert answer.status >= 400
    assert answer.code
    assert admin.query(f"SELECT count() FROM {table}") == "0"


def test_an_unknown_encoding_is_named(admin: RawClient) -> None:
    answer = admin.send("SELECT 1", headers={"Content-Encoding": "snail"})
    assert answer.code == 89
    assert "snail" in answer.text


def test_malformed_data_are_explained(admin: RawClient, table: str) -> None:
    answer = admin.send(f"INSERT INTO {table} FORMAT CSV\n1,x\nnot-a-number,y\n")
    assert (answer.status, answer.code) == (400, 27)
    assert "(at row 2)" in answer.text
    assert admin.query(f"SELECT count() FROM {table}") == "0"


def test_a_body_over_the_limit_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("small") / "data"
    with EngineProcess(path, "--max-body", "1000000") as engine:
        client = RawClient(engine, "tracestore", engine.admin_password)
        client.query("CREATE TABLE t (s String) ENGINE = Memory")
        bomb = gzip.compress(b"INSERT INTO t FORMAT TSV\n" + b"0" * 5_000_000)
        answer = client.send(bomb, headers={"Content-Encoding": "gzip"})
        assert (answer.status, answer.code) == (413, 229)
        assert client.query("SELECT count() FROM t") == "0"
        try:
            answer = client.send(b"INSERT INTO t FORMAT TSV\n" + b"0" * 2_000_000)
            assert answer.status == 413
        except (http.client.HTTPException, OSError):
            pass  # the engine may close while the body is still being sent
        client.close()


@pytest.mark.parametrize(
    ("column", "settings", "data", "code"),
    [
        ("a UInt64, CONSTRAINT small CHECK a < 100", "", b"1\n100\n", 469),
        ("a UInt64, CONSTRAINT small CHECK a < 100", "", b"1\n" * 1_500_000 + b"100\n", 469),
        ("a UInt64) ENGINE = MergeTree ORDER BY a PARTITION BY (a", "", b"".join(b"%d\n" % n for n in range(101)), 252),
        ("a UInt64", "SETTINGS parts_to_throw_insert = 0", b"1\n", 252),
    ],
)
def test_an_insert_that_the_table_refuses_is_an_error(
    admin: RawClient, table: str, column: str, settings: str, data: bytes, code: int
) -> None:
    """chDB's streaming insert says OK to all of these and stores nothing."""
    made = f"{table}_2"
    end = "" if "ENGINE" in column else " ENGINE = MergeTree ORDER BY a"
    admin.query(f"CREATE TABLE {made} ({column}){end} {settings}")
    try:
        if "parts_to_throw" in settings:
            admin.query(f"SYSTEM STOP MERGES {made}")
        answer = admin.send(f"INSERT INTO {made} (a) FORMAT TSV\n".encode() + data)
        assert (answer.status >= 400, answer.code) == (True, code)
        assert admin.query(f"SELECT count() FROM {made}") == "0"
    finally:
        admin.query(f"DROP TABLE {made}")


def test_an_insert_too_large_for_memory(admin: RawClient, table: str) -> None:
    rows = b"1\t" + b"x" * (9 << 20) + b"\n"
    body = gzip.compress(f"INSERT INTO {table} FORMAT TSV\n".encode() + rows * 8, 1)
    answer = admin.send(body, headers={"Content-Encoding": "gzip"})
    assert answer.status == 200, answer.text
    assert admin.query(f"SELECT count(), sum(length(s)) FROM {table}") == f"8\t{8 * (9 << 20)}"
