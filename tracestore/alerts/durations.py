"""Lengths of time as people write them in a rules file (`1h30m`) and read them in a sentence (`1 h 30 min`). Pure."""

from __future__ import annotations

import re
from typing import Final

from tracestore.errors import InvalidInput

UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN: Final = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?", re.ASCII)
_WORDS: Final = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def parse(value: object, field: str) -> int:
    """Seconds of `15m`, `1h30m`, `2d`, or of a whole number of seconds.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    if not text or (found := _WRITTEN.fullmatch(text)) is None:
        raise InvalidInput(
            f"{field}={str(value)[:60]!r}: expected a length of time such as 15m, 4h or 1h30m.", field=field
        )
    return sum(int(number or 0) * size for number, size in zip(found.groups(), UNITS.values(), strict=True))


def written(seconds: int) -> str:
    """As `parse` reads it, in one unit: 5400 is `90m`. Weeks are written as days."""
    for unit, size in UNITS.items():
        if unit != "w" and seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def words(seconds: int) -> str:
    """`45 s`, `15 min`, `1 h 30 min`, `7 days`: the two largest units."""
    parts = []
    for name, size in _WORDS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'s' if name == 'day' and count > 1 else ''}")
    return " ".join(parts[:2]) or "0 s"
