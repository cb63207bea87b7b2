"""Series over time: lines for levels, stacked bars for what adds up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.chart import Cell, Chart, Series, Unit, label
from dashboard.figures.theme import ERROR, OTHER, STYLES, TEMPLATE, Style, token

#: Least distance of two labels at the right end, as a share of the axis: the height of a line of text.
APART = 0.09


def lines(
    id: str,  # noqa: A002 (it becomes the element's id)
    title: str,
    starts: Sequence[datetime],
    series: Sequence[Series],
    unit: Unit,
    *,
    hrefs: Sequence[str] = (),
    note: str = "",
) -> Chart:
    """One line a series, told apart by dash and marker and named at its right end.

    `hrefs` lead from a place to the list of what is counted there.
    """
    figure = go.Figure(layout={"template": TEMPLATE})
    for one, style in zip(series, styles(series), strict=True):
        figure.add_trace(
            go.Scatter(
                x=moments(starts),
                y=list(one.values),
                name=label(one.name),
                mode="lines+markers" if alone(one.values) or len(starts) <= 31 else "lines",
                line={"color": style.colour, "dash": style.dash, "width": 1.8},
                marker={"symbol": style.marker, "size": 5, "color": style.colour},
                customdata=told(one.values, unit),
                hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
                connectgaps=False,
            )
        )
    named = ends(series) if len(series) > 1 else []
    figure.update_layout(
        annotations=[
            {
                "x": 1, "xref": "paper", "xanchor": "left", "xshift": 4, "y": place, "yref": "y", "showarrow": False,
                "text": label(one.name, 16), "font": {"color": style.colour, "size": 11},
            }
            for (one, place), style in zip(named, styles([one for one, _ in named], among=series), strict=True)
        ],
        margin={"r": 12 + 7 * max((min(len(one.name), 16) for one, _ in named), default=0)},
    )  # fmt: skip
    return finished(id, title, figure, starts, series, unit, hrefs, note)


def stacked(
    id: str,  # noqa: A002
    title: str,
    starts: Sequence[datetime],
    series: Sequence[Series],
    unit: Unit,
    *,
    hrefs: Sequence[str] = (),
    note: str = "",
) -> Chart:
    """Bars of parts that add up, told apart by pattern as well as hue."""
    figure = go.Figure(layout={"template": TEMPLATE})
    for one, style in zip(series, styles(series), strict=True):
        figure.add_trace(
            go.Bar(
                x=moments(starts),
                y=list(one.values),
                name=label(one.name),
                marker={
                    "color": style.colour,
                    "line": {"width": 0},
                    "pattern": {
                        "shape": style.pattern,
                        "fillmode": "overlay",
                        "size": 6,
                        "solidity": 0.25,
                        "fgcolor": token("ground"),
                    },
                },
                customdata=told(one.values, unit),
                hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(barmode="stack", showlegend=len(series) > 1)
    if len(series) > 1:
        figure.update_layout(margin={"t": 26})
    return finished(id, title, figure, starts, series, unit, hrefs, note)


def finished(
    id: str,  # noqa: A002
    title: str,
    figure: go.Figure,
    starts: Sequence[datetime],
    series: Sequence[Series],
    unit: Unit,
    hrefs: Sequence[str],
    note: str,
) -> Chart:
    figure.update_yaxes(tickprefix=unit.prefix, ticksuffix=unit.suffix)
    if unit.whole and max((v for one in series for v in one.values if v is not None), default=0) < 5:
        figure.update_yaxes(dtick=1)
    figure.update_xaxes(type="date")
    if hrefs:
        # Read by js/charts.js when a place is clicked.
        figure.update_layout(meta={"hrefs": list(hrefs)})
    rows = []
    for k, start in enumerate(starts):
        values = [one.values[k] for one in series]
        if any(values):
            first = Cell("", hrefs[k] if hrefs else "", start)
            rows.append([first, *(Cell("–" if v is None else unit.words(v)) for v in values)])
    drawn = any(v for one in series for v in one.values)
    return Chart(
        id, title, as_json(figure) if drawn else None, ["Time", *(one.name for one in series)], rows[::-1], note
    )


def as_json(figure: go.Figure) -> dict[str, Any]:
    made: dict[str, Any] = figure.to_plotly_json()
    return made


def moments(starts: Sequence[datetime]) -> list[str]:
    """UTC with a Z, which the browser turns into the reader's zone; plotly itself knows no zones."""
    return [start.strftime("%Y-%m-%dT%H:%M:%SZ") for start in starts]


def told(values: Sequence[float | None], unit: Unit) -> list[str]:
    return ["–" if v is None else unit.words(v) for v in values]


def alone(values: Sequence[float | None]) -> bool:
    """Whether a value has no neighbour: a line of one point would be invisible."""
    padded = [None, *values, None]
    return any(padded[k] is not None and padded[k - 1] is padded[k + 1] is None for k in range(1, len(padded) - 1))


def styles(series: Sequence[Series], among: Sequence[Series] | None = None) -> list[Style]:
    """The style of each series; the order of `among` decides, which defaults to the series themselves."""
    everything = series if among is None else among
    usual = [one for one in everything if not one.wrong and not one.other]
    place = {id(one): k for k, one in enumerate(usual)}
    return [ERROR if one.wrong else OTHER if one.other else STYLES[place[id(one)] % len(STYLES)] for one in series]


def ends(series: Sequence[Series]) -> list[tuple[Series, float]]:
    """Where the name of each line stands, from below: at its last value, moved up where it would cover another."""
    top = max((v for one in series for v in one.values if v is not None), default=0) or 1
    last = [(one, next((v for v in reversed(one.values) if v is not None), None)) for one in series]
    found: list[tuple[Series, float]] = []
    for one, value in sorted(((one, v) for one, v in last if v is not None), key=lambda pair: pair[1]):
        least = found[-1][1] + APART * top if found else 0.0
        found.append((one, max(value, least)))
    return found
