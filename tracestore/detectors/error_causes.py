"""The family of a cause from an error's message, as far as the message tells."""

from __future__ import annotations

import re
from typing import Final

from tracestore.detectors.finding import Cause

#: In this order: a timeout of a data base is the system's, not the data's.
_FAMILIES: Final[tuple[tuple[Cause, re.Pattern[str]], ...]] = (
    (
        "system",
        re.compile(
            r"time[d ]?-?\s?out|deadline|rate.?limit|too many requests|quota|overloaded|unavailable|connection|"
            r"refused|reset by peer|\bdns\b|\b(429|502|503|504|529)\b|out of memory|no space",
            re.IGNORECASE,
        ),
    ),
    (
        "model",
        re.compile(
            r"invalid (arguments?|json|parameters?)|validation|jsondecode|unexpected keyword|missing \d* ?required|"
            r"unknown tool|no such tool|schema|\b422\b",
            re.IGNORECASE,
        ),
    ),
    ("data", re.compile(r"not.?found|no (results?|rows?|such)|empty|does not exist|stale|\b404\b", re.IGNORECASE)),
    (
        "tool",
        re.compile(
            r"traceback|exception|error|failed|\b500\b|exit code|permission|forbidden|\b40[13]\b", re.IGNORECASE
        ),
    ),
)


def cause_of(template: str) -> Cause:
    """`system` for timeouts and limits, `model` for arguments a tool could not take, `data` for what was not there."""
    for cause, pattern in _FAMILIES:
        if pattern.search(template):
            return cause
    return "unknown"
