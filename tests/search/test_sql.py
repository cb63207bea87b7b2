"""The SQL of a search holds no value of it."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import given

from tests.search.trees import TREES
from tracestore.clickhouse.search_sql import condition, without_text
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
)  # fmt: skip


def with_other_values(node: Any) -> Any:
    """The same tree with other texts and numbers in it."""
    match node:
        case Text(text):
            return Text(f"{text}';--")
        case Identifier(text):
            return Identifier("f" * len(text))
        case Pattern(parts):
            return node if parts == ("",) else Pattern(tuple(f"{part}'%" for part in parts))
        case Field(name, space):
            return Field(f"{name}'", space) if space else node
        case Decimal():
            return node + 7
    if isinstance(node, tuple):
        return tuple(with_other_values(part) for part in node)
    if is_dataclass(node) and not isinstance(node, type):
        return replace(node, **{one.name: with_other_values(getattr(node, one.name)) for one in fields(node)})
    return node


def shape(text: str) -> str:
    return re.sub(r"\{s\d+:", "{:", text)


@given(TREES)
def test_the_text_does_not_depend_on_the_values(tree: Node) -> None:
    made = condition(tree)
    assert shape(made.text) == shape(condition(with_other_values(tree)).text)
    assert set(re.findall(r"\{(s\d+):(?:String|UInt64|Float64)\}", made.text)) == made.parameters.keys()


def test_every_kind_of_term_binds_its_value() -> None:
    tree = Not(HasSpan(Match(Field("http.status", "attr"), "=", Pattern(("5%", "_")))))
    made = condition(tree)
    assert list(made.parameters.values()) == ["http.status", "5\\%%\\_"]
    assert condition(Has(Field("x", "resource"))).parameters == {"s0": "x"}
    assert condition(Sequence((Text("a"), Text("b")), ("->",))).parameters == {"s0": "a", "s1": "b"}


@given(TREES)
def test_without_text_no_payload_is_read_and_the_rest_stays(tree: Node) -> None:
    loose = without_text(tree)
    assert loose is None or "stored_payloads" not in condition(loose).text
    if "stored_payloads" not in condition(tree).text:
        assert loose == tree


def test_what_is_left_without_text_is_not_stricter() -> None:
    tool, word = Match(Field("tool"), "=", Pattern(("search_kb",))), Text("refund")
    assert without_text(And((tool, word))) == tool
    assert without_text(HasSpan(And((tool, word)))) == HasSpan(tool)
    for whole in (
        word,
        Or((tool, word)),
        Not(word),
        Not(And((tool, word))),
        HasSpan(word),
        Sequence((tool, word), ("~>",)),
    ):
        assert without_text(whole) is None
    assert without_text(And((tool, Not(word), Or((word, tool))))) == tool
