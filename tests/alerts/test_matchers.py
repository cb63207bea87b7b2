"""Matchers mean what they mean in Alertmanager, and no pattern takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.alerts import matchers
from tracestore.alerts.matchers import Matcher
from tracestore.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('agent="planner"', {"agent": "planner"}, True),
        ('agent="planner"', {"agent": "planner2"}, False),
        ('agent="planner"', {}, False),
        ("agent=planner", {"agent": "planner"}, True),
        ('agent!="planner"', {"agent": "writer"}, True),
        ('agent!="planner"', {}, True),
        ('agent=""', {}, True),
        ('agent!=""', {}, False),
        ('agent=~"plan"', {"agent": "planner"}, False),
        ('agent=~"plan.*"', {"agent": "planner"}, True),
        ('agent=~"a|b"', {"agent": "b"}, True),
        ('agent=~"a|b"', {"agent": "ab"}, False),
        ('agent=~".*"', {}, True),
        ('agent=~".+"', {}, False),
        ('agent=~"a.b"', {"agent": "a\nb"}, True),
        ('agent=~"(?i)PLANNER"', {"agent": "planner"}, True),
        ('agent!~"t-.*"', {"agent": "t-1"}, False),
        ('agent!~"t-.*"', {"agent": "x"}, True),
        ('{agent="planner", tool=~"s.*"}', {"agent": "planner", "tool": "search"}, True),
        ('{agent="planner", tool=~"s.*"}', {"agent": "planner", "tool": "fetch"}, False),
        ('agent="a, \\"b\\""', {"agent": 'a, "b"'}, True),
        ('version=~"2\\.1"', {"version": "2.1"}, True),
        ('version=~"2\\.1"', {"version": "2x1"}, False),
        ("", {"agent": "x"}, True),
    ],
)
def test_what_holds(text: str, labels: dict[str, str], holds: bool) -> None:
    assert matchers.matches(matchers.parse(text), labels) is holds


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("agent", "expected matchers such as"),
        ("agent=~a(", "missing"),
        ('agent=~"a)|(b"', "unexpected"),
        ('agent=~"\\Qa"', "missing"),
        ("1x=a", "expected matchers"),
        ("a=b c=d", "expected matchers"),
        (7, "expected matchers"),
        ([7], "expected matchers"),
        ([{"name": "a"}], "expected name, value"),
        ([{"name": "a", "value": "b", "x": 1}], "expected name, value"),
        ([{"name": "a b", "value": "b"}], "is no label"),
        ([{"name": "a", "value": "x" * 501}], "at most 500"),
        (["a=b"] * 21, "at most 20"),
        (",".join(["a=b"] * 21), "at most 20"),
    ],
)
def test_what_is_none(given: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as error:
        matchers.parse(given)
    assert error.value.field == "matchers"


def test_objects_as_alertmanager_has_them() -> None:
    given = [{"name": "agent", "value": "a|b", "isRegex": True, "isEqual": False}]
    assert matchers.parse(given) == (Matcher("agent", "a|b", True, False),)
    assert matchers.stored(matchers.as_json(matchers.parse(given))) == matchers.parse(given)


NAMES = st.sampled_from(["a", "b_c", "x.y"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.lists(st.builds(Matcher, NAMES, TEXTS, st.just(False), st.booleans()), max_size=5))
def test_as_text_is_read_again(given: list[Matcher]) -> None:
    assert list(matchers.parse(matchers.as_text(given))) == given


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+$", "(.*a){12}", "(?:a?){30}a{30}"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """These take a backtracking engine longer than anybody lives."""
    wanted = matchers.parse([Matcher("a", pattern, True)])
    begun = time.process_time()
    matchers.matches(wanted, {"a": "a" * 500 + "!"})
    assert time.process_time() - begun < 2
