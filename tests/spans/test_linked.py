"""Traces joined by links are one session; what only looks like it is not."""

from __future__ import annotations

import random

import pytest
from test_resolve import span

from tracestore.spans.linked import MAX_TRACES, PREFIX, edges, groups, join_sessions
from tracestore.spans.model import Link, Span


def made(trace: str, *to: str, start: int = 0, **columns: object) -> Span:
    found = span("s" + trace, trace=trace, start=start, **{"type": "agent", **columns})  # type: ignore[arg-type]
    found.record.links = [Link(other, "s" + other) for other in to]
    return found


def joined(*spans: Span) -> dict[str, str]:
    join_sessions(spans, edges(spans))
    return {found.record.trace_id: found.session_id for found in spans}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_does_not_matter(seed: int) -> None:
    spans = [made("c", "b", start=2), made("a", start=0), made("b", "a", start=1), made("alone")]
    random.Random(seed).shuffle(spans)
    assert joined(*spans) == {"a": PREFIX + "a", "b": PREFIX + "a", "c": PREFIX + "a", "alone": ""}
    assert join_sessions(spans, edges(spans)) == []


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (("", "chat", ""), ("chat", "chat", "chat")),
        (("one", "two", ""), ("one", "two", PREFIX + "a")),
        ((PREFIX + "old", "", "chat"), ("chat", "chat", "chat")),
        ((PREFIX + "old", PREFIX + "old", ""), (PREFIX + "a",) * 3),
    ],
)
def test_named_sessions_win(sessions: tuple[str, ...], expected: tuple[str, ...]) -> None:
    a, b, c = sessions
    spans = made("a", session_id=a), made("b", "a", start=1, session_id=b), made("c", "b", start=2, session_id=c)
    assert tuple(joined(*spans).values()) == expected


def test_what_is_no_hand_over() -> None:
    batch = made("c", "a", "b")
    assert edges([batch, made("d", "d"), made("e", ""), made("f", "a", "a")]) == {("f", "a")}
    plain = [made("a", type="other"), made("b", "a", type="other")]
    assert set(joined(*plain).values()) == {""}, "no agent in it: nobody's session"


def test_a_group_that_is_no_run_is_left_alone() -> None:
    assert groups([(str(n), str(n + 1)) for n in range(MAX_TRACES)]) == []
    assert len(groups([(str(n), str(n + 1)) for n in range(MAX_TRACES - 1)])[0]) == MAX_TRACES


def test_users_are_spread_and_never_made_up() -> None:
    spans = [made("a", user_id="u"), made("b", "a", start=1)]
    join_sessions(spans, edges(spans))
    assert [found.user_id for found in spans] == ["u", "u"]
    spans = [made("a", user_id="u"), made("b", "a", user_id="v"), made("c", "a")]
    join_sessions(spans, edges(spans))
    assert [found.user_id for found in spans] == ["u", "v", ""]
