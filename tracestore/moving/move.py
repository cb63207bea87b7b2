"""Moves an embedded installation to servers: store first, then metadata; compared, and safe to cut off at any point.

While it runs, nothing else may run on the data directory (the lock of `manage.py up` is held), so that what is
copied is all there is. The target is marked while a move into it is under way. `--resume` goes on only where the mark
is this installation's, and copies again only the partitions that are not the same on both sides.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tracestore.backup import engine, manifest
from tracestore.clickhouse import copying, migrations
from tracestore.clickhouse.copying import Store
from tracestore.errors import InvalidInput
from tracestore.moving import metadata_rows
from tracestore.moving.metadata_rows import Rows, Target

Say = Callable[[str], None]
#: Holds the metadata for so long, readable by the owner only.
_FOLDER: Final = ".move."


@dataclass(frozen=True, slots=True)
class Move:
    """`database_url`: None leaves the metadata where they are."""

    clickhouse_url: str
    database_url: str | None
    resume: bool = False
    dry_run: bool = False

    def run(self, say: Say) -> None:
        """
        Raises:
            InvalidInput: the target is not empty, is the source, or is not the same afterwards; nothing to resume.
            Unavailable: one of the two does not answer, or `manage.py up` runs.
        """
        self._check()
        with engine.alone(), closing(copying.store()) as source, closing(copying.store(self.clickhouse_url)) as target:
            executor = MigrationExecutor(connection)
            if migrations.pending() or executor.migration_plan(executor.loader.graph.leaf_nodes()):
                raise InvalidInput("This installation is of an older version: start it once (manage.py up), then move.")
            self._may_begin(target)
            if self.dry_run:
                _tell_plan(source, say)
                return
            for left in settings.DATA_DIR.glob(f"{_FOLDER}*"):  # by a move that was killed; nobody else is here
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=settings.DATA_DIR) as made:
                other = Target(self.clickhouse_url, self.database_url, Path(made))
                file, here = metadata_rows.of_this_installation(Path(made))
                there = other.prepare()
                self._metadata_may_be_moved(here, there)
                target.set_mark(_identity())
                with copying.without_expiry(source, target):
                    _store(source, target, say)
                if self.database_url is not None:
                    _metadata(here, there if metadata_rows.used(there) else other.load(file), say)
            target.take_mark_away()

    def _check(self) -> None:
        if not settings.ENVIRONMENT.embedded:
            raise InvalidInput(
                "This installation has a ClickHouse server already (TRACESTORE_CLICKHOUSE_URL): only one that runs"
                " its own engine can be moved."
            )
        for url, name, schemes in (
            (self.clickhouse_url, "--to-clickhouse", ("http", "https")),
            (self.database_url, "--to-database", ("postgres", "postgresql")),
        ):
            if url is not None and urlsplit(url).scheme not in schemes:
                raise InvalidInput(
                    f"{name}: expected a URL that begins with {' or '.join(f'{s}://' for s in schemes)}."
                )

    def _may_begin(self, target: Store) -> None:
        mark = target.mark()
        if mark is not None and mark != _identity():
            raise InvalidInput("Another installation is being moved into this server.")
        if self.resume:
            if mark is None:
                raise InvalidInput("There is no move to go on with at this server: leave --resume out.")
            return
        if mark is not None:
            raise InvalidInput("A move of this installation was cut off there: go on with it by --resume.")
        if held := target.stored():
            names = ", ".join(list(held)[:3])
            raise InvalidInput(f"The server is not empty ({names}): expected one that holds no data of Tracestore.")

    def _metadata_may_be_moved(self, here: Rows, there: Rows) -> None:
        """Before anything is copied, because that may take hours."""
        if self.database_url is None or not metadata_rows.used(there):
            return
        if not self.resume or metadata_rows.differences(here, there):
            raise InvalidInput("The metadata database is not empty: expected one that nobody has used.")


def _identity() -> str:
    """Tells this installation from others, and nothing else."""
    return manifest.fingerprint(settings.SECRET_KEY)


def _tell_plan(source: Store, say: Say) -> None:
    for table, (rows, size) in source.stored().items():
        say(f"{table}: {rows:,} rows, {size / 1e6:,.1f} MB")
    say("Nothing was moved.")


def _store(source: Store, target: Store, say: Say) -> None:
    for table in source.tables():
        here, there = source.partitions(table), target.partitions(table)
        if strange := there.keys() - here.keys():
            raise InvalidInput(f"Table {table.name} of the server holds other data ({sorted(strange)[0]}).")
        copied = 0
        for partition, content in here.items():
            if there.get(partition) == content:
                continue
            copying.copy(source, target, table, partition)
            copied += 1
            if len(here) > 1:
                say(f"{table.name} {partition}: {content.rows:,} rows copied")
        if copied:
            there = target.partitions(table)
        for partition, content in here.items():
            if there.get(partition) != content:
                found = there.get(partition)
                raise InvalidInput(
                    f"Table {table.name}, partition {partition}: {content.rows} rows here,"
                    f" {found.rows if found else 0} rows or other ones at the server. Run it again with --resume."
                )
        say(f"{table.name}: {sum(content.rows for content in here.values()):,} rows, the same at the server")


def _metadata(here: Rows, there: Rows, say: Say) -> None:
    if different := metadata_rows.differences(here, there):
        raise InvalidInput(f"The metadata are not the same afterwards: {', '.join(different)[:400]}.")
    say(f"metadata: {sum(map(len, here.values())):,} rows of {len(here)} kinds, the same in the new database")
