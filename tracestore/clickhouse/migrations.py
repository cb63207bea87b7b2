"""Numbered, forward-only changes of the ClickHouse schema, with a ledger of what was applied.

Each file in `schema/` is applied once, in order of its number. Every statement is written so that
running it twice does no harm, because ClickHouse has no transactions around DDL: a migration that
was cut off is simply run again. A file must not change once it is applied; its checksum is kept.

Views hold no data, so the files in `views/` may change: each is applied again when its text did,
after all of `schema/` and in order of its name. They may include texts of `queries/`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.cluster import statements
from tracestore.clickhouse.cluster.statements import Form
from tracestore.errors import InvalidInput

_SCHEMA_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
_VIEW_NAME = re.compile(r"^\d{2}_[a-z0-9_]+\.sql$")
#: Files of before the first release that `views/` took the place of.
RETIRED = frozenset({"0006_views.sql", "0007_otel_views.sql"})


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str

    @property
    def repeatable(self) -> bool:
        """A file of views: applied again whenever it changed."""
        return _VIEW_NAME.match(self.name) is not None

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def templates(self) -> list[str]:
        """The statements with `{database}` in them, without comments at their edges.

        A statement ends with `;` at a line's end.
        """
        parts = re.split(r";[ \t]*(?:\n|$)", self.text)
        without_comments = (re.sub(r"(?m)^\s*--.*$", "", part).strip() for part in parts)
        return [statement for statement in without_comments if statement]

    @property
    def statements(self) -> list[str]:
        """The statements for a store on one machine."""
        return [template.replace("{database}", DATABASE) for template in self.templates]

    def statements_for(self, form: Form | None) -> list[str]:
        """The statements for a cluster of that form, or for one machine."""
        return self.statements if form is None else statements.of_file(self.templates, form)


#: Where what was applied is written down; made before the first of them.
LEDGER = Migration(
    "ledger",
    "CREATE TABLE IF NOT EXISTS schema_migrations"
    " (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))"
    " ENGINE = MergeTree ORDER BY (applied_at, name)",
)


def known() -> list[Migration]:
    """All migrations of this version, in order: the tables by number, then the views by name."""
    found = []
    for folder_name, pattern in (("schema", _SCHEMA_NAME), ("views", _VIEW_NAME)):
        folder = files("tracestore.clickhouse") / folder_name
        names = sorted(entry.name for entry in folder.iterdir() if pattern.match(entry.name))
        found += [Migration(name, queries.filled((folder / name).read_text())) for name in names]
    return found


def applied() -> dict[str, str]:
    """Name → checksum of what the ledger holds, the latest of each; empty before the first migration."""
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
        if name in RETIRED:
            continue
        if name not in by_name:
            raise InvalidInput(f"The database has migration {name}, which this version does not know: upgrade first.")
        if by_name[name].checksum != checksum and not by_name[name].repeatable:
            raise InvalidInput(f"Migration {name} was applied with other content. Restore the file, add a new one.")
    return [migration for migration in migrations if done.get(migration.name) != migration.checksum]


def apply(migration: Migration) -> None:
    """Applies one migration and writes it into the ledger."""
    form = client.cluster_form()
    for statement in (*LEDGER.statements_for(form), *migration.statements_for(form)):
        client.command(statement)
    client.run(
        "INSERT INTO schema_migrations (name, checksum) SELECT {name:String}, {checksum:String}",
        {"name": migration.name, "checksum": migration.checksum},
    )
