"""One figure of the status, and how it is judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

Level = Literal["ok", "warn", "bad", "unknown"]
#: The later one decides for a whole: what is not known yet needs nobody.
LEVELS: Final[tuple[Level, ...]] = ("unknown", "ok", "warn", "bad")
Unit = Literal["", "spans/s", "seconds", "count", "bytes", "days", "share"]


@dataclass(frozen=True, slots=True)
class Item:
    """`figure` is None where nothing is known; `text` is shown instead of it where a figure says too little.

    `advice`: one sentence on what it means or, when it is not ok, what to do.
    """

    id: str
    title: str
    level: Level
    advice: str
    figure: float | None = None
    unit: Unit = ""
    text: str = ""


@dataclass(slots=True)
class Section:
    """`whole` says that it is about the installation and not about the project."""

    id: str
    title: str
    whole: bool
    items: list[Item] = field(default_factory=list)


def worst(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index, default="ok")


def above(value: float, warn: float, bad: float) -> Level:
    """`bad` from `bad` on, `warn` from `warn` on."""
    return "bad" if value >= bad else "warn" if value >= warn else "ok"
