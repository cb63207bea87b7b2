"""Errors: ClickHouse's text, header and status; never anything of the inside."""

from __future__ import annotations

import pytest

from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess


@pytest.mark.parametrize(
    ("query", "status", "code", "name"),
    [
        ("SELEC 1", 400, 62, "SYNTAX_ERROR"),
        ("", 400, 62, "SYNTAX_ERROR"),
        ("-- nothing", 400, 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 400, 62, "SYNTAX_ERROR"),
        ("SELECT x", 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT nofunction(1)", 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT * FROM nowhere", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM nowhere.t", 404, 81, "UNKNOWN_DATABASE"),
        ("INSERT INTO nowhere FORMAT CSV\n1", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT 1 FORMAT NoFormat", 404, 73, "UNKNOWN_FORMAT"),
        ("SELECT 1 SETTINGS no_such_setting = 1", 404, 115, "UNKNOWN_SETTING"),
        ("SELECT toUInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
        ("SELECT sleep(2) SETTINGS max_execution_time = 1", 408, 159, "TIMEOUT_EXCEEDED"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 501, 48, "NOT_IMPLEMENTED"),
        ("SELECT {missing:UInt8}", 500, 456, "UNKNOWN_QUERY_PARAMETER"),
        ("SELECT arrayJoin(range(100000000)) ORDER BY 1 SETTINGS max_memory_usage = 1000000", 500, 241, "MEMORY_LIMIT"),
    ],
)  # fmt: skip
def test_errors_look_like_a_servers(admin: RawClient, query: str, status: int, code: int, name: str) -> None:
    answer = admin.send(query)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert f"({name}" in answer.text
    assert answer.text.count("DB::Exception") == 1
    assert "Traceback" not in answer.text


def test_an_unknown_setting_in_the_url(admin: RawClient) -> None:
    answer = admin.send("SELECT 1", no_such_setting=1)
    assert (answer.status, answer.code) == (404, 115)


@pytest.mark.parametrize("name", ["a=1,readonly", "x; DROP TABLE t", "max_threads = 1 --", "", "ж"])
def test_a_setting_name_cannot_carry_sql(admin: RawClient, name: str) -> None:
    assert admin.send("SELECT 1", **{name: "1"}).code == 115


def test_the_connection_can_be_used_after_an_error(admin: RawClient) -> None:
    for _ in range(3):
        assert admin.send("SELEC").status == 400
        assert admin.query("SELECT 1") == "1"


def test_other_paths_and_methods(admin: RawClient) -> None:
    assert admin.send(method="GET", path="/etc/passwd").status == 404
    assert admin.send("SELECT 1", method="DELETE").status == 405


def test_query_text_that_is_not_utf8(admin: RawClient) -> None:
    assert admin.send(b"SELECT hex('\xff\xfe')").body == b"FFFE\n"


def test_native_block_compression_is_refused_clearly(admin: RawClient) -> None:
    answer = admin.send("SELECT 1", decompress=1)
    assert answer.code == 48
    assert "Content-Encoding" in answer.text


def test_wrong_or_no_password(engine: EngineProcess) -> None:
    right = engine.admin_password
    attempts: list[tuple[RawClient, dict[str, str], dict[str, str]]] = [
        (RawClient(engine), {}, {}),
        (RawClient(engine, "default", ""), {}, {}),
        (RawClient(engine, "tracestore", "wrong"), {}, {}),
        (RawClient(engine, "reader", right), {}, {}),
        (RawClient(engine, "nobody", right), {}, {}),
        (RawClient(engine), {"X-ClickHouse-User": "tracestore", "X-ClickHouse-Key": "wrong"}, {}),
        (RawClient(engine), {"Authorization": "Basic !!!"}, {}),
        (RawClient(engine), {"Authorization": "Bearer " + right}, {}),
        (RawClient(engine), {}, {"user": "tracestore", "password": "wrong"}),
    ]
    for client, headers, params in attempts:
        answer = client.send("SELECT 1", headers=headers, **params)
        assert (answer.status, answer.code) == (403, 516)
        assert answer.text.startswith("Code: 516. DB::Exception: ")
        client.close()


def test_the_ways_to_give_a_password(engine: EngineProcess) -> None:
    right = engine.admin_password
    client = RawClient(engine)
    keys = {"X-ClickHouse-User": "tracestore", "X-ClickHouse-Key": right}
    assert client.send("SELECT 1", headers=keys).status == 200
    assert client.send("SELECT 1", user="tracestore", password=right).status == 200
    client.close()
    for name in ("tracestore", "default"):
        client = RawClient(engine, name, right)
        assert client.send("SELECT 1").status == 200
        client.close()
