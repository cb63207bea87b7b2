"""What a request asks for: the statement taken apart into the pieces the engine handles apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tracestore.engine.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, EngineError
from tracestore.engine.sql_tokens import Token, tokenize

_INSERT_START = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/|#[ !][^\n]*\n)*insert\b", re.I | re.DOTALL)
_WITH_START = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/|#[ !][^\n]*\n)*with\b", re.I | re.DOTALL)
_TEXT_INSERT = ("SELECT", "WITH", "FROM", "WATCH")
# Statements with a small result; all others but the streamed ones have none.
_LISTING = ("SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "KILL", "CHECK", "BACKUP", "RESTORE")
# Statements whose result can be large, and which take INTO OUTFILE.
_STREAMED = ("SELECT", "WITH", "FROM", "(", "VALUES")


@dataclass(frozen=True)
class Statement:
    """One statement without its trailing FORMAT and SETTINGS clauses and its semicolon."""

    text: str
    verb: str  # first keyword, upper case, or "("
    format: str | None = None
    settings: str = ""  # the trailing SETTINGS clause as written, without the keyword
    tokens: tuple[Token, ...] = field(default=(), repr=False, compare=False)

    @property
    def streams(self) -> bool:
        """Whether the result may be large, so that it must not be built in memory first."""
        return self.verb in _STREAMED and not _has_insert(self.tokens)

    @property
    def has_result(self) -> bool:
        """Whether the statement answers with rows (perhaps none), not just with success."""
        return self.streams or self.verb in _LISTING


@dataclass(frozen=True)
class InsertHead:
    """The statement part of an INSERT whose data follows it in the same body."""

    text: str  # INSERT INTO t (columns)
    format: str
    data_offset: int  # where the data begin, in bytes
    settings: str = ""  # the SETTINGS clause as written, without the keyword


def parse(text: str) -> Statement:
    """Take a statement apart. Raises for an empty text and for more than one statement."""
    tokens = list(tokenize(text))
    while tokens and tokens[-1].text == ";" and tokens[-1].kind == "symbol":
        tokens.pop()
    if not tokens:
        raise EngineError(SYNTAX_ERROR, "Syntax error: empty query.")
    for token in tokens:
        if token.kind == "symbol" and token.text == ";":
            raise EngineError(
                SYNTAX_ERROR,
                f"Syntax error (Multi-statements are not allowed): failed at position "
                f"{token.start + 1} (end of query).",
            )
    verb = tokens[0].upper or tokens[0].text
    output_format, settings, count = None, "", len(tokens)
    # SETTINGS may stand before FORMAT, after it, or on both sides.
    for _ in range(2):
        if output_format is None and _is_format_clause(tokens, count - 2):
            output_format = tokens[count - 1].name
            count -= 2
        start = _settings_clause(tokens, count)
        if start is not None:
            found = text[tokens[start].end : tokens[count - 1].end].strip()
            settings = f"{found}, {settings}" if settings else found
            count = start
    if count == 0:
        raise EngineError(SYNTAX_ERROR, "Syntax error: the statement has no body.")
    for position, token in enumerate(tokens[:-1]):
        if token.upper == "INTO" and tokens[position + 1].upper == "OUTFILE":
            raise EngineError(NOT_IMPLEMENTED, "INTO OUTFILE is not allowed over HTTP.")
    return Statement(
        text=text[: tokens[count - 1].end],
        verb=verb,
        format=output_format,
        settings=settings,
        tokens=tuple(tokens[:count]),
    )


def _is_format_clause(tokens: list[Token], position: int) -> bool:
    if position < 1:
        return False
    keyword, name = tokens[position], tokens[position + 1]
    return (
        keyword.depth == 0
        and keyword.upper == "FORMAT"
        and name.kind in ("word", "quoted")
        and tokens[position - 1].text not in (".", ",")
    )


def _settings_clause(tokens: list[Token], end: int) -> int | None:
    """The position of a top-level `SETTINGS name = …` that runs up to `end`, if there is one."""
    for position in range(end - 4, 0, -1):
        token = tokens[position]
        if (
            token.depth == 0
            and token.upper == "SETTINGS"
            and tokens[position + 1].kind in ("word", "quoted")
            and tokens[position + 2].text == "="
        ):
            return position
    return None


def parse_settings(text: str) -> dict[str, str]:
    """The values of a SETTINGS clause. Raises for anything but `name = literal, …`."""
    result: dict[str, str] = {}
    tokens = list(tokenize(text))
    position = 0
    while position < len(tokens):
        name = tokens[position]
        if name.kind not in ("word", "quoted") or position + 2 >= len(tokens):
            break
        if tokens[position + 1].text != "=":
            break
        value = tokens[position + 2]
        sign = ""
        if value.text in ("-", "+") and position + 3 < len(tokens):
            sign = value.text
            position += 1
            value = tokens[position + 2]
        if value.kind == "string" and value.text.startswith("'"):
            result[name.name] = unquote(value.text)
        elif value.kind == "number":
            result[name.name] = sign + value.text
        elif value.upper in ("TRUE", "FALSE"):
            result[name.name] = "1" if value.upper == "TRUE" else "0"
        else:
            break
        position += 3
        if position == len(tokens):
            return result
        if tokens[position].text != ",":
            break
        position += 1
    raise EngineError(SYNTAX_ERROR, "Syntax error in the SETTINGS clause.")


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}


def unquote(literal: str) -> str:
    """The value of a single-quoted SQL literal."""
    body = literal[1:-1].replace("''", "'")
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body, flags=re.DOTALL)


def quote(value: str) -> str:
    """A single-quoted SQL literal with this value."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def is_insert(body: bytes) -> bool:
    """Whether a body starts with an INSERT statement, after comments and WITH … clauses."""
    if _INSERT_START.match(body) is not None:
        return True
    if _WITH_START.match(body) is None:
        return False
    return _has_insert(tokenize(body.decode("latin-1")))


def _has_insert(tokens: Iterable[Token]) -> bool:
    """Whether INSERT INTO stands outside all brackets (a CTE may well be called insert)."""
    before = ""
    for token in tokens:
        if token.depth == 0 and token.upper == "INTO" and before == "INSERT":
            return True
        before = token.upper if token.depth == 0 else ""
    return False


def insert_head(body: bytes, complete: bool) -> InsertHead | Statement | None:
    """Find where the data of an INSERT begin.

    `body` is the beginning of the body, `complete` says whether it is all of it. The answer is
    None if more bytes are needed, a `Statement` if the INSERT brings no data of its own
    (INSERT … SELECT, FROM INFILE), else an `InsertHead`. Data may be binary, so the text is
    read one byte to a character: offsets stay byte offsets.
    """
    text = body.decode("latin-1")
    insert_seen = target_seen = False
    before: Token | None = None
    for token in tokenize(text):
        if not insert_seen:
            insert_seen = token.depth == 0 and token.upper == "INSERT"
            continue
        at_border = not complete and token.end >= len(text) - 1
        after_dot = before is not None and before.text == "."
        if token.depth == 0 and token.kind == "word" and target_seen and not after_dot:
            keyword = token.upper
            if before is not None and before.upper == "FORMAT":
                if at_border:
                    return None
                return _head(body, before.start, token.text, _skip_to_data(body, token.end))
            if at_border:
                return None
            if keyword == "VALUES":
                return _head(body, token.start, "Values", token.end)
            if keyword in _TEXT_INSERT:
                return parse(body.decode("utf-8", "surrogateescape")) if complete else None
        elif token.kind == "symbol" and token.text == "(" and token.depth == 0 and target_seen:
            rest = text[token.end : token.end + 64].lstrip().upper()
            if rest.startswith(("SELECT", "WITH")):
                return parse(body.decode("utf-8", "surrogateescape")) if complete else None
        if not target_seen:
            target_seen = token.kind in ("word", "quoted") and token.upper not in (
                "INSERT",
                "INTO",
                "TABLE",
                "FUNCTION",
            )
        before = token
    if not complete:
        return None
    return _head(body, len(body), "Values", len(body))


def _head(body: bytes, text_end: int, data_format: str, data_offset: int) -> InsertHead:
    text = body[:text_end].decode("utf-8", "surrogateescape").rstrip().rstrip(";")
    tokens = list(tokenize(text))
    start = _settings_clause(tokens, len(tokens))
    settings = "" if start is None else text[tokens[start].end :].strip()
    if start is not None:
        text = text[: tokens[start].start].rstrip()
    return InsertHead(text, data_format, data_offset, settings)


def _skip_to_data(body: bytes, position: int) -> int:
    """Data begin after the format's name, spaces and one line end (or a semicolon)."""
    while position < len(body) and body[position] in b" \t;":
        position += 1
    if body[position : position + 2] == b"\r\n":
        return position + 2
    if body[position : position + 1] == b"\n":
        return position + 1
    return position
