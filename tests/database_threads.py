"""Threads that work on one metadata database at once, each with a connection of its own: on SQLite and PostgreSQL.

A test takes the fixture `database` (a copy of the SQLite test database) or `each_database` (that, and a PostgreSQL).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import DjangoDbBlocker

from tracestore.models import Lease, Organisation, Project, ProjectDeletion
from tracestore.settings import BASE_DIR
from tracestore.settings import database as parsed

PATIENCE_SECONDS = 120.0


class Threads:
    """A database, and threads that all work on it under Django's ordinary name."""

    def connect(self) -> BaseDatabaseWrapper:
        """A connection of the calling thread alone."""
        raise NotImplementedError

    def run(self, *works: Callable[[], None]) -> list[BaseException]:
        """Runs these at once, each in a thread of its own. Returns what they raised."""
        failed: list[BaseException] = []
        barrier = threading.Barrier(len(works))

        def work(one: Callable[[], None]) -> None:
            own = self.connect()
            try:
                barrier.wait(PATIENCE_SECONDS)
                one()
            except BaseException as error:
                failed.append(error)
            finally:
                own.close()

        threads = [threading.Thread(target=work, args=(one,)) for one in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in threads), "threads wait for each other"
        return failed

    def one(self, work: Callable[[], None]) -> None:
        """Runs one, and raises what it raises."""
        for error in self.run(work):
            raise error


class OnSqlite(Threads):
    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self) -> BaseDatabaseWrapper:
        own = connections["default"]
        own.settings_dict = {**own.settings_dict, "NAME": self.path}
        return own


class OnPostgresql(Threads):
    """On a server, in a database that was migrated; without projects and people."""

    def __init__(self, url: str) -> None:
        self.settings: dict[str, Any] = {
            **connections.settings["default"], "OPTIONS": {}, **parsed(url), "CONN_MAX_AGE": 0,
        }  # fmt: skip
        self.one(_empty)

    def connect(self) -> BaseDatabaseWrapper:
        own = DatabaseWrapper(self.settings, "default")
        connections["default"] = own  # of this thread only
        return own


def _empty() -> None:
    """Everything hangs on these. Not `flush`: some tables refuse to be emptied."""
    Project._default_manager.all().delete()
    Organisation.objects.all().delete()
    User.objects.all().delete()
    ProjectDeletion.objects.all().delete()
    Lease.objects.all().delete()


def copied(folder: Path) -> OnSqlite:
    """A file with what the SQLite test database holds now."""
    connection.ensure_connection()
    path = folder / "tracestore.sqlite3"
    copy = sqlite3.connect(path)
    copy.executescript("".join(connection.connection.iterdump()))
    copy.close()
    return OnSqlite(path)


def migrate(url: str, folder: Path) -> None:
    """Makes the tables, by a process of its own as an operator does."""
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(BASE_DIR), "DJANGO_SETTINGS_MODULE": "tracestore.settings",
        "TRACESTORE_DATA_DIR": str(folder), "TRACESTORE_DATABASE_URL": url,
    }  # fmt: skip
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    ran = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.fixture
def database(tmp_path: Path) -> Threads:
    if connection.vendor != "sqlite":
        pytest.skip("copies a SQLite database")
    return copied(tmp_path)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL with our tables; skipped where there is none, but never where CI is set."""
    from tests.e2e.test_other_parts import postgresql

    with (
        tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data,
        contextlib.contextmanager(postgresql)(Path(data)) as url,
    ):
        migrate(url, tmp_path_factory.mktemp("migrating"))
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Threads]:
    if request.param == "postgresql":
        with django_db_blocker.unblock():
            yield OnPostgresql(request.getfixturevalue("postgresql_url"))
    else:
        request.getfixturevalue("db")
        yield request.getfixturevalue("database")
