"""What a reader may run: exactly one reading statement, over exposed relations, of safe functions.

The judgement is made on the engine's own parse tree (EXPLAIN AST), not on another parser's idea
of the text: two parsers that disagree are how such lists are got around, and the engine's own
understands every analytic query there is. What the tree does not show (the function behind
APPLY, CTE names, clauses) is judged on the tokens. Anything unexpected is refused.

Pure: no engine here. `judge_tokens` comes first and `judge_tree` second; a statement must pass
both, and be run exactly as judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracestore.engine.errors import ACCESS_DENIED, EngineError
from tracestore.engine.function_policy import TABLE_FUNCTIONS, FunctionPolicy
from tracestore.engine.settings import EXPOSED_DATABASE, READER_USER
from tracestore.engine.sql_tokens import Token
from tracestore.engine.syntax_tree import Node

# System tables that say what the engine can do and which tables there are, not what others do.
SYSTEM_TABLES = frozenset(
    (
        "aggregate_function_combinators", "build_options", "collations", "columns",
        "completions", "contributors", "data_type_families", "databases", "dummy", "formats",
        "functions", "keywords", "licenses", "numbers", "numbers_mt", "one", "settings",
        "table_engines", "table_functions", "tables", "time_zones", "zeros", "zeros_mt",
    )
)  # fmt: skip
# What clients ask to find their way; `tables` and `columns` are read under a condition (`one_project`).
SYSTEM_OF_ONE_PROJECT = SYSTEM_TABLES - {"completions", "contributors", "licenses"}
SCHEMA_TABLES = frozenset(("columns", "tables", "schemata", "views"))
SCHEMA_DATABASES = frozenset(("information_schema", "INFORMATION_SCHEMA"))

_NODES = frozenset(
    (
        "Asterisk", "ArrayJoin", "ColumnsApplyTransformer", "ColumnsExceptTransformer",
        "ColumnsListMatcher", "ColumnsRegexpMatcher", "ColumnsReplaceTransformer",
        "ColumnsReplaceTransformer::Replacement", "ColumnsTransformerList", "CollationNode",
        "ExpressionList", "Function", "Identifier", "InterpolateElement", "Literal",
        "OrderByElement", "QualifiedAsterisk", "QualifiedColumnsListMatcher",
        "QualifiedColumnsRegexpMatcher", "QueryParameter", "SampleRatio",
        "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery",
        "StorageOrderByElement", "Subquery", "TableExpression", "TableIdentifier", "TableJoin",
        "TablesInSelectQuery", "TablesInSelectQueryElement", "WindowDefinition",
        "WindowListElement", "WithElement",
    )
)  # fmt: skip
_MEMBERSHIP = frozenset(
    ("in", "notin", "globalin", "globalnotin", "nullin", "notnullin", "globalnullin",
     "globalnotnullin", "inignoreset", "notinignoreset", "globalinignoreset",
     "globalnotinignoreset", "nullinignoreset", "notnullinignoreset")
)  # fmt: skip
_PATH = re.compile(r"[/\\*?{}:]")
_PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f\\]*\Z")
_SHOW_LISTS = frozenset(("DATABASES", "SCHEMAS", "FUNCTIONS", "SETTINGS", "ENGINES"))
_EXPLAIN_KINDS = frozenset(("AST", "SYNTAX", "PLAN", "PIPELINE", "ESTIMATE", "QUERY", "TREE", "DESCRIPTION"))


@dataclass(frozen=True)
class Catalogue:
    """What there is to be named: exposed views, and every relation the engine would also find."""

    views: frozenset[str]
    # Asked for only when a statement names something that is not exposed, perhaps a CTE.
    relations: Callable[[], frozenset[str]]  # all tables and views of the current database
    databases: Callable[[], frozenset[str]]
    database: str = EXPOSED_DATABASE
    system: frozenset[str] = SYSTEM_TABLES
    schema: frozenset[str] = SCHEMA_TABLES


def refused(reason: str) -> EngineError:
    """Code 497, as a server says it, with what to do about it."""
    return EngineError(ACCESS_DENIED, f"{READER_USER}: Not enough privileges. {reason}")


def judge_tokens(tokens: Sequence[Token], functions: FunctionPolicy) -> None:
    """Refuse what the tree would not show, or what could make its text lie."""
    for position, token in enumerate(tokens):
        following = tokens[position + 1] if position + 1 < len(tokens) else None
        if token.kind == "symbol" and not (token.text.isascii() and token.text.isprintable()):
            raise refused("Characters beyond ASCII are allowed in quotes only.")
        if token.kind == "symbol" and token.text in ("`", '"', "'"):
            raise refused("A quote is not closed.")
        if token.kind == "quoted" and not _PLAIN_NAME.match(token.text):
            raise refused("Quoted names may not contain control characters or backslashes.")
        if token.kind not in ("word", "quoted"):
            continue
        called = following is not None and following.text == "("
        if (called or _is_applied(tokens, position)) and not functions.permits(token.name):
            raise refused(f"Function {token.name} is not available to readers.")
        if token.upper == "SETTINGS":
            if _is_clause(tokens, position):
                raise refused("A SETTINGS clause is allowed at the end of the statement only.")
        elif token.upper == "INTO" and following is not None and following.upper == "OUTFILE":
            raise refused("INTO OUTFILE is not available to readers.")
        elif token.upper == "IDENTIFIER" and tokens[position - 1].text == ":":
            raise refused("Parameters of type Identifier are not available to readers.")


def _is_clause(tokens: Sequence[Token], position: int) -> bool:
    """Whether this SETTINGS begins a clause (and is not the table system.settings)."""
    after = tokens[position + 1 : position + 3]
    named = len(after) == 2 and after[0].kind in ("word", "quoted") and after[1].text == "="
    return named and tokens[position - 1].text != "."


def _is_applied(tokens: Sequence[Token], position: int) -> bool:
    """Whether this is the f of `APPLY f` or `APPLY(f)`."""
    before = tokens[position - 1] if position else None
    if before is not None and before.text == "(" and position > 1:
        before = tokens[position - 2]
    return before is not None and before.upper == "APPLY"


def judge_tree(root: Node, functions: FunctionPolicy, catalogue: Catalogue) -> None:
    """Refuse a tree that names anything but exposed relations and safe functions."""
    if root.kind not in ("SelectWithUnionQuery", "SelectQuery", "SelectIntersectExceptQuery"):
        raise refused("Readers may run SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN.")
    for node in root.walk():
        if node.kind not in _NODES:
            raise refused(f"This statement uses a construct ({node.kind}) closed to readers.")
        if node.kind == "TableIdentifier":
            judge_relation(node.value, catalogue)
        elif node.kind == "Function":
            _judge_function(node, functions, catalogue)
        elif node.kind == "Identifier":
            _judge_identifier(node, functions)


def _judge_function(node: Node, functions: FunctionPolicy, catalogue: Catalogue) -> None:
    name = node.value
    if node.parent is not None and node.parent.kind == "TableExpression":
        if name not in TABLE_FUNCTIONS:
            raise refused(f"Table function {name} is not available to readers.")
        return
    if not functions.permits(name):
        raise refused(f"Function {name} is not available to readers.")
    if name.lower() in _MEMBERSHIP and node.children:
        arguments = node.children[0].children
        if len(arguments) == 2 and arguments[1].kind == "Identifier":
            # x IN name reads the table of that name.
            judge_relation(arguments[1].value, catalogue, must_be_table=False)


def _judge_identifier(node: Node, functions: FunctionPolicy) -> None:
    """Refuse a function passed by its bare name, as in arrayMap(file, …) or `file AS f`."""
    parent = node.parent
    if parent is None or parent.kind != "ExpressionList" or parent.parent is None:
        return
    is_passed = node.alias != "" or parent.parent.kind == "Function"
    if is_passed and node.value.lower() in functions.denied:
        raise refused(f"Function {node.value} is not available to readers.")


def judge_relation(name: str, catalogue: Catalogue, must_be_table: bool = True) -> None:
    """Refuse a relation that is not exposed.

    An unqualified name that is not a relation of the current database can only be a CTE (or an
    error), wherever in the statement it stands; so CTE scopes need not be followed.
    """
    parts = name.split(".")
    if _PATH.search(name):
        pass  # chDB would take it for a file
    elif len(parts) == 1:
        if name in catalogue.views or name not in catalogue.relations():
            return
    elif len(parts) == 2:
        database, table = parts
        if database == catalogue.database and table in catalogue.views:
            return
        if database == "system" and table in catalogue.system:
            return
        if database in SCHEMA_DATABASES and table.lower() in catalogue.schema:
            return
        if not must_be_table and database not in catalogue.databases():
            return
    elif not must_be_table and parts[0] not in catalogue.databases():
        return
    raise refused(
        f"Relation {name} is not available to readers; "
        f"{catalogue.database} offers {', '.join(sorted(catalogue.views))}."
    )


def inner_select(tokens: Sequence[Token]) -> int | None:
    """Where the SELECT inside EXPLAIN … or DESCRIBE (…) begins, as a position in the text."""
    for position, token in enumerate(tokens[1:], start=1):
        if token.upper in ("SELECT", "WITH", "FROM") or token.text == "(":
            return token.start
        if tokens[0].upper == "EXPLAIN":
            allowed = token.upper in _EXPLAIN_KINDS or _is_option(tokens, position)
        else:
            allowed = token.upper == "TABLE"
        if not allowed:
            return None
    return None


def _is_option(tokens: Sequence[Token], position: int) -> bool:
    """Whether a token belongs to EXPLAIN's own `name = 0|1` options."""
    token = tokens[position]
    if token.text in ("=", ",") or token.kind == "number":
        return True
    following = tokens[position + 1] if position + 1 < len(tokens) else None
    return token.kind == "word" and following is not None and following.text == "="


def tells_no_sizes(tokens: Sequence[Token]) -> bool:
    """Whether an EXPLAIN shows the statement only, not how many rows of everyone's would be read for it."""
    words = [token.upper for token in tokens[1:3]]
    return words[:1] in (["AST"], ["SYNTAX"]) or words == ["QUERY", "TREE"]


def judge_listing(tokens: Sequence[Token], catalogue: Catalogue) -> None:
    """Judge SHOW, DESCRIBE and EXISTS; the engine parses them, their form here is exact."""
    words = [token.upper or token.text for token in tokens]
    names = _Names(tokens)
    match words[0]:
        case "SHOW":
            _judge_show(words, names, catalogue)
        case "DESCRIBE" | "DESC":
            judge_relation(names.only(2 if words[1:2] == ["TABLE"] else 1), catalogue)
        case "EXISTS":
            if words[1:2] == ["DATABASE"]:
                return
            if words[1:2] in (["DICTIONARY"], ["TEMPORARY"]):
                raise refused("Only tables, views and databases can be asked for.")
            name = names.only(2 if words[1] in ("TABLE", "VIEW") else 1)
            if name.split(".")[0] in ("system", *SCHEMA_DATABASES):
                judge_relation(name, catalogue)
        case _:
            raise refused("Readers may run SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN.")


def _judge_show(words: list[str], names: _Names, catalogue: Catalogue) -> None:
    rest = words[1:]
    while rest[:1] in (["FULL"], ["EXTENDED"]):
        rest = rest[1:]
    skipped = len(words) - len(rest)
    if rest[:1] == ["CREATE"]:
        if rest[1:2] in (["TABLE"], ["VIEW"]):
            skipped += 1
        judge_relation(names.only(skipped + 1), catalogue)
    elif rest[:1] == ["TABLES"]:
        if rest[1:2] in (["FROM"], ["IN"]):
            database = names.at(skipped + 2)
            if database not in (catalogue.database, "system", *SCHEMA_DATABASES):
                raise refused(f"Only tables of {catalogue.database} and system can be listed.")
    elif rest[:1] in (["COLUMNS"], ["FIELDS"]):
        if rest[1:2] not in (["FROM"], ["IN"]):
            raise refused("SHOW COLUMNS needs FROM and a relation.")
        judge_relation(names.dotted(skipped + 2)[0], catalogue)
        if any(word in ("FROM", "IN") for word in rest[3:]):
            raise refused("Write the database before the relation, as in database.relation.")
    elif not (rest and rest[0] in _SHOW_LISTS):
        raise refused("This SHOW statement is not available to readers.")


class _Names:
    """Relation names in a token list."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens

    def at(self, position: int) -> str:
        """The single name at a position."""
        if position >= len(self._tokens) or self._tokens[position].kind not in ("word", "quoted"):
            raise refused("A name is missing in the statement.")
        return self._tokens[position].name

    def dotted(self, position: int) -> tuple[str, int]:
        """The name, perhaps with its database, and the position after it."""
        name = self.at(position)
        position += 1
        if position < len(self._tokens) and self._tokens[position].text == ".":
            name = f"{name}.{self.at(position + 1)}"
            position += 2
        return name, position

    def only(self, position: int) -> str:
        """The name that ends the statement."""
        name, end = self.dotted(position)
        if end != len(self._tokens):
            raise refused("The statement has more after the relation's name than is allowed.")
        return name
