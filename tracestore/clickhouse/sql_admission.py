"""What a caller of `POST /api/v1/sql/` and of the page `/sql/` may run, and over whose rows.

A statement passes the reader's allow-list (`engine.admission`) on the tree of the server that will
run it, embedded or not. What is run is put together from the tokens that were judged, without
comments, so that nothing can hide in what one parser skips and another reads.

Project: each stored table that a view could read gets a condition, which no statement can change
(`engine.one_project`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse import asked_sql, client, queries
from tracestore.clickhouse.client import DATABASE
from tracestore.engine import one_project
from tracestore.engine.admission import Catalogue, judge_tokens, judge_tree
from tracestore.engine.errors import EngineError
from tracestore.engine.function_policy import FunctionPolicy, sort_functions
from tracestore.engine.settings import EXPOSED_VIEWS
from tracestore.engine.sql_tokens import Token
from tracestore.engine.statement import parse
from tracestore.engine.syntax_tree import UnreadableTree, read_tree
from tracestore.errors import InvalidInput, Unavailable

MOST_CHARACTERS: Final = 65_536
#: Less than `reader` sees: sizes and columns of all tables tell of other projects.
SYSTEM: Final = frozenset({"one", "numbers", "numbers_mt", "zeros", "zeros_mt", "functions", "formats", "time_zones"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A statement to be run exactly so, and the settings that bind it to its project."""

    text: str
    filters: str


def admit(project: str, text: str, settings: dict[str, str]) -> Admitted:
    """The statement, judged. `settings` are those it will run with; the server parses it with them.

    Raises:
        InvalidInput: it is not one SELECT over the views, with safe functions.
        Unavailable: the store does not answer, or holds a table that cannot be bound to a project.
    """
    if len(text) > MOST_CHARACTERS:
        raise wrong(f"The statement has over {MOST_CHARACTERS:,} characters.")
    if _CONTROL.search(text):
        raise wrong("The statement contains a control character.")
    if not text.strip():
        raise wrong("The statement is empty: expected one SELECT.")
    try:
        statement = parse(text)
        if statement.format:
            raise wrong("Leave FORMAT out of the statement: the field `format` says it.")
        if statement.settings:
            raise wrong("A SETTINGS clause is not available here.")
        if not statement.streams or statement.verb == "VALUES":
            raise wrong("Expected one SELECT; WITH before it is fine.")
        if any(token.kind == "string" and token.text.startswith("$") for token in statement.tokens):
            raise wrong("Write strings in single quotes.")
        functions = _functions()
        judge_tokens(statement.tokens, functions)
        bare = _rendered(text, statement.tokens)
        relations = client.run(one_project.RELATIONS).result_rows
        filters = one_project.as_setting(one_project.table_filters(project, relations))
        described = asked_sql.ask(f"EXPLAIN AST {bare}", {**settings, "readonly": "1"}, "TabSeparatedRaw")
        catalogue = Catalogue(
            views=frozenset(EXPOSED_VIEWS),
            relations=lambda: frozenset(row[0] for row in relations),
            # A name with an unknown database is refused whatever databases there are.
            databases=lambda: frozenset({DATABASE, "system", "default", "information_schema", "INFORMATION_SCHEMA"}),
            system=SYSTEM,
            schema=frozenset(),
        )
        judge_tree(read_tree(described.decode("utf-8", "surrogateescape")), functions, catalogue)
    except one_project.CannotBind as error:
        raise Unavailable(str(error)) from None
    except UnreadableTree:
        raise wrong("The statement could not be read.") from None
    except EngineError as error:
        raise wrong(asked_sql.cleaned(error.text).removeprefix("reader: Not enough privileges. ")) from None
    return Admitted(bare, filters)


def wrong(message: str) -> InvalidInput:
    return InvalidInput(message, field="query")


def _rendered(text: str, tokens: tuple[Token, ...]) -> str:
    """The tokens with the white space between them, and a space where a comment stood."""
    pieces, end = [], tokens[0].start
    for token in tokens:
        between = text[end : token.start]
        pieces.append(between if not between.strip() else " ")
        pieces.append(token.text)
        end = token.end
    return "".join(pieces)


def _functions() -> FunctionPolicy:
    rows = client.run(queries.load("sql_functions")).result_rows
    tables = client.run(queries.load("sql_table_functions")).result_rows
    policy = sort_functions([tuple(row) for row in rows], [row[0] for row in tables])
    return policy.without(one_project.NEVER)
