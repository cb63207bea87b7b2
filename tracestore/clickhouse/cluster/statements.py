"""The schema of one machine, statement by statement, as that of a cluster. Pure.

Two databases: `tracestore` holds what the contract names, on every machine: Distributed tables over the shards, views
that put answers together, and the small tables that are everywhere. `tracestore_shard` holds what one shard has: the
same names, as the numbered files define them, with replicated engines. So every file stays as it is, every question of
the product and of the data team stays as it is, and a view of the contract is worked out where its rows are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse.cluster.placement import PLACEMENTS, placement
from tracestore.errors import InvalidInput

#: The database of the contract, and that of one shard's own tables.
DATABASE: Final = "tracestore"
SHARD_DATABASE: Final = "tracestore_shard"

_CREATE_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (?:\{database\}\.)?(\w+)")
_CREATE_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW \{database\}\.(\w+)")
_ALTER: Final = re.compile(r"ALTER TABLE \{database\}\.(\w+)")
_INSERT: Final = re.compile(r"INSERT INTO \{database\}\.(\w+)")
_ENGINE: Final = re.compile(r"\bENGINE\s*=\s*(\w*MergeTree)(?:\(([^()]*)\))?")
_NAME: Final = re.compile(r"\{database\}\.(\w+)")
#: A relation that a text included in a view names without its database.
_BARE: Final = re.compile(rf"\b(FROM|JOIN)(\s+)({'|'.join(sorted(PLACEMENTS))})\b(?!\s*\()")


@dataclass(frozen=True, slots=True)
class Form:
    """Which form of the schema is wanted.

    `replicated` False leaves out what needs Keeper (replicas and ON CLUSTER): one machine, for trying the rest.
    """

    cluster: str
    replicated: bool = True

    @property
    def on_cluster(self) -> str:
        return f" ON CLUSTER {quoted(self.cluster)}" if self.replicated else ""


def quoted(name: str) -> str:
    """An identifier in backquotes. InvalidInput when it is no plain name."""
    if not re.fullmatch(r"[A-Za-z_][\w.-]{0,99}", name):
        raise InvalidInput(f"cluster: expected a name of letters, digits, _, - and dots, not {name[:100]!r}.")
    return f"`{name}`"


def databases(form: Form) -> list[str]:
    return [f"CREATE DATABASE IF NOT EXISTS {name}{form.on_cluster}" for name in (SHARD_DATABASE, DATABASE)]


def of_file(statements: list[str], form: Form) -> list[str]:
    """The statements of one file for a cluster, each safe to run twice, as those of the file are.

    `statements` still have `{database}` in them. Raises InvalidInput for a kind of statement that has no form on a
    cluster yet, KeyError for a relation without a placement.
    """
    return list(_of_file(statements, form))


def _of_file(statements: list[str], form: Form) -> Iterator[str]:
    # Whose Distributed table has to be made, or made anew because its columns changed.
    behind: dict[str, None] = {}
    for statement in statements:
        if found := _CREATE_TABLE.match(statement) or _ALTER.match(statement):
            name = found[1]
            yield _table(statement, found, form)
            if placement(name).kind == "shard":
                behind[name] = None
        elif found := _CREATE_VIEW.match(statement):
            yield from _view(statement, found, form)
        elif _INSERT.match(statement):
            # Through the contract's names, so that every row finds its shard.
            yield from (_distributed(name, form) for name in behind)
            behind.clear()
            yield named(statement, DATABASE)
        else:
            raise InvalidInput(f"This statement has no form for a cluster: {statement[:80]}")
    yield from (_distributed(name, form) for name in behind)


def _table(statement: str, found: re.Match[str], form: Form) -> str:
    name, rest = found[1], statement[found.end() :]
    start = "ALTER TABLE" if found.re is _ALTER else "CREATE TABLE IF NOT EXISTS"
    if form.replicated:
        rest = _ENGINE.sub(lambda engine: _replicated(name, engine), rest, count=1)
    return f"{start} {home(name)}.{name}{form.on_cluster}{rest}"


def _replicated(name: str, engine: re.Match[str]) -> str:
    """The engine with its place in Keeper. What is everywhere is one "shard" of all machines."""
    everywhere = placement(name).kind == "everywhere"
    path, replica = ("all", "{shard}-{replica}") if everywhere else ("{shard}", "{replica}")
    arguments = "".join(f", {part.strip()}" for part in (engine[2] or "").split(",") if part.strip())
    return f"ENGINE = Replicated{engine[1]}('/clickhouse/tables/{{uuid}}/{path}', '{replica}'{arguments})"


def _view(statement: str, found: re.Match[str], form: Form) -> Iterator[str]:
    name, rest = found[1], statement[found.end() :]
    where = placement(name)
    start = f"CREATE OR REPLACE VIEW {{}}.{name}{form.on_cluster}"
    if where.kind == "shard" or where.on_shards:
        yield start.format(SHARD_DATABASE) + named(rest, SHARD_DATABASE)
    if where.kind == "shard":
        yield _distributed(name, form)
    else:
        yield start.format(DATABASE) + named(rest, DATABASE)


def _distributed(name: str, form: Form) -> str:
    """The contract's name over all shards. It holds no rows (inserts are sent on at once), so it can be made anew."""
    return (
        f"CREATE OR REPLACE TABLE {DATABASE}.{name}{form.on_cluster} AS {SHARD_DATABASE}.{name}\n"
        f"ENGINE = Distributed({quoted(form.cluster)}, {SHARD_DATABASE}, {name}, {placement(name).key})"
    )


def home(name: str) -> str:
    """The database that holds the rows of a table."""
    return DATABASE if placement(name).kind == "everywhere" else SHARD_DATABASE


def named(text: str, database: str) -> str:
    """The text with every relation named in full, as it is seen from `database`."""
    text = _BARE.sub(r"\1\2{database}.\3", text)
    return _NAME.sub(lambda found: f"{home_from(database, found[1])}.{found[1]}", text)


def home_from(database: str, name: str) -> str:
    return DATABASE if placement(name).kind == "everywhere" else database
