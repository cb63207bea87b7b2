"""How every figure looks: the plotly template, and the styles that tell series apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


def token(name: str) -> str:
    """A colour of the design, by name. plotly.py lets CSS variables through; `js/charts.js` resolves them."""
    return f"var(--{name})"


@dataclass(frozen=True, slots=True)
class Style:
    """What tells a series apart: hue, and for those who see no hue dash, marker or pattern."""

    colour: str
    dash: str
    marker: str
    pattern: str


#: Okabe-Ito hues in an order whose neighbours differ in brightness too.
STYLES: Final = (
    Style(token("type-agent"), "solid", "circle", ""),
    Style(token("type-evaluator"), "dash", "square", "/"),
    Style(token("type-retrieval"), "dot", "diamond", "."),
    Style(token("type-llm"), "dashdot", "triangle-up", "\\"),
    Style(token("type-embedding"), "longdash", "x", "-"),
    Style(token("type-guardrail"), "longdashdot", "star", "+"),
)
#: All that is left over ("other"), and what is wrong.
OTHER: Final = Style(token("type-workflow"), "dot", "line-ew-open", "x")
ERROR: Final = Style(token("error"), "dash", "triangle-up", "/")

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"

_AXIS: Final[dict[str, Any]] = {
    "gridcolor": token("line"),
    "linecolor": token("line-strong"),
    "tickcolor": token("line-strong"),
    "zerolinecolor": token("line-strong"),
    "tickfont": {"color": token("ink-soft"), "size": 11},
    "automargin": True,
    "fixedrange": True,
}

TEMPLATE: Final[dict[str, Any]] = {
    "layout": {
        "font": {"family": FONT, "size": 11.5, "color": token("ink")},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": [style.colour for style in STYLES],
        "margin": {"l": 44, "r": 12, "t": 8, "b": 24},
        "xaxis": {
            **_AXIS, "nticks": 6, "tickangle": 0, "showgrid": False, "showline": True, "ticks": "outside", "ticklen": 3,
        },
        "yaxis": {**_AXIS, "rangemode": "tozero", "nticks": 5, "zeroline": False, "exponentformat": "none"},
        "hoverlabel": {
            "bgcolor": token("panel"),
            "bordercolor": token("line-strong"),
            "font": {"color": token("ink"), "size": 12},
            "align": "left",
        },
        "hovermode": "x unified",
        "dragmode": False,
        "showlegend": False,
        "legend": {
            "orientation": "h", "traceorder": "normal", "x": 0, "y": 1.02, "yanchor": "bottom",
            "font": {"color": token("ink-soft"), "size": 11},
        },
        "bargap": 0.18,
    }
}  # fmt: skip
