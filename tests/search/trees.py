"""Trees of any shape that the language can say."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from tracestore.search.fields import FIELDS, Known
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

TEXTS = st.text(min_size=1, max_size=12)
PATTERNS = st.lists(st.text(max_size=6), min_size=1, max_size=3).map(lambda parts: Pattern(tuple(parts)))
COUNTS = st.integers(0, 10**12).map(Decimal)
MONEY = st.decimals(0, 10**6, places=6, allow_nan=False, allow_infinity=False)
COMPARISONS = st.sampled_from(["=", ">", ">=", "<", "<="])
ATTRIBUTES = st.builds(Field, TEXTS, st.sampled_from(["attr", "resource"]))


def match_of(known: Known, *, in_span: bool) -> st.SearchStrategy[Match]:
    field = Field(known.name)
    allowed = known.span_values if in_span and known.span_values else known.values
    if known.holds in ("text", "texts"):
        exact = st.sampled_from(allowed or ("a",)).map(lambda value: Pattern((value,)))
        gaps = PATTERNS.filter(lambda made: not made.exact)
        return st.builds(Match, st.just(field), st.just("="), exact | gaps if allowed else PATTERNS)
    return st.builds(Match, st.just(field), COMPARISONS, MONEY if known.holds == "money" else COUNTS)


def leaves(*, in_span: bool) -> st.SearchStrategy[Node]:
    known = [field for field in FIELDS if field.span or not in_span]
    return st.one_of(
        st.builds(Text, TEXTS.map(lambda text: text)),
        st.from_regex(r"[0-9a-f]{16}([0-9a-f]{16})?", fullmatch=True).map(Identifier),
        st.sampled_from(known).flatmap(lambda one: match_of(one, in_span=in_span)),
        st.sampled_from(known).map(lambda one: Has(Field(one.name))),
        ATTRIBUTES.map(Has),
        st.builds(Match, ATTRIBUTES, st.just("="), PATTERNS),
        st.builds(Match, ATTRIBUTES, st.sampled_from([">", ">=", "<", "<="]), MONEY),
    )


def flat(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    made: list[Node] = []
    for part in parts:
        made += part.parts if isinstance(part, kind) else [part]  # type: ignore[attr-defined]
    return kind(tuple(made))


def combined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        inner.map(Not), several.map(lambda parts: flat(And, parts)), several.map(lambda parts: flat(Or, parts))
    )


SPAN_TREES = st.recursive(leaves(in_span=True), combined, max_leaves=4)


@st.composite
def sequences(draw: st.DrawFn) -> Sequence:
    steps = draw(st.lists(SPAN_TREES, min_size=2, max_size=3))
    links = draw(st.lists(st.sampled_from(["->", "~>"]), min_size=len(steps) - 1, max_size=len(steps) - 1))
    return Sequence(tuple(steps), tuple(links))


TREES = st.recursive(leaves(in_span=False) | SPAN_TREES.map(HasSpan) | sequences(), combined, max_leaves=5)
