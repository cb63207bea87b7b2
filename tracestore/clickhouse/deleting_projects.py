"""Deletes all rows of a project, and counts what is left. Idempotent, as `deleting`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.deleting import TABLES as OF_TRACES
from tracestore.clickhouse.deleting import wait

#: Every table with the column `project`; a test compares it with the schema.
TABLES: Final = (*OF_TRACES, "stored_dismissals")
_ALL: Final = "1"


def count(project: str, table: str) -> int:
    """Rows of the project in a table, old versions among them.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {"project": project, "table": table}
    return int(client.run(queries.load("deletion_count", _ALL), asked).result_rows[0][0])


def counts(project: str) -> dict[str, int]:
    return {table: count(project, table) for table in TABLES}


def delete(project: str, table: str, tell: Callable[[], None]) -> None:
    """Deletes them; `tell` is called again and again while the engine works.

    Raises:
        Unavailable: the store does not answer, or could not; the same may be done again.
    """
    if count(project, table):
        asked = {"project": project, "table": table}
        client.run(queries.load("deletion_rows", _ALL), asked, {"mutations_sync": 0})
        wait(table, tell)
