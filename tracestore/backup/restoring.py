"""Puts a backup back into an installation that holds nothing yet. A restore that fails leaves it so."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User

from tracestore import secrets
from tracestore.backup import engine, manifest, metadata
from tracestore.backup.manifest import Manifest
from tracestore.backup.taking import STORE
from tracestore.clickhouse import store_backup
from tracestore.errors import InvalidInput
from tracestore.models import Project

#: What was under way before the copy began may be in one table and not yet in another.
OVERLAP_NS: Final = 60 * 10**9


def restore(source: Path, say: Callable[[str], None]) -> Manifest:
    """Puts everything back and compares the numbers of rows, projects and users.

    Raises:
        InvalidInput: the backup is damaged or newer than this version; there are data already; numbers differ.
        Unavailable: the store does not answer, or another `up` runs.
    """
    environment = settings.ENVIRONMENT
    if environment.embedded:
        _must_be_empty(environment.data_dir)
    with opened(source) as folder:
        found = manifest.read(folder)
        say("the backup is whole")
        if environment.embedded != (not found.store):
            raise InvalidInput(
                "The backup is of a ClickHouse server: set TRACESTORE_CLICKHOUSE_URL."
                if found.store
                else "The backup is of the embedded engine: unset TRACESTORE_CLICKHOUSE_URL."
            )
        if not environment.embedded:
            _store(found, found.store, say)
            _metadata(folder, found, say)
            return found
        try:
            with engine.alone():
                backups = environment.data_dir / "clickhouse" / "backups"
                backups.mkdir(exist_ok=True)
                try:
                    shutil.copyfile(folder / STORE, backups / "restore.tar")
                    _store(found, "restore.tar", say)
                finally:
                    (backups / "restore.tar").unlink(missing_ok=True)
            _metadata(folder, found, say)
        except BaseException:
            # It was empty before, and half a restore is worse than none.
            shutil.rmtree(environment.data_dir / "clickhouse", ignore_errors=True)
            for name in _metadata_files():
                with suppress(OSError):
                    (environment.data_dir / name).unlink()
            raise
    return found


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """The folder of a backup; of a packed one, unpacked into the data directory for so long."""
    if not source.is_file():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix=".restore.", dir=settings.DATA_DIR) as made:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(made, filter="data")
        except tarfile.TarError as error:
            raise InvalidInput(f"{source} is no backup: it cannot be unpacked.") from error
        yield Path(made)


def _must_be_empty(data_dir: Path) -> None:
    holds = [name for name in ("clickhouse", *_metadata_files()) if (data_dir / name).exists()]
    if holds:
        raise InvalidInput(
            f"{data_dir} is not empty ({', '.join(holds)}): stop what runs there and set TRACESTORE_DATA_DIR to a new"
            " directory, or move the old one away."
        )


def _metadata_files() -> list[str]:
    name = Path(str(settings.DATABASES["default"]["NAME"])).name
    return [name, f"{name}-wal", f"{name}-shm"]


def _store(found: Manifest, name: str, say: Callable[[str], None]) -> None:
    rows = store_backup.put_back(name)
    for table, wanted in found.rows.items():
        if rows.get(table) != wanted:
            raise InvalidInput(f"Table {table} has {rows.get(table)} rows after the restore, the backup {wanted}.")
    store_backup.reopen(found.began_ns - OVERLAP_NS)
    compared = " as in the backup" if found.rows else ""
    say(f"store: {sum(rows.values()):,} rows in {len(rows)} tables{compared}")


def _metadata(folder: Path, found: Manifest, say: Callable[[str], None]) -> None:
    metadata.put_back(folder / found.metadata, Path(str(settings.DATABASES["default"]["NAME"])))
    projects, users = Project.every.count(), User.objects.count()
    if (projects, users) != (found.projects, found.users):
        raise InvalidInput(
            f"{projects} projects and {users} users after the restore, not {found.projects} and {found.users}."
        )
    file = settings.DATA_DIR / secrets.FILE
    fresh = file.with_name(f".{secrets.FILE}.restored")
    shutil.copyfile(folder / secrets.FILE, fresh)
    os.chmod(fresh, 0o600)
    os.replace(fresh, file)
    say(f"metadata: {projects} projects and {users} users as in the backup")
