"""Tokens → tree, by recursive descent. The grammar in docs/search.md has one rule for each function here."""

from __future__ import annotations

import re
from typing import Final

from tracestore.search import values
from tracestore.search.fields import BY_NAME, HAS
from tracestore.search.lexer import Token, TokenKind, tokens, wrong
from tracestore.search.tree import (
    And,
    Field,
    Has,
    HasSpan,
    Identifier,
    Match,
    Node,
    Not,
    Or,
    Sequence,
    Text,
)  # fmt: skip

MAX_TERMS: Final = 40
MAX_DEPTH: Final = 12
MAX_STEPS: Final = 5

_ID = re.compile(r"[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?")
_STARTS: Final[frozenset[TokenKind]] = frozenset({"field", "quoted", "word", "span", "open", "minus", "not"})


def parse(text: str) -> Node | None:
    """The tree of a search; None for an empty one.

    Raises:
        InvalidInput: it is no search; `offset` is the character at which, the message says what was expected.
    """
    given = tokens(text)
    if len(given) == 1:
        return None
    found = _Parser(given)
    tree = found.either()
    if found.now.kind == "end":
        return tree
    # Nothing but a bracket ends what `either` reads before the end.
    raise wrong("This bracket closes none.", found.now.start)


class _Parser:
    def __init__(self, given: list[Token]) -> None:
        self.tokens = given
        self.at = 0
        self.terms = 0
        self.depth = 0
        #: Inside span(…), where the fields of a span count.
        self.in_span = False

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.now
        self.at += 1
        return token

    def deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise wrong(f"Nested too deeply: at most {MAX_DEPTH} levels of brackets and negations.", at)

    def either(self) -> Node:
        parts = [self.every()]
        while self.now.kind == "or":
            self.take()
            parts.append(self.every())
        return _flat(Or, parts)

    def every(self) -> Node:
        parts = [self.negated()]
        while self.now.kind == "and" or self.now.kind in _STARTS:
            if self.now.kind == "and":
                self.take()
            parts.append(self.negated())
        return _flat(And, parts)

    def negated(self) -> Node:
        if self.now.kind not in ("minus", "not"):
            return self.sequence()
        token = self.take()
        self.deeper(token.start)
        part = self.negated()
        self.depth -= 1
        return Not(part)

    def sequence(self) -> Node:
        starts = [self.now]
        steps = [self.single()]
        links: list[str] = []
        while self.now.kind == "arrow":
            if self.in_span:
                raise wrong("A sequence cannot stand inside of span(…): a span is one moment.", self.now.start)
            links.append(self.take().value)
            starts.append(self.now)
            steps.append(self.single())
        if not links:
            return steps[0]
        if len(steps) > MAX_STEPS:
            raise wrong(f"Too many steps: at most {MAX_STEPS}.", starts[MAX_STEPS].start)
        made = tuple(_step(step, token) for step, token in zip(steps, starts, strict=True))
        return Sequence(made, tuple(links))  # type: ignore[arg-type]  # the lexer knows no other arrows

    def single(self) -> Node:
        token = self.now
        if token.kind == "open":
            self.take()
            return self.closed(token)
        if token.kind == "span":
            return self.span(self.take())
        if token.kind in ("field", "quoted", "word"):
            self.take()
            self.terms += 1
            if self.terms > MAX_TERMS:
                raise wrong(f"Too many terms: at most {MAX_TERMS}.", token.start)
            return self.term(token)
        if token.kind == "close":
            raise wrong("Expected a term before the bracket closes.", token.start)
        where = "at the end" if token.kind == "end" else f"before {token.value}"
        raise wrong(f'Expected a term {where}: a word, a "phrase" or a field such as status:error.', token.start)

    def closed(self, opened: Token) -> Node:
        """What stands between a bracket that is open and its end."""
        self.deeper(opened.start)
        inside = self.either() if self.now.kind != "end" else self.single()
        self.depth -= 1
        if self.now.kind != "close":
            raise wrong("Expected ) for the bracket that opens here.", opened.end - 1)
        self.take()
        return inside

    def span(self, token: Token) -> Node:
        if self.in_span:
            raise wrong("span(…) cannot stand inside of another one.", token.start)
        self.in_span = True
        inside = self.closed(token)
        self.in_span = False
        return HasSpan(inside)

    def term(self, token: Token) -> Node:
        if token.kind == "quoted":
            return Text(token.value) if token.value else _empty(token)
        if token.kind == "word":
            if _ID.fullmatch(token.value):
                return Identifier(token.value.lower())
            return Text(token.value)
        if token.field == Field(HAS):
            return Has(values.named(token, in_span=self.in_span))
        self.check(token, token.field)
        match, negative = values.compared(token, in_span=self.in_span)
        return Not(match) if negative else match

    def check(self, token: Token, field: Field) -> None:
        known = BY_NAME.get(field.name) if not field.space else None
        if known is not None and self.in_span and not known.span:
            raise wrong(f"{known.name} is of a whole trace: expected it outside of span(…).", token.start)


def _flat(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else [part]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _step(node: Node, token: Token) -> Node:
    """A step of a sequence: a field that a span has, or what span(…) holds."""
    if isinstance(node, HasSpan):
        return node.part
    if isinstance(node, Match | Has) and (node.field.space or BY_NAME[node.field.name].span):
        return node
    raise wrong("A step is a field of a span, such as tool:search_kb, or span(…).", token.start)


def _empty(token: Token) -> Node:
    raise wrong("Expected some text between the quotes.", token.start)
