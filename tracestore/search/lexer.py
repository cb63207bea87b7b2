"""Text → tokens. Every token knows where it stands, so that a complaint can point at it.

Raises only `wrong(...)`: InvalidInput with the field `q`, the offset in characters and what was expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracestore.errors import InvalidInput
from tracestore.search.fields import BY_NAME, HAS, SPACES, nearest
from tracestore.search.tree import Field

#: Longer than any sensible question; it bounds what the store is asked to look for.
MAX_LENGTH: Final = 2000

TokenKind: TypeAlias = Literal[
    "field", "quoted", "word", "span", "open", "close", "minus", "and", "or", "not", "arrow", "end"
]


NO_FIELD: Final = Field("")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text from `start` to before `end`.

    A `field` token is the name and what compares it (`comparison`); its value follows in `value`,
    where a backslash before `*` still stands, so that the parser tells `*` from `\\*`.
    """

    kind: TokenKind
    start: int
    end: int
    value: str = ""
    field: Field = NO_FIELD
    comparison: str = ""
    value_start: int = 0


_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_]\w*(?:[.\-]\w+)*", re.ASCII)
_KEY = re.compile(r'"(?:[^"\\]|\\.)*"|[\w.\-/]*[\w/]', re.ASCII | re.DOTALL)
_COMPARISON = re.compile(r"!=|>=|<=|:(?:>=|<=|>|<)?|=|>|<")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
#: A value ends before a space, a bracket, a quote or an arrow; a free word before the first three.
_VALUE = re.compile(r'(?:(?!->|~>)[^\s()"])+')
_WORD_END = re.compile(r'[\s()"]')
_ARROW = re.compile(r"->|~>")
_KEYWORDS: Final[dict[str, TokenKind]] = {"AND": "and", "OR": "or", "NOT": "not"}


def wrong(message: str, offset: int) -> InvalidInput:
    return InvalidInput(message, field="q", offset=offset)


def tokens(text: str) -> list[Token]:
    """All tokens, the last of them `end`.

    Raises:
        InvalidInput: a quote that is not closed, an unknown field, a missing value, too long a text.
    """
    if len(text) > MAX_LENGTH:
        raise wrong(f"q is too long: at most {MAX_LENGTH} characters.", MAX_LENGTH)
    found: list[Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        token = _next(text, at)
        found.append(token)
        at = _after_space(text, token.end)
    found.append(Token("end", len(text), len(text)))
    return found


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _next(text: str, at: int) -> Token:
    character = text[at]
    if character in "()":
        return Token("open" if character == "(" else "close", at, at + 1)
    if character == '"':
        return Token("quoted", at, (end := _quote_end(text, at)), unescaped(text[at + 1 : end - 1]))
    if character == "-" and re.match(r'[\w"(]', text[at + 1 : at + 2]):
        return Token("minus", at, at + 1)
    if arrow := _ARROW.match(text, at):
        return Token("arrow", at, arrow.end(), arrow[0])
    if text.startswith("span(", at):
        return Token("span", at, at + 5)
    return _field(text, at) or _word(text, at)


def _word(text: str, at: int) -> Token:
    stop = _WORD_END.search(text, at)
    end = stop.start() if stop else len(text)
    return Token(_KEYWORDS.get(text[at:end], "word"), at, end, text[at:end])


def _field(text: str, at: int) -> Token | None:
    """A field and its value, or None where the text is a word: no name, or nothing that compares."""
    name = _NAME.match(text, at)
    if name is None:
        return None
    field, end = _named(text, at, name)
    comparison = _COMPARISON.match(text, end)
    # An address is a word, whatever stands before its colon.
    if comparison is None or text.startswith("://", end):
        return None
    begin = comparison.end()
    quoted = text.startswith('"', begin)
    value = None if quoted else _VALUE.match(text, begin)
    if field is None:
        # "Error:" before a space is a word; what looks like a field is told before anything is searched.
        if value is None and not quoted:
            return None
        raise _unknown(name[0], at, text[at : value.end() if value else begin])
    if quoted:
        stop = _quote_end(text, begin)
        return Token("field", at, stop, text[begin + 1 : stop - 1], field, comparison[0], begin)
    if value is None:
        raise wrong(f"Expected a value after {text[at:begin][:100]}", begin)
    return Token("field", at, value.end(), value[0], field, comparison[0], begin)


def _named(text: str, at: int, name: re.Match[str]) -> tuple[Field | None, int]:
    """The field that a name stands for, if any, and where it ends."""
    for space in SPACES:
        begin = at + len(space) + 1
        if text.startswith(f"{space}.", at):
            key = _KEY.match(text, begin)
            if key is None or key[0] == '""':
                raise wrong(f"Expected the name of an attribute after {space}.", begin)
            plain = unescaped(key[0][1:-1]) if key[0].startswith('"') else key[0]
            return Field(plain, space), key.end()
    if name[0] == HAS:
        return Field(HAS), name.end()
    known = BY_NAME.get(name[0])
    return (Field(known.name) if known else None), name.end()


def _unknown(name: str, at: int, whole: str) -> InvalidInput:
    like = nearest(name, BY_NAME)
    hint = f"Did you mean {like}? " if like else ""
    example = f'"{whole[:60]}"'.replace('""', '"')
    return wrong(f"There is no field {name[:100]}. {hint}To look for it as text, quote it: {example}.", at)


def _quote_end(text: str, at: int) -> int:
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise wrong('Expected a closing " for the one here.', at)
    return quoted.end()


def unescaped(text: str) -> str:
    r"""What a quoted text says: `\"` and `\\` stand for the second character, any other backslash for itself."""
    return re.sub(r'\\(["\\])', r"\1", text)
