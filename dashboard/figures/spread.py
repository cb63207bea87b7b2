"""How a measure is spread over traces: one bar a place, with the number of traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboard.figures.chart import Cell, Chart
from dashboard.figures.over_time import as_json
from dashboard.figures.theme import STYLES, TEMPLATE

#: Bars at most; beyond it the last one holds the rest ("and more").
MOST = 40


def bars(
    id: str,  # noqa: A002 (it becomes the element's id)
    title: str,
    counts: Sequence[tuple[int, int]],
    name_of: Callable[[int], str],
    *,
    measure: str,
    note: str = "",
) -> Chart:
    """`counts` are (place, traces); places between that are empty are drawn, so that gaps are seen."""
    known = dict(counts)
    if not known:
        return Chart(id, title, None, [measure, "Traces"], [], note)
    first, last = min(known), max(known)
    places = list(range(first, min(last, first + MOST - 1) + 1))
    values = [known.get(place, 0) for place in places]
    values[-1] += sum(count for place, count in known.items() if place > places[-1])
    names = [name_of(place) for place in places]
    if last > places[-1]:
        names[-1] += " and more"
    total = sum(values)
    shares = [f"{count:,} traces, {count / total:.0%}" for count in values]
    figure = go.Figure(layout={"template": TEMPLATE})
    figure.add_trace(
        go.Bar(
            x=names,
            y=values,
            marker={"color": STYLES[0].colour},
            customdata=shares,
            hovertemplate="%{x}: %{customdata}<extra></extra>",
            name="Traces",
        )
    )
    figure.update_layout(hovermode="closest", bargap=0.08)
    figure.update_xaxes(type="category", nticks=8)
    rows = [[Cell(name), Cell(f"{value:,}")] for name, value in zip(names, values, strict=True) if value]
    return Chart(id, title, as_json(figure), [measure, "Traces"], rows, note)
