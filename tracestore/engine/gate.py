"""The reader's gate: admission (pure) fed with what only the engine knows."""

from __future__ import annotations

import threading
import time

from tracestore.engine import one_project as binding
from tracestore.engine.admission import (
    SYSTEM_OF_ONE_PROJECT,
    SYSTEM_TABLES,
    Catalogue,
    inner_select,
    judge_listing,
    judge_tokens,
    judge_tree,
    refused,
    tells_no_sizes,
)
from tracestore.engine.database import Connection
from tracestore.engine.errors import ACCESS_DENIED, EngineError
from tracestore.engine.function_policy import FunctionPolicy, sort_functions
from tracestore.engine.settings import EXPOSED_DATABASE, EXPOSED_VIEWS
from tracestore.engine.statement import Statement, parse
from tracestore.engine.syntax_tree import UnreadableTree, read_tree

_FUNCTIONS_AGE = 60.0  # seconds; somebody may CREATE FUNCTION, which must not open a way


class Gate:
    """Decides about a reader's statements. Usable from any thread."""

    def __init__(self, views: tuple[str, ...] = EXPOSED_VIEWS) -> None:
        self._views = frozenset(views)
        self._lock = threading.Lock()
        self._functions: FunctionPolicy | None = None
        self._functions_until = 0.0

    def binding(self, connection: Connection, project: str) -> dict[str, str]:
        """The settings that let a statement see one project only; code 497 if that cannot be had."""
        found, _ = connection.query(binding.RELATIONS, "TabSeparatedRaw")
        rows = [line.split("\t") for line in found.decode("utf-8", "surrogateescape").splitlines()]
        try:
            conditions = binding.table_filters(project, [(name, stores == "1", of == "1") for name, stores, of in rows])
        except binding.CannotBind as error:
            raise EngineError(ACCESS_DENIED, str(error)) from None
        return {
            **binding.PLAN,
            "additional_table_filters": binding.as_setting({**conditions, **binding.catalogue_filters()}),
        }

    def check(
        self, connection: Connection, statement: Statement, params: dict[str, str], *, one_project: bool = False
    ) -> None:
        """Return if the statement, run exactly as it is, is allowed; else raise code 497.

        Call it on the connection that will run the statement, before `readonly` is set. `one_project`:
        the reader is bound to one, so nothing may tell how much there is of the others.
        """
        functions = self._function_policy(connection)
        if one_project:
            functions = functions.without(binding.NEVER)
            if statement.verb == "EXPLAIN" and not tells_no_sizes(statement.tokens):
                raise refused("Of EXPLAIN, readers of one project may use AST, SYNTAX and QUERY TREE.")
        judge_tokens(statement.tokens, functions)
        kind, count = connection.statement_class(statement.text)
        if kind == "UNKNOWN":
            # Let the engine say what is wrong with it; asking for the tree does not run it.
            connection.query(f"EXPLAIN AST {statement.text}", "TabSeparatedRaw", params)
            raise refused("The statement could not be read.")
        if kind != "READ_ONLY" or count != 1:
            raise refused("Readers may run one SELECT, SHOW, DESCRIBE, EXISTS or EXPLAIN.")
        catalogue = self._catalogue(connection, SYSTEM_OF_ONE_PROJECT if one_project else SYSTEM_TABLES)
        if statement.verb in ("EXPLAIN", "DESCRIBE", "DESC"):
            start = inner_select(statement.tokens)
            if start is not None:
                inner = parse(statement.text[start:])
                if inner.settings or inner.format:
                    raise refused("A SETTINGS clause is allowed at the end of the statement only.")
                self._check_select(connection, inner.text, functions, catalogue, params)
                return
        if statement.streams:
            self._check_select(connection, statement.text, functions, catalogue, params)
        else:
            judge_listing(statement.tokens, catalogue)

    def _check_select(
        self,
        connection: Connection,
        text: str,
        functions: FunctionPolicy,
        catalogue: Catalogue,
        params: dict[str, str],
    ) -> None:
        described, _ = connection.query(f"EXPLAIN AST {text}", "TabSeparatedRaw", params)
        try:
            tree = read_tree(described.decode("utf-8", "surrogateescape"))
        except UnreadableTree:
            raise refused("The statement could not be read.") from None
        judge_tree(tree, functions, catalogue)

    def _function_policy(self, connection: Connection) -> FunctionPolicy:
        with self._lock:
            if self._functions is None or time.monotonic() > self._functions_until:
                self._functions = _read_functions(connection)
                self._functions_until = time.monotonic() + _FUNCTIONS_AGE
            return self._functions

    def _catalogue(self, connection: Connection, system: frozenset[str]) -> Catalogue:
        def names(question: str) -> frozenset[str]:
            found, _ = connection.query(question, "TabSeparatedRaw")
            return frozenset(found.decode("utf-8", "surrogateescape").splitlines())

        return Catalogue(
            views=self._views,
            relations=lambda: names("SELECT name FROM system.tables WHERE database = currentDatabase()"),
            databases=lambda: names("SELECT name FROM system.databases"),
            database=EXPOSED_DATABASE,
            system=system,
        )


def _read_functions(connection: Connection) -> FunctionPolicy:
    functions, _ = connection.query(
        "SELECT name, alias_to, categories, toString(origin) FROM system.functions",
        "TabSeparatedRaw",
    )
    tables, _ = connection.query("SELECT name FROM system.table_functions", "TabSeparatedRaw")
    rows = []
    for line in functions.decode().splitlines():
        name, alias_to, category, origin = line.split("\t")
        rows.append((name, alias_to, category, origin))
    return sort_functions(rows, tables.decode().split())


def use_reader_database(connection: Connection) -> None:
    """Make the exposed database the current one.

    Before it exists there is nothing to see. `default` would be no substitute: in chDB it takes
    unknown table names for files.
    """
    try:
        connection.use(EXPOSED_DATABASE)
    except EngineError:
        connection.use("system")
