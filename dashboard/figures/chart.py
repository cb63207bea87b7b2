"""A chart as a page shows it: the figure, and the same as a table for who cannot see it. Shapes only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.visible_text import visible


@dataclass(frozen=True, slots=True)
class Series:
    """Values over the places of a grid; None is "nothing known there", drawn as a gap."""

    name: str
    values: Sequence[float | None]
    wrong: bool = False
    other: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """How a value is written: in words for tables and hover, and on the axis."""

    words: Callable[[float], str]
    prefix: str = ""
    suffix: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table: its text, where it leads, and the moment that it is, if it is one."""

    text: str
    href: str = ""
    at: datetime | None = None


@dataclass(slots=True)
class Chart:
    """`figure` is None when there is nothing to draw; `note` says in a sentence what is seen."""

    id: str
    title: str
    figure: dict[str, Any] | None
    columns: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    note: str = ""

    @property
    def data_id(self) -> str:
        return f"{self.id}-figure"


def label(text: str, limit: int = 40) -> str:
    """Received text as plotly may show it: it reads a few tags and entities, so they are made text."""
    shown = visible(text, limit=limit)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
