"""B16: entries are neither changed nor deleted: not by our code, and not by anybody's SQL in SQLite or PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from tests.e2e.test_other_parts import postgresql
from tracestore import audit
from tracestore.environment import ROOT
from tracestore.errors import Forbidden
from tracestore.models import AuditEntry, append_only


@pytest.fixture
def entry(db: None) -> AuditEntry:
    audit.record("key.created", project="none", subject="ts_a1b2")
    return AuditEntry.objects.get()


@pytest.mark.parametrize(
    "what",
    [
        lambda one: one.save(),
        lambda one: one.delete(),
        lambda one: AuditEntry.objects.update(actor="somebody else"),
        lambda one: AuditEntry.objects.filter(pk=one.pk).delete(),
        lambda one: AuditEntry.objects.bulk_update([one], ["actor"]),
        lambda one: AuditEntry.objects.update_or_create(pk=one.pk, defaults={"actor": "somebody else"}),
    ],
)
def test_our_own_code_is_told_so(entry: AuditEntry, what: Callable[[AuditEntry], object]) -> None:
    entry.actor = "somebody else"
    with pytest.raises(Forbidden, match="append-only"):
        what(entry)
    assert AuditEntry.objects.get().actor == "unknown"


@contextmanager
def guarded() -> Iterator[None]:
    """With the triggers that the tests' database goes without."""
    append_only.put_up(connection)
    try:
        yield
    finally:
        append_only.take_down(connection)


@pytest.mark.parametrize(
    "statement", ["UPDATE tracestore_auditentry SET actor = 'x'", "DELETE FROM tracestore_auditentry"]
)
def test_sqlite_refuses(entry: AuditEntry, statement: str) -> None:
    with guarded():
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        audit.record("key.revoked")
    assert AuditEntry.objects.count() == 2


def test_triggers_that_are_there_already_are_left(entry: AuditEntry) -> None:
    with guarded():
        append_only.put_up(connection)


#: In a process of its own, since the database is chosen when Django starts.
SCRIPT = """
import django; django.setup()
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from tracestore import audit
from tracestore.models import AuditEntry
call_command("migrate", verbosity=0)
audit.record("key.created", project="none", subject="ts_a1b2", detail={"name": "a" + chr(0) + chr(0xd800)})
for statement in ("UPDATE tracestore_auditentry SET actor = 'x'", "DELETE FROM tracestore_auditentry",
                  "TRUNCATE tracestore_auditentry", "TRUNCATE tracestore_project CASCADE"):
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        print("done", statement)
    except DatabaseError as error:
        print("refused" if "append-only" in str(error) else error)
print(AuditEntry.objects.get().detail)
if connection.vendor == "postgresql":
    call_command("dumpdata", "tracestore.auditentry", output=FILE, verbosity=0)
    call_command("migrate", "tracestore", "0011", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracestore_auditentry")
    call_command("migrate", verbosity=0)
    call_command("loaddata", FILE, verbosity=0)
    print(AuditEntry.objects.get().subject)
"""


def run(url: str, folder: Path) -> list[str]:
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tracestore.settings",
        "TRACESTORE_DATA_DIR": str(folder), "TRACESTORE_DATABASE_URL": url,
    }  # fmt: skip
    script = SCRIPT.replace("FILE", repr(str(folder / "entries.json")))
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout.splitlines()


def test_postgresql_refuses_truncate_too_and_takes_a_copy_back(tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data,
        contextmanager(postgresql)(Path(data)) as url,
    ):
        said = run(url, tmp_path)
    # The last one reaches no entry: entries point to no project, so that none goes with it.
    assert said == [
        "refused", "refused", "refused", "done TRUNCATE tracestore_project CASCADE", "{'name': 'a�?'}", "ts_a1b2",
    ]  # fmt: skip


def test_a_migrated_sqlite_database_has_them(tmp_path: Path) -> None:
    said = run(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path)
    assert said[:2] == ["refused", "refused"]
