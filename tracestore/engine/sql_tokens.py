"""A tokenizer for ClickHouse SQL: just enough to find where clauses begin and end.

It decides nothing about safety. What a reader may run is judged on the engine's own parse
(`admission`); this only tells text from strings and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/|\#[ !][^\n]*)"
    r"|(?P<string>'(?:[^'\\]|\\.|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<quoted>`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<symbol>.)",
    re.DOTALL | re.ASCII,
)
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


class Token(NamedTuple):
    """One piece of the statement; `depth` counts the brackets around it."""

    kind: str  # word, quoted, string, number or symbol
    text: str
    start: int
    end: int
    depth: int

    @property
    def upper(self) -> str:
        """The keyword this token could be; empty for anything but a bare word."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier this token spells, without its quotes."""
        if self.kind == "quoted":
            quote = self.text[0]
            return re.sub(r"\\(.)", r"\1", self.text[1:-1].replace(quote * 2, quote))
        return self.text


def tokenize(text: str, start: int = 0) -> Iterator[Token]:
    """Yield the tokens of `text` from `start`, without white space and comments."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or "symbol"
        if kind == "tag":
            kind = "string"
        if kind in ("space", "comment"):
            continue
        piece = match.group()
        if kind == "symbol" and piece in _CLOSING:
            depth = max(0, depth - 1)
        yield Token(kind, piece, match.start(), match.end(), depth)
        if kind == "symbol" and piece in _OPENING:
            depth += 1
