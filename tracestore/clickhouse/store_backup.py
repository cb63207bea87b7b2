"""ClickHouse's own BACKUP and RESTORE, the same in the engine and on a server.

The copy is one tar file in the `backups` folder of ClickHouse's data, where `File('NAME')` means both in the
embedded engine (`tracestore/engine/settings.py`) and in a server as it is shipped. Of each table it holds one
moment: all that was acknowledged before the copy began, and of what came meanwhile, perhaps, a part.
"""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from tracestore.clickhouse import client, migrations, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.errors import InvalidInput, Unavailable

_NAME: Final = re.compile(r"[a-z0-9-]{1,80}\.tar\Z")
#: A part's number of rows, as ClickHouse writes it beside the columns.
_ROWS: Final = re.compile(r"(?:shards/\d+/replicas/\d+/)?data/tracestore/([^/]+)/[^/]+/count\.txt\Z")
#: A copy takes as long as its disk does.
_PATIENCE_S: Final = 24 * 3600.0


def copy(name: str) -> None:
    """Has ClickHouse write `backups/NAME`; returns when it is whole.

    Raises:
        Unavailable: it does not answer, or refused; the message says why.
    """
    # Each part keeps its own count.txt: files that are alike would be stored once.
    _run(f"BACKUP DATABASE {DATABASE} TO File('{_checked(name)}') SETTINGS deduplicate_files = 0")


def put_back(name: str) -> dict[str, int]:
    """Makes the tables and their rows from `backups/NAME`; returns the rows of each table, before any merge.

    Raises:
        InvalidInput: the database has tables already.
        Unavailable: as above.
    """
    if migrations.applied():
        raise InvalidInput("The database is not empty: a backup is put back into an empty one only.")
    own = client.connect(send_receive_timeout=_PATIENCE_S)
    try:
        own.command(f"DROP DATABASE IF EXISTS {DATABASE} SYNC")  # made by the question above, and empty
        # The tables first, so that no merge takes duplicates away before they are counted.
        own.command(f"RESTORE DATABASE {DATABASE} FROM File('{_checked(name)}') SETTINGS structure_only = 1")
        tables = _tables(own)
        for table in tables:
            own.command(f"SYSTEM STOP MERGES {DATABASE}.`{table}`")
        own.command(f"RESTORE DATABASE {DATABASE} FROM File('{name}') SETTINGS allow_non_empty_tables = 1")
        rows = {table: _rows(own, table) for table in tables}
        for table in tables:
            own.command(f"SYSTEM START MERGES {DATABASE}.`{table}`")
    except (ClickHouseError, HTTPError, OSError) as error:
        raise _told(error) from error
    finally:
        own.close()
    return rows


def reopen(since_ns: int) -> None:
    """Has the worker settle anew what was written from `since_ns` on, which the copy may hold in part."""
    client.run(queries.load("restored_activity"), {"since": since_ns})


def rows_in(path: Path) -> dict[str, int]:
    """Rows of each table in a copy, by what the parts in it say of themselves."""
    rows: dict[str, int] = defaultdict(int)
    with tarfile.open(path) as archive:
        for member in archive:
            found = _ROWS.match(member.name)
            if found and (file := archive.extractfile(member)):
                rows[found[1]] += int(file.read())
    return dict(sorted(rows.items()))


def _tables(own: Client) -> list[str]:
    found = own.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree' ORDER BY name",
        parameters={"database": DATABASE},
    )
    return [row[0] for row in found.result_rows]


def _rows(own: Client, table: str) -> int:
    found = own.query(
        "SELECT sum(rows) FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}",
        parameters={"database": DATABASE, "table": table},
    )
    return int(found.result_rows[0][0])


def _run(statement: str) -> None:
    own = client.connect(send_receive_timeout=_PATIENCE_S)
    try:
        own.command(statement)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise _told(error) from error
    finally:
        own.close()


def _told(error: Exception) -> Unavailable:
    """An operator at the shell may read what ClickHouse says."""
    return Unavailable(f"ClickHouse could not do it: {str(error).partition('(for url')[0].strip()[:600]}")


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidInput(f"{name!r} is no name of a copy: expected small letters, digits and -, then .tar.")
    return name
