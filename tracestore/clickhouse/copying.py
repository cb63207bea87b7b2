"""Copies tables from one ClickHouse to another, partition by partition, and compares the two.

What is copied of a table that replaces rows is what its readers see (`FINAL`): copies that a merge would
take away are not carried along, so both sides can be compared whatever was merged in between.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from tracestore.clickhouse import client
from tracestore.clickhouse.client import DATABASE
from tracestore.errors import InvalidInput, Unavailable

#: A partition takes as long as its disk and the network do.
_PATIENCE_S: Final = 24 * 3600.0
#: Bytes on the way at once.
_CHUNK: Final = 1 << 20
#: The ledger is written by the migrations of the target itself.
_NOT_COPIED: Final = ("schema_migrations",)
_PARTITION: Final = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
#: Of both questions: whole partitions may be read. Blocks of a megabyte or so, however long the rows are.
_READING: Final = {
    "max_execution_time": 0,
    "max_memory_usage": 0,
    "max_block_size": 8192,
    "do_not_merge_across_partitions_select_final": 1,
}


class Content(NamedTuple):
    """Of a partition: its rows, and a number that is another one if any value in them is."""

    rows: int
    digest: int


@dataclass(frozen=True, slots=True)
class Table:
    """`replaces`: whether rows of one key replace each other. `columns`: name → type, in order."""

    name: str
    replaces: bool
    columns: dict[str, str]

    @property
    def address(self) -> str:
        return f"{DATABASE}.`{self.name}`" + (" FINAL" if self.replaces else "")

    @property
    def names(self) -> str:
        return ", ".join(f"`{name}`" for name in self.columns)

    @property
    def hashed(self) -> str:
        """A hash of a row. NULL would make the whole hash NULL, and the sum would leave it out."""
        parts = (
            f"ifNull(toString(`{name}`), 'NULL'), isNull(`{name}`)" if kind.startswith("Nullable(") else f"`{name}`"
            for name, kind in self.columns.items()
        )
        return f"cityHash64({', '.join(parts)})"


class Store:
    """One of the two sides."""

    def __init__(self, connected: Client) -> None:
        self._client = connected

    def close(self) -> None:
        self._client.close()

    def tables(self) -> list[Table]:
        """Those that hold data."""
        rows = self._rows(
            "SELECT t.name, t.engine, c.name, c.type FROM system.tables AS t INNER JOIN system.columns AS c"
            " ON c.database = t.database AND c.table = t.name"
            " WHERE t.database = {database:String} AND t.engine LIKE '%MergeTree'"
            " AND c.default_kind NOT IN ('ALIAS', 'MATERIALIZED', 'EPHEMERAL') ORDER BY t.name, c.position",
            {"database": DATABASE},
        )
        found: dict[str, Table] = {}
        for name, engine, column, kind in rows:
            if name not in _NOT_COPIED:
                found.setdefault(name, Table(name, "Replacing" in engine, {})).columns[column] = kind
        return list(found.values())

    def partitions(self, table: Table) -> dict[str, Content]:
        """Partition id → what it holds."""
        # Names only, and ClickHouse's own.
        rows = self._rows(
            f"SELECT _partition_id, count(), sum({table.hashed}) FROM {table.address} GROUP BY 1 ORDER BY 1",  # noqa: S608
            {},
        )
        return {partition: Content(int(rows), int(digest)) for partition, rows, digest in rows}

    def stored(self) -> dict[str, tuple[int, int]]:
        """Table → rows and bytes on the disk, of those that hold any. Costs nothing."""
        rows = self._rows(
            "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts"
            " WHERE active AND database = {database:String} GROUP BY table ORDER BY table",
            {"database": DATABASE},
        )
        return {table: (int(count), int(size)) for table, count, size in rows if table not in _NOT_COPIED}

    def command(self, statement: str) -> None:
        try:
            self._client.command(statement)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _told(error) from error

    def _rows(self, statement: str, parameters: dict[str, Any]) -> Any:
        try:
            return self._client.query(statement, parameters=parameters, settings=_READING).result_rows
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _told(error) from error

    def read(self, table: Table, partition: str) -> Generator[bytes, None, None]:
        """The rows of a partition in ClickHouse's own format, some at a time."""
        statement = f"SELECT {table.names} FROM {table.address} WHERE _partition_id = {{partition:String}}"  # noqa: S608
        parameters = {"partition": partition}
        answer: Any = self._client.raw_stream(statement, parameters=parameters, settings=_READING, fmt="Native")
        with closing(answer):
            while chunk := answer.read(_CHUNK):
                yield chunk

    def write(self, table: Table, rows: Generator[bytes, None, None]) -> None:
        self._client.raw_insert(f"{DATABASE}.`{table.name}`", list(table.columns), insert_block=rows, fmt="Native")

    # --- the mark of a move that is under way, on the target ---

    def mark(self) -> str | None:
        """Who moves into this store; None if nobody does."""
        rows = self._rows(
            "SELECT comment FROM system.tables WHERE database = {database:String} AND name = 'moving'",
            {"database": DATABASE},
        )
        return str(rows[0][0]) if rows else None

    def set_mark(self, source: str) -> None:
        """`source`: letters and digits."""
        if not source.isalnum():
            raise InvalidInput(f"{source!r} is no mark.")
        self.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.command(f"CREATE TABLE IF NOT EXISTS {DATABASE}.moving (at DateTime) ENGINE = Memory COMMENT '{source}'")

    def take_mark_away(self) -> None:
        self.command(f"DROP TABLE IF EXISTS {DATABASE}.moving")


def store(url: str | None = None) -> Store:
    """This installation's store, or that of another address.

    Raises:
        Unavailable: it does not answer, or refuses the login.
    """
    return Store(client.connect(send_receive_timeout=_PATIENCE_S, url=url))


def copy(source: Store, target: Store, table: Table, partition: str) -> None:
    """Makes a partition of the target what it is at the source; what it held before is dropped.

    Raises:
        Unavailable: one of the two does not answer, or refused; the partition may be there in part.
    """
    if not _PARTITION.match(partition):
        raise InvalidInput(f"{partition!r} is no id of a partition.")
    target.command(f"ALTER TABLE {DATABASE}.`{table.name}` DROP PARTITION ID '{partition}'")
    try:
        target.write(table, source.read(table, partition))
    except (ClickHouseError, HTTPError, OSError) as error:
        raise _told(error) from error


@contextmanager
def without_expiry(*stores: Store) -> Iterator[None]:
    """For so long, no rows go because their time is over: they would go at one side first."""
    _expiry("STOP", stores)
    try:
        yield
    finally:
        _expiry("START", stores)


def _expiry(word: str, stores: tuple[Store, ...]) -> None:
    for one in stores:
        for table in one.tables():
            one.command(f"SYSTEM {word} TTL MERGES {DATABASE}.`{table.name}`")


def _told(error: Exception) -> Unavailable:
    """An operator at the shell may read what ClickHouse says."""
    return Unavailable(f"ClickHouse could not do it: {str(error).partition('(for url')[0].strip()[:600]}")
