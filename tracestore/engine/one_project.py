"""Binds a statement to the rows of one project, by settings that no statement can change.

Each stored table that a view could read gets a condition (`additional_table_filters`), set on the statement's
own connection with `readonly` beside it. A stored table that names no project and is not known to hold nobody's
data stops every statement: a new table must be thought about before readers of one project come near it.

Pure: who asks brings the list of relations. Used by the engine (readers of one project) and by the SQL console.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tracestore.engine.settings import EXPOSED_DATABASE, EXPOSED_VIEWS
from tracestore.engine.statement import quote

SLUG: Final = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")
#: Stored tables without a project: the ledger of migrations, and how far passes have come.
OF_NOBODY: Final = frozenset({"schema_migrations", "settled_until", "detected_until"})
#: Index conditions are tried on granules that hold rows of other projects too: what is left tells of those.
NEVER: Final = frozenset({"indexhint"})
#: Every relation of the database: whether it stores rows, and whether these name their project.
RELATIONS: Final = f"""
SELECT t.name, t.engine NOT LIKE '%View',
    t.name IN (SELECT table FROM system.columns WHERE database = '{EXPOSED_DATABASE}' AND name = 'project')
FROM system.tables AS t WHERE t.database = '{EXPOSED_DATABASE}'
"""  # noqa: S608 a constant

#: How the statement is carried out, so that the project's condition is a step of its own before all of the
#: statement's: were they one, an error of the statement's could tell of a row of another project. And no cache
#: keeps what one project's statement found for another's.
PLAN: Final = {
    "optimize_move_to_prewhere": "0",
    "query_plan_optimize_prewhere": "0",
    "query_plan_merge_filters": "0",
    "use_query_condition_cache": "0",
    "use_query_cache": "0",
}


class CannotBind(Exception):
    """The text says why no statement can be bound to the project."""


def table_filters(project: str, relations: Iterable[tuple[str, bool, bool]]) -> dict[str, str]:
    """Table → condition. `relations`: name, whether it stores rows, whether these name their project.

    Raises:
        CannotBind: a table cannot be bound, or the project's name is none.
    """
    if not SLUG.match(project):
        raise CannotBind("SQL is not available for a project of this name.")
    conditions = {}
    for name, stores, of_a_project in relations:
        if not stores:
            continue
        if of_a_project:
            conditions[f"{EXPOSED_DATABASE}.{name}"] = f"project = {quote(project)}"
        elif name not in OF_NOBODY:
            raise CannotBind("SQL is not available: a table of the store cannot be bound to a project.")
    return conditions


def catalogue_filters() -> dict[str, str]:
    """Conditions on the system tables that clients read to list what there is: the views, no sizes of tables."""
    views = ", ".join(quote(view) for view in EXPOSED_VIEWS)
    others = "database IN ('system', 'information_schema', 'INFORMATION_SCHEMA')"
    return {
        "system.tables": f"{others} OR (database = '{EXPOSED_DATABASE}' AND name IN ({views}))",
        "system.columns": f"{others} OR (database = '{EXPOSED_DATABASE}' AND table IN ({views}))",
    }


def as_setting(conditions: dict[str, str]) -> str:
    """The value of `additional_table_filters`."""
    return "{" + ", ".join(f"{quote(table)}: {quote(condition)}" for table, condition in conditions.items()) + "}"
