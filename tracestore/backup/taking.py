"""Takes a backup: metadata first, so that what they remember of the store is never newer than the copy of it."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tracestore import secrets
from tracestore.backup import engine, manifest, metadata
from tracestore.backup.manifest import Manifest
from tracestore.clickhouse import client, migrations, queries, store_backup
from tracestore.doctor.machine import running_pid
from tracestore.errors import InvalidInput

STORE: Final = "clickhouse.tar"


def take(target: Path, say: Callable[[str], None]) -> Manifest:
    """Makes `target`, a folder, or one file if its name ends in .tar. It appears when it is whole.

    Raises:
        InvalidInput: there is something at `target`.
        Unavailable: the store does not answer or cannot be copied.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidInput(f"{target} exists: expected a new name, or an empty folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    environment = settings.ENVIRONMENT
    alone = environment.embedded and running_pid(environment.data_dir) is None
    # Beside the target, so that it can be renamed at the end; readable by the owner only, as it holds secrets.
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
        folder = Path(made) / "backup"
        folder.mkdir(mode=0o700)
        with engine.alone() if alone else nullcontext():
            found = _fill(folder, say)
        if target.suffix == ".tar":
            packed = Path(made) / "backup.tar"
            descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as archive:
                    for one in sorted(folder.iterdir(), key=lambda path: path.name != manifest.FILE):
                        archive.add(one, one.name)
                file.flush()
                os.fsync(file.fileno())
            os.replace(packed, target)
        else:
            os.replace(folder, target)
    return found


def _fill(folder: Path, say: Callable[[str], None]) -> Manifest:
    environment = settings.ENVIRONMENT
    began_ns = time.time_ns()
    schema = sorted(migrations.applied())
    copied = metadata.copy(folder)
    say(f"metadata: {(folder / copied.name).stat().st_size / 1e6:,.1f} MB")
    shutil.copyfile(environment.data_dir / secrets.FILE, folder / secrets.FILE)
    os.chmod(folder / secrets.FILE, 0o600)
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.tar"
    made = environment.data_dir / "clickhouse" / "backups" / name
    rows: dict[str, int] = {}
    try:
        store_backup.copy(name)
        if environment.embedded:
            shutil.move(made, folder / STORE)
    finally:
        if environment.embedded:
            made.unlink(missing_ok=True)
    if environment.embedded:
        os.chmod(folder / STORE, 0o600)
        rows = store_backup.rows_in(folder / STORE)
        say(f"store: {(folder / STORE).stat().st_size / 1e6:,.1f} MB, {sum(rows.values()):,} rows")
    else:
        say(f"store: backups/{name} on the ClickHouse server")
    found = Manifest(
        format=manifest.FORMAT,
        version=version("tracestore"),
        began_ns=began_ns,
        clickhouse_version=client.run(queries.load("doctor_store")).result_rows[0][0],
        clickhouse_migrations=schema,
        metadata_migrations=sorted(f"{app}.{one}" for app, one in MigrationRecorder(connection).applied_migrations()),
        metadata=copied.name,
        store="" if environment.embedded else name,
        rows=rows,
        projects=copied.projects,
        users=copied.users,
        key_fingerprint=manifest.fingerprint(settings.SECRET_KEY),
        sha256={path.name: manifest.digest(path) for path in sorted(folder.iterdir())},
    )
    manifest.write(folder, found)
    return found
