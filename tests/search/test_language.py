"""The language: what it means, where it complains, and that nothing breaks it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.search.trees import TREES
from tracestore.errors import InvalidInput
from tracestore.search.lexer import MAX_LENGTH
from tracestore.search.parser import MAX_DEPTH, MAX_TERMS, parse
from tracestore.search.printing import printed, with_term
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
    exactly,
)  # fmt: skip

A, B, C = Text("a"), Text("b"), Text("c")
TOOL_A, TOOL_B = exactly("tool", "a"), exactly("tool", "b")
ERROR = exactly("status", "error")
PASTED = ["http://a:80/", "at", "12:30", "--", "Error:", "x"]


def number(name: str, comparison: str, value: int | str) -> Match:
    return Match(Field(name), comparison, Decimal(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \n", None),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a and b", And((A, Text("and"), B))),
        ("-a NOT b", And((Not(A), Not(B)))),
        ("a-b x -y", And((Text("a-b"), Text("x"), Not(Text("y"))))),
        ('"no route" "say \\"x\\""', And((Text("no route"), Text('say "x"')))),
        (" ".join(PASTED), And(tuple(map(Text, PASTED)))),
        ("status:error", ERROR),
        ("status!=error", Not(ERROR)),
        ('agent:"night shift"', exactly("agent", "night shift")),
        ("session_id:s user_id:u", And((exactly("session", "s"), exactly("user", "u")))),
        ("tool:search_*", Match(Field("tool"), "=", Pattern(("search_", "")))),
        ('tool:"a\\*b"', exactly("tool", "a*b")),
        ('agent:""', exactly("agent", "")),
        ("cost>$0.5", number("cost", ">", "0.5")),
        ("cost:>=1", number("cost", ">=", 1)),
        ("duration<2s took>=1.5ms", And((number("duration", "<", 2 * 10**9), number("duration", ">=", 1_500_000)))),
        ("tokens>12k errors:0", And((number("tokens", ">", 12_000), number("errors", "=", 0)))),
        ("has:cost -has:attr.x.y", And((Has(Field("cost")), Not(Has(Field("x.y", "attr")))))),
        ("attr.http.status_code:500", Match(Field("http.status_code", "attr"), "=", Pattern(("500",)))),
        ('resource."my key"!=x', Not(Match(Field("my key", "resource"), "=", Pattern(("x",))))),
        ("attr.n>-5", Match(Field("n", "attr"), ">", Decimal(-5))),
        ("span(tool:a OR b)", HasSpan(Or((TOOL_A, B)))),
        ("span(status:unset)", HasSpan(exactly("status", "unset"))),
        ("tool:a -> tool:b", Sequence((TOOL_A, TOOL_B), ("->",))),
        ("x tool:a->tool:b ~>span(b) y", And((Text("x"), Sequence((TOOL_A, TOOL_B, B), ("->", "~>")), Text("y")))),
        ("-tool:a -> tool:b", Not(Sequence((TOOL_A, TOOL_B), ("->",)))),
        ("0AF7651916CD43DD8448EB211C80319C", Identifier("0af7651916cd43dd8448eb211c80319c")),
        ('"0af7651916cd43dd8448eb211c80319c"', Text("0af7651916cd43dd8448eb211c80319c")),
        ("func(x)", And((Text("func"), Text("x")))),
    ],
)  # fmt: skip
def test_what_it_means(text: str, tree: Node | None) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("status:error agnt:x", 13, "Did you mean agent?"),
        ("zzzz:1", 0, 'quote it: "zzzz:1"'),
        ("status:eror", 7, "ok, error or running, not eror. Did you mean error?"),
        ("a agent: b", 8, "Expected a value after agent:"),
        ('say "never', 4, 'closing "'),
        ("(a", 0, "Expected )"),
        ("a)", 1, "closes none"),
        ("a ()", 3, "before the bracket closes"),
        ("a OR", 4, "at the end"),
        ("OR a", 0, "before OR"),
        ("cost>much", 5, "US dollars"),
        ("duration>2", 9, "with its unit"),
        ("errors>1.5", 7, "whole number"),
        ("tokens:many", 7, "count"),
        ("agent>x", 5, "is a text"),
        ("has:colour", 4, "no field colour"),
        ("attr.x>y", 7, "a number"),
        ("span(errors>1)", 5, "whole trace"),
        ("span(a", 4, "Expected )"),
        ("span(span(a))", 5, "inside of another"),
        ("span(tool:a -> tool:b)", 12, "inside of span"),
        ("tool:a -> b", 10, "A step is"),
        ("errors>1 -> tool:b", 0, "A step is"),
        ("tool:a ->", 9, "at the end"),
        ('""', 0, "some text"),
        ("(" * 30 + "a", MAX_DEPTH, "Nested too deeply"),
        ("a " * 50, 2 * MAX_TERMS, "Too many terms"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "too long"),
        (" -> ".join(["tool:a"] * 6), 50, "Too many steps"),
    ],
)
def test_complaints_point_at_the_place(text: str, offset: int, expected: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert (caught.value.field, caught.value.offset) == ("q", offset), caught.value.message
    assert expected in caught.value.message


PIECES = st.sampled_from(
    ["agent", "tool", "cost", "has", "attr.", "span(", ":", ">", "!=", "->", "~>", " ", "(", ")", '"', "-", "*", "\\",
     "OR", "NOT", "x", "5", "2s", "é", "\x00", "error"]
)  # fmt: skip


@given(st.text(max_size=60) | st.lists(PIECES, max_size=25).map("".join))
def test_any_text_parses_or_is_refused_at_a_place(text: str) -> None:
    complaint = None
    try:
        tree = parse(text)
    except InvalidInput as error:
        complaint = error
    if complaint is None:
        assert parse(printed(tree)) == tree
    else:
        assert complaint.field == "q"
        assert complaint.offset in range(len(text) + 1)


@given(TREES)
def test_every_tree_prints_to_a_text_that_says_the_same(tree: Node) -> None:
    text = printed(tree)
    assume(len(text) <= MAX_LENGTH)
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "status:error"),
        ("refund  x", "refund  x status:error"),
        ("a OR b", "(a OR b) status:error"),
        ("status:error", ""),
        ("a status:error b", "a b"),
        ("(a OR b) status:error", "a OR b"),
        ("-status:error", "-status:error status:error"),
    ],
)
def test_a_condition_is_put_in_and_taken_out(before: str, after: str) -> None:
    assert with_term(before, ERROR) == after
