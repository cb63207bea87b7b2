"""Queries: how they may be sent, and what an answer carries."""

from __future__ import annotations

import gzip
import json
import zlib

import clickhouse_connect
import lz4.frame
import pytest
import zstandard

from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess


@pytest.mark.parametrize(("path", "body"), [("/ping", "Ok.\n"), ("/replicas_status", "Ok."), ("/", "Ok.\n")])
def test_signs_of_life_need_no_password(engine: EngineProcess, path: str, body: str) -> None:
    client = RawClient(engine)
    answer = client.send(method="GET", path=path)
    client.close()
    assert (answer.status, answer.text) == (200, body)


def test_a_query_by_get_by_post_and_in_two_parts(admin: RawClient) -> None:
    assert admin.send(method="GET", query="SELECT 1").text == "1\n"
    assert admin.query("SELECT 1") == "1"
    assert admin.send("+ 2", query="SELECT 1").text == "3\n"


def test_head_has_headers_only(admin: RawClient) -> None:
    answer = admin.send(method="HEAD", query="SELECT 1")
    assert answer.status == 200
    assert answer.body == b""


def test_the_headers_of_an_answer(admin: RawClient) -> None:
    headers = admin.send("SELECT number FROM numbers(10) FORMAT JSONEachRow", query_id="my-id").headers
    assert headers["x-clickhouse-format"] == "JSONEachRow"
    assert headers["content-type"] == "application/x-ndjson; charset=UTF-8"
    assert headers["x-clickhouse-query-id"] == "my-id"
    assert headers["x-clickhouse-timezone"]
    assert headers["x-clickhouse-server-display-name"]
    assert json.loads(headers["x-clickhouse-summary"])["read_rows"] == "10"


def test_a_statement_without_result_has_no_format(admin: RawClient) -> None:
    assert "x-clickhouse-format" not in admin.send("CREATE DATABASE IF NOT EXISTS tracestore").headers
    assert "x-clickhouse-format" in admin.send("SELECT 1 WHERE 0").headers


@pytest.mark.parametrize(
    ("query", "default", "expected"),
    [
        ("SELECT 1 AS x", "JSONCompactEachRow", "[1]"),
        ("SELECT 1 AS x FORMAT CSV", "JSON", "1"),
        ("SELECT 1 AS x FORMAT CSV SETTINGS max_threads = 1", "JSON", "1"),
        ("SELECT 1 AS x SETTINGS max_threads = 1 FORMAT CSVWithNames;", "JSON", '"x"\n1'),
        ("SELECT 1 AS format -- FORMAT JSON", "CSV", "1"),
        ("SELECT 'a FORMAT JSON' /* ; */ ; -- end", "CSV", '"a FORMAT JSON"'),
        ("WITH 2 AS y SELECT y", "CSV", "2"),
        ("(SELECT 1) UNION ALL (SELECT 1)", "CSV", "1\n1"),
        ("SHOW DATABASES LIKE 'tracestore'", "CSV", '"tracestore"'),
        ("DESCRIBE TABLE (SELECT 1 AS x)", "TSV", "x\tUInt8\t\t\t\t\t"),
        ("EXISTS system.one", "TSV", "1"),
    ],
)
def test_formats(admin: RawClient, query: str, default: str, expected: str) -> None:
    assert admin.query(query, default_format=default) == expected


def test_parameters_are_bound_by_the_engine(admin: RawClient) -> None:
    answer = admin.query(
        "SELECT {n:UInt32} + 1, {s:String}, {a:Array(String)}", param_n=41, param_s="it's `x`", param_a="['a','b']"
    )
    assert answer == "42\tit\\'s `x`\t['a','b']"


def test_database(admin: RawClient) -> None:
    assert admin.query("SELECT currentDatabase()", database="tracestore") == "tracestore"
    assert admin.query("SELECT currentDatabase()") == "default"
    answer = admin.send("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"})
    assert answer.text == "system\n"


def test_clickhouse_connect_works_unchanged(engine: EngineProcess) -> None:
    with clickhouse_connect.get_client(
        host=engine.host, port=engine.port, username="tracestore", password=engine.admin_password
    ) as client:
        result = client.query(
            "SELECT number, toString(number), toDateTime(0, 'Asia/Tokyo') AS t FROM numbers({n:UInt8})",
            parameters={"n": 3},
        )
        assert [row[:2] for row in result.result_rows] == [(0, "0"), (1, "1"), (2, "2")]
        assert str(result.result_rows[0][2].tzinfo) == "Asia/Tokyo"
        assert client.query("SELECT 1 AS x WHERE 0").result_rows == []
        assert client.query_arrow("SELECT number FROM numbers(5)").num_rows == 5
        assert client.query_df("SELECT number FROM numbers(5)").shape == (5, 1)


_DECODERS = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("encoding", sorted(_DECODERS))
@pytest.mark.parametrize("rows", [1, 1_000_000])
def test_answers_are_compressed_on_request(admin: RawClient, encoding: str, rows: int) -> None:
    answer = admin.send(
        f"SELECT number FROM numbers({rows}) FORMAT TSV",
        headers={"Accept-Encoding": encoding},
        enable_http_compression=1,
    )
    assert answer.headers["content-encoding"] == encoding
    assert _DECODERS[encoding](answer.body).count(b"\n") == rows


def test_answers_are_plain_unless_compression_is_enabled(admin: RawClient) -> None:
    assert "content-encoding" not in admin.send("SELECT 1", headers={"Accept-Encoding": "gzip"}).headers


def test_external_tables(engine: EngineProcess) -> None:
    with clickhouse_connect.get_client(
        host=engine.host, port=engine.port, username="tracestore", password=engine.admin_password
    ) as client:
        from clickhouse_connect.driver.external import ExternalData

        data = ExternalData(file_name="ids", data=b"1\n2\n", fmt="CSV", structure=["id UInt32"])
        assert client.query("SELECT sum(id) FROM ids", external_data=data).result_rows == [(3,)]
        assert client.command("EXISTS TABLE ids") == 0
