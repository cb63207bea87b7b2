"""Native blocks as clients of newer revisions expect them."""

from __future__ import annotations

import pytest

from tests.engine.raw_http import RawClient
from tracestore.engine.native_protocol import NativeReframer

_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_TYPES = (
    "String", "FixedString(3)", "UInt8", "Int256", "Bool", "Decimal(30, 4)", "UUID", "IPv4", "IPv6",
    "Enum8('a' = 1, 'b,(''' = 2)", "DateTime64(9, 'UTC')", "DateTime('Asia/Tokyo')", "Date32",
    "Nullable(String)", "Nullable(Int64)", "LowCardinality(String)", "LowCardinality(Nullable(String))",
    "Array(String)", "Array(Array(LowCardinality(String)))", "Array(Nullable(DateTime))",
    "Map(LowCardinality(String), String)", "Map(String, Tuple(x LowCardinality(String), y Array(String)))",
    "Tuple(a String, `b c` LowCardinality(String))", "Tuple(String, Nullable(Int8))", "Point", "MultiPolygon",
    "Nested(a String, b LowCardinality(String))", "SimpleAggregateFunction(max, LowCardinality(String))",
)  # fmt: skip


@pytest.mark.parametrize("type_name", _TYPES)
def test_every_column_is_found(admin: RawClient, type_name: str) -> None:
    quoted = type_name.replace("\\", "\\\\").replace("'", "\\'")
    query = f"SELECT * FROM generateRandom('x {quoted}, y UInt8, z String', 1, 4, 4) LIMIT 1000"
    plain = admin.send(query, default_format="Native", allow_suspicious_low_cardinality_types=1).body
    columns = plain[0]  # a Nested column arrives as one column per element
    reframer = NativeReframer(54470, list)
    framed = reframer.reframe_all(plain)
    assert framed.startswith(_INFO)
    # Block information and one flag for each column were added, nothing was lost.
    assert len(framed) == len(plain) + len(_INFO) + columns


def test_old_clients_get_plain_blocks(admin: RawClient) -> None:
    assert admin.send("SELECT 1 AS x FORMAT Native").body == b"\x01\x01\x01x\x05UInt8\x01"


def test_block_information(admin: RawClient) -> None:
    answer = admin.send("SELECT 1 AS x FORMAT Native", client_protocol_version=54405)
    assert answer.body == _INFO + b"\x01\x01\x01x\x05UInt8\x01"


def test_flags_and_time_zones(admin: RawClient) -> None:
    answer = admin.send("SELECT toDateTime(0, 'Asia/Tokyo') AS t, 1 AS x FORMAT Native", client_protocol_version=54460)
    tokyo = b"DateTime('Asia/Tokyo')"
    column = b"\x01t" + bytes([len(tokyo)]) + tokyo + b"\x00" + b"\0\0\0\0"
    assert answer.body == _INFO + b"\x02\x01" + column + b"\x01x\x05UInt8\x00\x01"


def test_the_first_query_of_the_go_driver(admin: RawClient) -> None:
    """Grafana's data source asks this, in this form, before anything else."""
    answer = admin.send(
        "SELECT displayName(), version(), revision(), timezone()",
        default_format="Native",
        client_protocol_version=54460,
    )
    assert answer.body.startswith(_INFO + b"\x04\x01\rdisplayName()\x06String\x00")


def test_listings_have_blocks_too(admin: RawClient) -> None:
    answer = admin.send("EXISTS system.one FORMAT Native", client_protocol_version=54405)
    assert answer.body == _INFO + b"\x01\x01\x06result\x05UInt8\x01"


def test_many_blocks(admin: RawClient) -> None:
    query = "SELECT number FROM numbers(10) FORMAT Native SETTINGS max_block_size = 5"
    assert admin.send(query, client_protocol_version=54405).body.count(_INFO + b"\x01\x05") == 2


def test_a_type_of_unknown_length_must_be_last(admin: RawClient) -> None:
    revision = {"client_protocol_version": 54460}
    assert admin.send("SELECT 1, maxState(1) FORMAT Native", **revision).status == 200
    answer = admin.send("SELECT maxState(1), 1 FORMAT Native", **revision)
    assert (answer.status, answer.code) == (501, 48)
