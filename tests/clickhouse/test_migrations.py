"""The ledger of schema changes."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tracestore.clickhouse import client, migrations
from tracestore.errors import InvalidInput


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("migrate_clickhouse", *arguments, stdout=out)
    return out.getvalue()


def test_names_are_numbered_without_gaps() -> None:
    numbers = [int(migration.name[:4]) for migration in migrations.known() if not migration.repeatable]
    assert numbers == list(range(1, len(numbers) + 1))


def test_nothing_is_pending_after_it_ran() -> None:
    assert migrations.pending() == []
    assert "up to date" in run()
    assert "up to date" in run("--check")


def test_every_statement_may_run_twice() -> None:
    for migration in migrations.known():
        for statement in migration.statements:
            client.command(statement)


def test_a_pending_migration_is_planned_printed_and_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = migrations.Migration(
        "9999_extra.sql", "-- why\nCREATE TABLE IF NOT EXISTS {database}.extra (a UInt8) ENGINE = Memory;\n"
    )
    known = [*migrations.known(), extra]
    monkeypatch.setattr(migrations, "known", lambda: known)
    assert "pending  9999_extra.sql" in run("--plan")
    assert "CREATE TABLE IF NOT EXISTS tracestore.extra" in run("--print-sql")
    with pytest.raises(CommandError, match="1 migrations are pending"):
        run("--check")
    try:
        assert "applied  9999_extra.sql" in run()
        assert migrations.pending() == []
    finally:
        client.command("DROP TABLE IF EXISTS extra")
        client.command(
            "DELETE FROM schema_migrations WHERE name = '9999_extra.sql' SETTINGS lightweight_deletes_sync = 2"
        )


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = migrations.known()
    monkeypatch.setattr(
        migrations, "known", lambda: [migrations.Migration(first.name, first.text + "-- changed"), *rest]
    )
    with pytest.raises(InvalidInput, match="other content"):
        migrations.pending()


def test_a_changed_view_is_applied_again_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    *rest, last = migrations.known()
    assert last.repeatable
    changed = migrations.Migration(last.name, "-- changed\n" + last.text)
    monkeypatch.setattr(migrations, "known", lambda: [*rest, changed])
    assert migrations.pending() == [changed]
    run()
    assert migrations.pending() == []
    monkeypatch.undo()
    run()
    assert migrations.pending() == []


def test_a_newer_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = migrations.known()[1:]
    monkeypatch.setattr(migrations, "known", lambda: rest)
    with pytest.raises(InvalidInput, match="upgrade first"):
        migrations.pending()
