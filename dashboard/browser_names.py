"""A browser in a few words, from its User-Agent: enough to recognise one's own."""

from __future__ import annotations

import re
from typing import Final

#: The first that matches counts: most call themselves by the names of others too.
BROWSERS: Final = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:HeadlessChrome|Chrome|CriOS|Chromium)/"),
    ("Safari", r"\bSafari/"),
    ("curl", r"^curl/"),
)
SYSTEMS: Final = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def short(user_agent: str) -> str:
    """`Firefox on Linux`; `unknown browser` where nothing is recognised."""
    browser = first(BROWSERS, user_agent)
    system = first(SYSTEMS, user_agent)
    return f"{browser or 'unknown browser'} on {system}" if system else browser or "unknown browser"


def first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, user_agent)), "")
