"""What is offered while somebody types."""

from __future__ import annotations

import pytest

from tracestore.search.completing import Place, attributes, fields, place_of, values
from tracestore.search.parser import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|", Place("field", 0, 0, "")),
        ("sta|", Place("field", 0, 3, "sta")),
        ("a -st|x b", Place("field", 3, 6, "st")),
        ("agent:|", Place("value", 6, 6, "", "agent")),
        ("cost>0|.5 x", Place("value", 5, 8, "0", "cost")),
        ('tool:"web s|', Place("value", 5, 11, "web s", "tool")),
        ("session_id:s|", Place("value", 11, 12, "s", "session")),
        ("span(type:t|", Place("value", 10, 11, "t", "type", True)),
        ("span(a) sta|", Place("field", 8, 11, "sta")),
        ("(a (b|", Place("field", 4, 5, "b")),
        ("has:co|", Place("field", 4, 6, "co", "has")),
        ("attr.htt|", Place("attribute", 0, 8, "htt", "attr")),
        ('"agent:|', None),
        ('"a \\" b|', None),
    ],
)
def test_the_place_of_the_caret(text: str, expected: Place | None) -> None:
    at = text.index("|")
    assert place_of(text.replace("|", ""), at) == expected


def test_fields_that_begin_so_come_first() -> None:
    names = [option.insert for option in fields(Place("field", 0, 2, "er"))]
    assert names[:2] == ["errors>", "error:"]
    assert "user:" in names
    assert [option.insert for option in fields(Place("field", 0, 2, "sp"))][-1] == "span("
    assert "errors>" not in [option.insert for option in fields(Place("field", 0, 3, "err", in_span=True))]
    assert "errors" in [option.insert for option in fields(Place("field", 4, 7, "err", "has"))]


def test_values_are_counted_and_quoted_where_needed() -> None:
    place = Place("value", 0, 0, "s", "tool")
    found = values(place, [("send", 3), ("web search", 9), ('"s"*', 1), ("x", 5)])
    assert [(option.insert, option.count) for option in found] == [
        ("send", 3),
        ('"web search"', 9),
        ('"\\"s\\"\\*"', 1),
    ]
    for option in found:
        tree = parse(f"tool:{option.insert}")
        assert tree is not None
        assert tree.value.parts == (option.label,)  # type: ignore[union-attr]


def test_few_values_are_offered_though_nothing_has_them() -> None:
    found = values(Place("value", 7, 7, "", "status"), [("error", 2)])
    assert [(option.label, option.count) for option in found] == [("error", 2), ("ok", None), ("running", None)]
    inside = values(Place("value", 7, 7, "", "status", in_span=True), [])
    assert [option.label for option in inside] == ["unset", "ok", "error"]


def test_names_of_attributes() -> None:
    found = attributes(Place("attribute", 0, 6, "x", "attr"), ["x.y", "a x", "b"])
    assert [option.insert for option in found] == ["attr.x.y:", 'attr."a x":']
