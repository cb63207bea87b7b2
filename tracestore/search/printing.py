"""Tree → text that parses to the same tree; and small edits of a search's text."""

from __future__ import annotations

import re
from decimal import Decimal

from tracestore.search.fields import BY_NAME
from tracestore.search.parser import parse
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
    Pattern,
    Sequence,
    Text,
    all_of,
)  # fmt: skip

#: What needs no quotes: as a free word, as a value, as the key of an attribute.
_WORD = re.compile(r"(?!AND$|OR$|NOT$)[^\W\d_][\w.]*", re.ASCII)
_VALUE = re.compile(r"[\w.][\w.\-/@]*", re.ASCII)
_KEY = re.compile(r"[\w.\-/]*[\w/]", re.ASCII)


def printed(tree: Node | None) -> str:
    """The text of a search."""
    return "" if tree is None else _either(tree)


def with_term(text: str, term: Node) -> str:
    """The search with one more condition, or without it if it is there as one of the outermost.

    Raises:
        InvalidInput: the text is no search.
    """
    tree = parse(text)
    parts = tree.parts if isinstance(tree, And) else () if tree is None else (tree,)
    if term in parts:
        return printed(all_of(*(part for part in parts if part != term)))
    if tree is None:
        return printed(term)
    return f"({text.strip()}) {printed(term)}" if isinstance(tree, Or) else f"{text.strip()} {printed(term)}"


def _either(node: Node) -> str:
    return " OR ".join(map(_every, node.parts)) if isinstance(node, Or) else _every(node)


def _every(node: Node) -> str:
    return " ".join(map(_single, node.parts)) if isinstance(node, And) else _single(node)


def _single(node: Node) -> str:
    match node:
        case And() | Or():
            return f"({_either(node)})"
        case Not(part):
            # A sequence would take the sign for its first step's to a reader's eye.
            return f"-({_either(part)})" if isinstance(part, Sequence | Not) else f"-{_single(part)}"
        case HasSpan(part):
            return f"span({_either(part)})"
        case Sequence(steps, links):
            text = _step(steps[0])
            for link, step in zip(links, steps[1:], strict=True):
                text += f" {link} {_step(step)}"
            return text
        case Has(field):
            return f"has:{_named(field)}"
        case Match(field, comparison, value):
            sign = ":" if comparison == "=" else comparison
            return f"{_name(field)}{sign}{_value(field, value)}"
        case Identifier(text):
            return text
        case Text(text):
            return text if _WORD.fullmatch(text) and not _hexadecimal(text) else _quoted(text)
    raise AssertionError(node)


def _step(node: Node) -> str:
    return _single(node) if isinstance(node, Match | Has) else f"span({_either(node)})"


def _hexadecimal(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{32}", text))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(field: Field) -> str:
    if not field.space:
        return field.name
    return f"{field.space}.{field.name if _KEY.fullmatch(field.name) else _quoted(field.name)}"


def _named(field: Field) -> str:
    name = f"{field.space}.{field.name}" if field.space else field.name
    return name if _VALUE.fullmatch(name) else _quoted(name)


def _value(field: Field, value: Pattern | Decimal) -> str:
    if isinstance(value, Decimal):
        unit = "ns" if not field.space and BY_NAME[field.name].holds == "time" else ""
        return f"{value:f}{unit}"
    plain = all(not part or _VALUE.fullmatch(f"x{part}") for part in value.parts)
    if plain and value.parts != ("",):
        return "*".join(value.parts)
    return '"' + "*".join(re.sub(r'([\\"*])', r"\\\1", part) for part in value.parts) + '"'
