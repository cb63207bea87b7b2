"""Secrets under a quoted key in text that is not JSON as a whole: Python's way of printing a dict,
JSON in the middle of prose, JSON that was cut off, JSON inside a string inside JSON.

Text that is JSON goes through `json_text.py`, which knows better.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

#: Behind the name of a key: its closing quote, a colon, and what the value begins with.
_VALUE: Final = re.compile(
    r"(?P<escape>\\*)(?P<quote>[\"'])\s{0,20}(?::|=>?)\s{0,20}[\[(]?\s{0,20}"
    r"(?:[bBrRuUfF]{0,2}(?P<slashes>\\*)(?P<open>[\"'])|(?P<number>-?[0-9][0-9.eE+-]*))"
)


def values(text: str, key: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """Where values stand under keys that end as `key` says: (start, end, quotes for what replaces it).

    The quotes are '' for the inside of a string, which has its own.
    """
    for found in key.finditer(text):
        value = _VALUE.match(text, found.end())
        if value is None:
            continue
        if value["number"] is not None:
            yield value.start("number"), value.end("number"), value["escape"] + value["quote"]
            continue
        start = value.end()
        end = closing(text, start, value["open"], len(value["slashes"]))
        if end > start:
            yield start, end, ""


def closing(text: str, start: int, quote: str, slashes: int) -> int:
    r"""Where a string ends whose opening quote had so many backslashes before it; the text's end if cut off.

    Each level of quoting doubles the backslashes of the level below and adds one: `"`, `\"`, `\\\"`. A
    quote with others before it is part of the string.
    """
    period = 2 * (slashes + 1)
    at = text.find(quote, start)
    while at >= 0:
        before = at
        while before > start and text[before - 1] == "\\":
            before -= 1
        run = at - before
        if run < slashes:
            return before  # the string around this one ends first: it was cut off
        if run % period == slashes:
            return at - slashes
        at = text.find(quote, at + 1)
    return len(text)
