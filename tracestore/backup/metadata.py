"""The metadata database as one file: SQLite by its own online backup, others row by row as JSON."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction

from tracestore.errors import InvalidInput
from tracestore.models import Project

SQLITE: Final = "metadata.sqlite3"
ROWS: Final = "metadata.json.gz"
#: What `migrate` makes by itself, and what must not outlive a restore.
_LEFT_OUT: Final = (
    "contenttypes", "auth.permission", "sessions", "usersessions",
    "tracestore.lease", "tracestore.loginlink", "tracestore.loginfailure",
)  # fmt: skip


class Copied(NamedTuple):
    """The file's name, and how many projects and users are in it."""

    name: str
    projects: int
    users: int


def copy(folder: Path) -> Copied:
    """Writes a copy of one moment into `folder`."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with sqlite3.connect(folder / SQLITE) as target:
            connection.connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
            (projects,) = target.execute("SELECT count(*) FROM tracestore_project").fetchone()
            (users,) = target.execute("SELECT count(*) FROM auth_user").fetchone()
        target.close()
        return Copied(SQLITE, projects, users)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        dump(folder / ROWS)
        return Copied(ROWS, Project.every.count(), User.objects.count())


def dump(path: Path) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        call_command("dumpdata", exclude=_LEFT_OUT, format="json", stdout=file, verbosity=0)


def put_back(path: Path, sqlite_file: Path) -> None:
    """Puts the metadata of a backup into the database of this installation, which must be empty.

    Raises:
        InvalidInput: there are projects already, or the copy is of a kind that this database cannot take.
    """
    if path.name == SQLITE:
        if connection.vendor != "sqlite":
            raise InvalidInput("The backup holds an SQLite database, and TRACESTORE_DATABASE_URL names another kind.")
        connection.close()
        sqlite_file.write_bytes(path.read_bytes())
        return
    call_command("migrate", interactive=False, verbosity=0)
    if Project.every.exists():
        raise InvalidInput("The metadata database is not empty: a backup is put back into an empty one only.")
    call_command("loaddata", str(path), verbosity=0)
