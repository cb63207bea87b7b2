"""The statements that make a reader of one project on a ClickHouse server: user, row policies, grants.

The views run with the rights of who asks (SQL SECURITY INVOKER, the default of plain views), so a reader needs the
stored tables too, each under a row policy: what it then sees in them, and through every view, is its project.
Policies come before grants, so that no moment lies between a right and its bound. A table of a later migration is
not granted: the views that read it fail for such a reader until `manage.py sql_readers refresh`.

Users and policies have no parameters in ClickHouse's grammar: names are quoted here, and only those that the
caller's rules let through arrive.
"""

from __future__ import annotations

from typing import Final

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.engine import one_project
from tracestore.engine.readers import Reader
from tracestore.engine.settings import EXPOSED_VIEWS, READER_LIMITS
from tracestore.engine.statement import quote
from tracestore.errors import InvalidInput, Unavailable

PROFILE: Final = "tracestore_reader_of_one_project"
#: What such a reader may not exceed. Others of READER_LIMITS are of no consequence on a server of its own.
_LIMITED: Final = ("max_execution_time", "max_memory_usage", "max_result_rows", "max_threads")


def creation(reader: Reader) -> list[str]:
    """All it takes; harmless to run again. Who is there already keeps the password."""
    return statements(reader, client.run(one_project.RELATIONS).result_rows)


def statements(reader: Reader, relations: list[tuple[str, int, int]]) -> list[str]:
    """Pure part of `creation`. `relations` as `one_project.table_filters` takes them.

    Raises:
        Unavailable: a table of the store cannot be bound to a project.
    """
    try:
        bound = one_project.table_filters(reader.project, [(name, bool(s), bool(p)) for name, s, p in relations])
    except one_project.CannotBind as error:
        raise Unavailable(str(error)) from None
    user = name(reader.user)
    limits = ", ".join(f"{setting} = {READER_LIMITS[setting]} MAX {READER_LIMITS[setting]}" for setting in _LIMITED)
    plain = [f"{DATABASE}.{table}" for table, stores, _ in relations if stores and table in one_project.OF_NOBODY]
    inner = [f"{DATABASE}.{view}" for view, stores, _ in relations if not stores and view not in EXPOSED_VIEWS]
    readable = [*bound, *plain, *inner, *(f"{DATABASE}.{view}" for view in EXPOSED_VIEWS)]
    return [
        # 2: reads only, and the output settings that clients bring. Policies hold whatever is set.
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {PROFILE} SETTINGS readonly = 2, {limits}",
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH sha256_hash BY {quote(reader.digest)}"
        f" DEFAULT DATABASE {DATABASE} SETTINGS PROFILE {quote(PROFILE)}",
        *(
            f"CREATE ROW POLICY OR REPLACE {policy(reader)} ON {table} FOR SELECT USING {condition} TO {user}"
            for table, condition in bound.items()
        ),
        *(f"GRANT SELECT ON {table} TO {user}" for table in readable),
    ]


def rotation(reader: Reader) -> list[str]:
    return [f"ALTER USER {name(reader.user)} IDENTIFIED WITH sha256_hash BY {quote(reader.digest)}"]


def removal(reader: Reader) -> list[str]:
    """The user first: policies without a user bind nobody, a user without policies would see everything."""
    found = client.run(queries.load("reader_policies"), {"policy": f"tracestore_{reader.user}"}).result_rows
    return [
        f"DROP USER IF EXISTS {name(reader.user)}",
        *(f"DROP ROW POLICY IF EXISTS {policy(reader)} ON {DATABASE}.{name(table)}" for (table,) in found),
    ]


def listing() -> list[Reader]:
    """The readers that a server has, told from their row policies."""
    rows = client.run(queries.load("reader_users")).result_rows
    return [Reader(user, condition.removeprefix("project = ").strip("'"), "", "") for user, condition in rows]


def execute(wanted: list[str]) -> None:
    """Runs the statements in order.

    Raises:
        InvalidInput: the server refuses one; most often, Tracestore's own user may not manage users there.
    """
    for statement in wanted:
        try:
            client.command(statement)
        except InvalidInput:
            raise InvalidInput(
                f"The server refused: {statement.split(' IDENTIFIED')[0]}. Its user of Tracestore needs ACCESS"
                " MANAGEMENT; or give --print and let an administrator run the statements."
            ) from None


def policy(reader: Reader) -> str:
    return name(f"tracestore_{reader.user}")


def name(text: str) -> str:
    """A quoted name."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"
