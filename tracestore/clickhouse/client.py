"""The connection to ClickHouse, embedded or served: the same HTTP interface, one client library."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from django.conf import settings
from urllib3.exceptions import HTTPError

from tracestore.clickhouse import charging
from tracestore.clickhouse.cluster import adapting, statements
from tracestore.clickhouse.cluster.statements import Form
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
#: TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED: of a question that was too large.
TOO_MUCH = frozenset({159, 241})
_CODE = re.compile(r"(?:Code: |error code )(\d+)")

#: ClickHouse's type for each Arrow type of a table that travels with a statement.
_TYPES = {pa.string(): "String", pa.uint64(): "UInt64", pa.timestamp("ns", "UTC"): "DateTime64(9, 'UTC')"}

#: What one question may take. Beyond the time nobody waits for its answer any more (`connect`), so it must not go on.
READ_LIMITS = {"max_execution_time": 30, "max_memory_usage": 2_000_000_000}
_READ = re.compile(r"\s*(?:--[^\n]*\n\s*)*\(*\s*(?:SELECT|WITH)\b", re.IGNORECASE)

_local_lock = threading.Lock()
_shared: Client | None = None


def connect(*, send_receive_timeout: float = 30.0, pool_size: int = 16, url: str | None = None) -> Client:
    """A client with full rights on the database. Safe to share among threads (it has no session).

    `url` is another server than this installation's, as `TRACESTORE_CLICKHOUSE_URL` would name it.

    Raises:
        Unavailable: the server does not answer, or refuses the login.
    """
    environment = settings.ENVIRONMENT
    url = url or environment.clickhouse_url
    if url is None:
        host, port, secure = "127.0.0.1", environment.clickhouse_port, False
        user, password = "tracestore", settings.SECRETS.engine_password
    else:
        parsed = urlsplit(url)
        secure = parsed.scheme == "https"
        host, port = parsed.hostname or "localhost", parsed.port or (8443 if secure else 8123)
        user, password = unquote(parsed.username or "default"), unquote(parsed.password or "")
    try:
        client = clickhouse_connect.get_client(
            host=host,
            port=port,
            secure=secure,
            username=user,
            password=password,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=send_receive_timeout,
            # Loopback gains nothing from compression, and it costs more than the insert itself.
            compress=url is not None,
            query_retries=1,
            pool_mgr=charging.counting_pool(maxsize=pool_size, num_pools=4),
            settings={
                "async_insert": 0,  # we batch ourselves, and want the answer of this very insert
                # Our statements are short: compiling parts of them costs more than it saves (a quarter of settling).
                "compile_expressions": 0,
                "compile_aggregate_expressions": 0,
                "compile_sort_description": 0,
                # A span and its duplicates share a partition (the key holds the start time).
                "do_not_merge_across_partitions_select_final": 1,
                **(adapting.settings(form) if (form := cluster_form()) else {}),
            },
        )
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
    # Native as it always was. A later revision adds nothing that our columns have (DateTime64 keeps its zone), and the
    # embedded engine then writes blocks one by one, in Python, and cannot say exactly what was read for them.
    client.protocol_version = 0
    return client


def cluster_form() -> Form | None:
    """How the store is spread over machines (`TRACESTORE_CLICKHOUSE_CLUSTER`); None on one machine."""
    environment = settings.ENVIRONMENT
    # The embedded engine has no Keeper; only tests give it a cluster.
    return Form(environment.clickhouse_cluster, not environment.embedded) if environment.clickhouse_cluster else None


def adapted(query: str, parameters: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    form = cluster_form()
    return (query, parameters) if form is None else adapting.adapted(query, parameters, form)


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
        form = cluster_form()
        for statement in statements.databases(form) if form else [f"CREATE DATABASE IF NOT EXISTS {DATABASE}"]:
            own.command(statement)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
    finally:
        own.close()


def translate(error: Exception) -> TracestoreError:
    """The error of our closed set that a driver's error means. The detail stays in the log."""
    code = code_of(error)
    if code in PERMANENT_CODES:
        return InvalidInput(f"The store refused the statement or its data (ClickHouse error {code}).")
    if code == DISK_FULL:
        return Unavailable("The store's disk is full. Try again when there is room.")
    if code in TOO_MUCH:
        return Unavailable("This takes the store too long or too much memory. Ask for a shorter time, or try again.")
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
        Overloaded: whoever pays (`charging`) may not ask now.
    """
    query, parameters = adapted(query, parameters)
    with _asking():
        return shared().query(
            query, parameters=parameters, settings=limited(query, query_settings), external_data=_external(tables)
        )


def limited(query: str, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    """The settings of a statement: a question gets READ_LIMITS, unless it says otherwise."""
    if not _READ.match(query):
        return wanted
    told = charging.TOLD_AT_THE_END if charging.current() is not None else {}
    return READ_LIMITS | told | (wanted or {})


@contextmanager
def _asking() -> Iterator[None]:
    """A question: on somebody's account, and with errors of our own."""
    charging.admit()
    began = time.monotonic()
    try:
        yield
    except (ClickHouseError, HTTPError, OSError) as error:
        charge_failed(error, began)
        raise translate(error) from error


def charge_failed(error: Exception, began: float) -> None:
    """A question that was ended, or whose answer did not come, has read too; nobody says how much."""
    if code_of(error) in TOO_MUCH | {0}:
        charging.charge(int((time.monotonic() - began) * charging.UNTOLD_BYTES_PER_SECOND))


def code_of(error: Exception) -> int:
    """ClickHouse's number of an error, 0 when it is none of ClickHouse's."""
    found = _CODE.search(str(error))
    return int(found[1]) if found else 0


def command(query: str, parameters: dict[str, Any] | None = None) -> Any:
    """Runs a statement that answers with nothing or one value."""
    query, parameters = adapted(query, parameters)
    try:
        return shared().command(query, parameters=parameters)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error


def query_arrow(query: str, parameters: dict[str, Any] | None = None, tables: Tables | None = None) -> Any:
    """Runs a query and returns a pyarrow Table."""
    with _asking():
        return shared().query_arrow(
            query, parameters=parameters, settings=limited(query, None), use_strings=True,
            external_data=_external(tables),
        )  # fmt: skip


def stream(query: str, parameters: dict[str, Any], fmt: str, query_settings: dict[str, Any]) -> Any:
    """Runs a query and returns its answer as an open stream of bytes in the format `fmt`.

    Close it; an answer that is left open keeps its connection and, in the end, its query.
    """
    with _asking():
        return shared().raw_stream(query, parameters=parameters, settings=query_settings, fmt=fmt)


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
