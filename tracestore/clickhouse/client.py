"""The connection to ClickHouse, embedded or served: the same HTTP interface, one client library."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httputil import get_pool_manager
from django.conf import settings
from urllib3.exceptions import HTTPError

from tracestore.errors import InvalidInput, TracestoreError, Unavailable

#: The database of the public contract ("Reading by SQL").
DATABASE = "tracestore"

#: ClickHouse error codes that say the statement or its data are wrong, so that the same request
#: will fail again: parsing and type errors, limits of one block, access. All others are retryable,
#: because refusing good spans for ever is worse than trying once more.
PERMANENT_CODES = frozenset(
    {6, 16, 20, 26, 27, 33, 36, 38, 41, 42, 43, 44, 46, 47, 50, 53, 57, 60, 62, 69, 70, 72, 81, 117, 164, 321, 457, 497}
)
#: NOT_ENOUGH_SPACE. Retryable: somebody will make room.
DISK_FULL = 243
_CODE = re.compile(r"(?:Code: |error code )(\d+)")

#: ClickHouse's type for each Arrow type of a table that travels with a statement.
_TYPES = {pa.string(): "String", pa.timestamp("ns", "UTC"): "DateTime64(9, 'UTC')"}

_local_lock = threading.Lock()
_shared: Client | None = None


def connect(*, send_receive_timeout: float = 30.0, pool_size: int = 16) -> Client:
    """A client with full rights on the database. Safe to share among threads (it has no session).

    Raises:
        Unavailable: the server does not answer, or refuses the login.
    """
    environment = settings.ENVIRONMENT
    if environment.clickhouse_url is None:
        host, port, secure = "127.0.0.1", environment.clickhouse_port, False
        user, password = "tracestore", settings.SECRETS.engine_password
    else:
        parsed = urlsplit(environment.clickhouse_url)
        secure = parsed.scheme == "https"
        host, port = parsed.hostname or "localhost", parsed.port or (8443 if secure else 8123)
        user, password = unquote(parsed.username or "default"), unquote(parsed.password or "")
    try:
        return clickhouse_connect.get_client(
            host=host,
            port=port,
            secure=secure,
            username=user,
            password=password,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=send_receive_timeout,
            # Loopback gains nothing from compression, and it costs more than the insert itself.
            compress=environment.clickhouse_url is not None,
            query_retries=1,
            pool_mgr=get_pool_manager(maxsize=pool_size, num_pools=4),
            settings={
                "async_insert": 0,  # we batch ourselves, and want the answer of this very insert
                # A span and its duplicates share a partition (the key holds the start time).
                "do_not_merge_across_partitions_select_final": 1,
            },
        )
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def shared() -> Client:
    """The process's client, connected at first use."""
    global _shared
    with _local_lock:
        if _shared is None:
            _shared = connect()
            _shared.database = DATABASE
        return _shared


def create_database() -> None:
    """Makes the database if it is not there. On a connection of its own: the shared one is in it."""
    own = connect()
    try:
        own.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
    finally:
        own.close()


def translate(error: Exception) -> TracestoreError:
    """The error of our closed set that a driver's error means. The detail stays in the log."""
    found = _CODE.search(str(error))
    code = int(found[1]) if found else 0
    if code in PERMANENT_CODES:
        return InvalidInput(f"The store refused the statement or its data (ClickHouse error {code}).")
    if code == DISK_FULL:
        return Unavailable("The store's disk is full. Try again when there is room.")
    return Unavailable("The store does not answer. Try again shortly.")


def ping() -> None:
    """Returns when the store answers.

    Raises:
        Unavailable: it does not.
    """
    run("SELECT 1")


#: Tables that travel with a statement and end with it: name → rows.
Tables: TypeAlias = "dict[str, pa.Table]"


def run(
    query: str,
    parameters: dict[str, Any] | None = None,
    query_settings: dict[str, Any] | None = None,
    tables: Tables | None = None,
) -> Any:
    """Runs a statement on the shared client and returns the driver's result.

    Values are bound by the server (`{name:Type}`), never put into the text. `tables` can be read by
    the statement under their names.

    Raises:
        Unavailable, InvalidInput: as `translate` says.
    """
    try:
        return shared().query(query, parameters=parameters, settings=query_settings, external_data=_external(tables))
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def command(query: str, parameters: dict[str, Any] | None = None) -> Any:
    """Runs a statement that answers with nothing or one value."""
    try:
        return shared().command(query, parameters=parameters)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def query_arrow(query: str, parameters: dict[str, Any] | None = None, tables: Tables | None = None) -> Any:
    """Runs a query and returns a pyarrow Table."""
    try:
        return shared().query_arrow(query, parameters=parameters, use_strings=True, external_data=_external(tables))
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def stream(query: str, parameters: dict[str, Any], fmt: str, query_settings: dict[str, Any]) -> Any:
    """Runs a query and returns its answer as an open stream of bytes in the format `fmt`.

    Close it; an answer that is left open keeps its connection and, in the end, its query.
    """
    try:
        return shared().raw_stream(query, parameters=parameters, settings=query_settings, fmt=fmt)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def chunks(answer: Any, size: int) -> Iterator[bytes]:
    """The bytes of a stream, at most `size` at a time.

    Raises:
        Unavailable: the connection broke.
    """
    try:
        while chunk := answer.read(size):
            yield chunk
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def insert_arrow(table: str, body: bytes | memoryview, column_names: list[str]) -> None:
    """Inserts an Arrow stream; returns when the store has accepted all of it."""
    try:
        shared().raw_insert(table, column_names, insert_block=bytes(body), fmt="ArrowStream")
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def _external(tables: Tables | None) -> ExternalData | None:
    if not tables:
        return None
    external = ExternalData()
    for name, table in tables.items():
        external.add_file(
            file_name=name, data=_stream(table), fmt="ArrowStream",
            structure=[f"{field.name} {_TYPES[field.type]}" for field in table.schema],
        )  # fmt: skip
    return external


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def reset() -> None:
    """Forgets the shared client, so that the next use connects anew (after a restart, in tests)."""
    global _shared
    with _local_lock:
        if _shared is not None:
            _shared.close()
        _shared = None
