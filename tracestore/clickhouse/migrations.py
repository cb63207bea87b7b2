"""Numbered, forward-only changes of the ClickHouse schema, with a ledger of what was applied.

Each file in `schema/` is applied once, in order of its number. Every statement is written so that
running it twice does no harm, because ClickHouse has no transactions around DDL: a migration that
was cut off is simply run again. A file must not change once it is applied; its checksum is kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from tracestore.clickhouse import client
from tracestore.clickhouse.client import DATABASE
from tracestore.errors import InvalidInput

_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements, without comments at their edges; a statement ends with `;` at a line's end."""
        parts = re.split(r";[ \t]*(?:\n|$)", self.text.replace("{database}", DATABASE))
        without_comments = (re.sub(r"(?m)^\s*--.*$", "", part).strip() for part in parts)
        return [statement for statement in without_comments if statement]


def known() -> list[Migration]:
    """All migrations of this version, in order."""
    folder = files("tracestore.clickhouse") / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if _NAME.match(entry.name))
    return [Migration(name, (folder / name).read_text()) for name in names]


def applied() -> dict[str, str]:
    """Name → checksum of what the ledger holds; empty before the first migration."""
    client.create_database()
    exists = client.run(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
        {"database": DATABASE},
    ).result_rows[0][0]
    if not exists:
        return {}
    rows = client.run("SELECT name, checksum FROM schema_migrations ORDER BY applied_at").result_rows
    return dict(rows)


def pending() -> list[Migration]:
    """What has not been applied yet.

    Raises:
        InvalidInput: an applied file was changed, or the database is newer than this version.
    """
    done = applied()
    migrations = known()
    by_name = {migration.name: migration for migration in migrations}
    for name, checksum in done.items():
        if name not in by_name:
            raise InvalidInput(f"The database has migration {name}, which this version does not know: upgrade first.")
        if by_name[name].checksum != checksum:
            raise InvalidInput(f"Migration {name} was applied with other content. Restore the file, add a new one.")
    return [migration for migration in migrations if migration.name not in done]


def apply(migration: Migration) -> None:
    """Applies one migration and writes it into the ledger."""
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))"
        " ENGINE = MergeTree ORDER BY (applied_at, name)"
    )
    for statement in migration.statements:
        client.command(statement)
    client.run(
        "INSERT INTO schema_migrations (name, checksum) SELECT {name:String}, {checksum:String}",
        {"name": migration.name, "checksum": migration.checksum},
    )
