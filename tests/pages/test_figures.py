"""Figures as JSON: what is drawn, how series are told apart, and what stands in the table beside."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.design import generate
from dashboard.figures import over_time, spread
from dashboard.figures.chart import Chart, Series, Unit, label
from dashboard.pages.series import COUNT, DOLLARS, SECONDS

START = datetime(2026, 11, 26, 22, tzinfo=UTC)
STARTS = [START + timedelta(hours=k) for k in range(4)]
HOSTILE = "<a href='javascript:alert(1)'>%{x}</a>\x1b[31m"


def drawn(chart: Chart) -> dict[str, Any]:
    assert chart.figure is not None
    figure: dict[str, Any] = json.loads(json.dumps(chart.figure))
    return figure


def lines(*series: Series, hrefs: tuple[str, ...] = (), unit: Unit = SECONDS) -> Chart:
    return over_time.lines("c", "Title", STARTS, series, unit, hrefs=hrefs)


def test_lines_are_told_apart_without_colour_and_named_at_their_end() -> None:
    figure = drawn(lines(*(Series(f"p{k}", [1, 2, None, k]) for k in range(6))))
    traces = figure["data"]
    assert len({(t["line"]["dash"], t["marker"]["symbol"]) for t in traces}) == 6
    assert len({t["line"]["color"] for t in traces}) == 6
    names = {note["text"]: note for note in figure["layout"]["annotations"]}
    assert set(names) == {f"p{k}" for k in range(6)}
    assert all(names[t["name"]]["font"]["color"] == t["line"]["color"] for t in traces)
    assert traces[0]["y"] == [1, 2, None, 0]
    assert traces[0]["x"][0] == "2026-11-26T22:00:00Z"


def test_what_is_wrong_looks_the_same_on_every_chart() -> None:
    one = drawn(lines(Series("failed", [1, 1, 1, 1], wrong=True)))["data"][0]
    bars = drawn(
        over_time.stacked("b", "B", STARTS, [Series("ok", [1] * 4), Series("failed", [1] * 4, wrong=True)], COUNT)
    )
    assert one["line"]["color"] == bars["data"][1]["marker"]["color"] == "var(--error)"
    assert [t["marker"]["pattern"]["shape"] for t in bars["data"]] == ["", "/"]
    assert bars["layout"]["barmode"] == "stack"
    assert bars["layout"]["showlegend"]


def test_every_colour_is_a_token_of_both_themes() -> None:
    tokens = generate.read()
    charts = [
        lines(Series("a", [1, 2, 3, 4]), Series("b", [4, 3, 2, 1], other=True)),
        over_time.stacked("b", "B", STARTS, [Series(str(k), [1] * 4) for k in range(7)], DOLLARS),
        spread.bars("s", "S", [(1, 2)], str, measure="Steps"),
    ]
    text = json.dumps([drawn(chart) for chart in charts])
    named = set(re.findall(r"var\(--([\w-]+)\)", text))
    for theme in ("light", "dark"):
        assert named <= set(generate.theme(tokens, theme))
    literal = set(re.findall(r'"((?:#|rgb)[^"]*)"', text))
    assert literal <= {"rgba(0,0,0,0)"}


def test_places_lead_to_their_lists_and_the_table_says_the_same() -> None:
    hrefs = tuple(f"/traces/?since={k}" for k in range(4))
    chart = lines(Series("p50", [1.5, None, 0, 2]), hrefs=hrefs)
    figure = drawn(chart)
    assert figure["layout"]["meta"]["hrefs"] == list(hrefs)
    assert figure["data"][0]["customdata"] == ["1.50 s", "–", "0 ms", "2.00 s"]
    assert chart.columns == ["Time", "p50"]
    # Latest first; places without any value are left out.
    assert [(row[0].at, row[0].href, row[1].text) for row in chart.rows] == [
        (STARTS[3], hrefs[3], "2.00 s"),
        (STARTS[0], hrefs[0], "1.50 s"),
    ]


@pytest.mark.parametrize("values", [[], [None] * 4, [0] * 4])
def test_nothing_is_not_drawn(values: list[float | None]) -> None:
    chart = lines(Series("p50", values)) if values else lines()
    assert chart.figure is None
    assert chart.rows == []


def test_received_names_are_text_and_nothing_else() -> None:
    figure = drawn(lines(Series(HOSTILE, [1, 2, 3, 4]), Series("b", [1, 1, 1, 1])))
    shown = json.dumps(figure)
    assert "<a href" not in shown
    assert "\\u001b" not in shown
    assert all("javascript" not in t["hovertemplate"] for t in figure["data"])
    assert label("a&b<c>") == "a&amp;b&lt;c&gt;"


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=8))
def test_labels_never_cover_each_other(last: list[float]) -> None:
    found = over_time.ends([Series(str(k), [v]) for k, v in enumerate(last)])
    places = [place for _, place in found]
    least = over_time.APART * (max(last) or 1)
    assert all(b - a >= least * 0.999 for a, b in pairwise(places))
    assert sorted(one.name for one, _ in found) == sorted(str(k) for k in range(len(last)))


@given(st.lists(st.tuples(st.integers(-1, 200), st.integers(1, 50)), min_size=1, max_size=30, unique_by=lambda c: c[0]))
def test_a_spread_counts_every_trace_once(counts: list[tuple[int, int]]) -> None:
    figure = drawn(spread.bars("s", "S", counts, str, measure="Steps"))["data"][0]
    assert sum(figure["y"]) == sum(count for _, count in counts)
    assert len(figure["x"]) == len(figure["y"]) <= spread.MOST


def test_a_long_tail_is_one_bar_and_gaps_are_seen() -> None:
    chart = spread.bars("s", "S", [(1, 5), (3, 2), (900, 1)], str, measure="Steps")
    figure = drawn(chart)["data"][0]
    assert figure["y"][:3] == [5, 0, 2]
    assert (figure["x"][-1], figure["y"][-1]) == ("40 and more", 1)
    assert figure["customdata"][0] == "5 traces, 62%"
