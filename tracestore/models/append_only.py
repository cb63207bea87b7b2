"""Triggers that keep the audit log append-only, whoever writes to the database: in SQLite and in PostgreSQL.

Whoever owns the database can take them away; nobody does so by accident. Of a row that is not there both say
nothing, so that a copy of the table can be put back (`loaddata` updates before it inserts). SQLite has no TRUNCATE.
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "tracestore_auditentry"
REFUSAL: Final = "The audit log is append-only."

#: Vendor → statements that set the triggers, and those that take them away.
PUT_UP: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER IF NOT EXISTS {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE}"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for what in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        f"CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege'; END $$",
        f"CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE}"
        f" FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
        f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
    ),
}
TAKE_DOWN: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS {TABLE}_no_{what}" for what in ("update", "delete")),
    "postgresql": (f"DROP FUNCTION IF EXISTS {TABLE}_refuse() CASCADE",),
}


def put_up(connection: BaseDatabaseWrapper) -> None:
    """Sets the triggers; of other kinds of database nothing."""
    _run(connection, PUT_UP)


def take_down(connection: BaseDatabaseWrapper) -> None:
    """Takes them away: for a test database, which is emptied again and again."""
    _run(connection, TAKE_DOWN)


def _run(connection: BaseDatabaseWrapper, statements: dict[str, tuple[str, ...]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements.get(connection.vendor, ()):
            cursor.execute(statement)
