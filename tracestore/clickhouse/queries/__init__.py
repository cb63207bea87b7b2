"""The read side's SQL, one file a question.

A file may hold `/*include NAME*/` (the text of another file: a list of columns that several
questions share) and `/*conditions*/` (replaced by what `filters` builds). Values are never put into
the text; they are bound by the server as `{name:Type}`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_COMMENT = re.compile(r"(?m)^\s*--.*\n?")
_INCLUDE = re.compile(r"/\*include (\w+)\*/")


def load(name: str, conditions: str = "1") -> str:
    """The statement of a file without its comments, includes and conditions filled in."""
    return _text(name).replace("/*conditions*/", conditions)


@cache
def _text(name: str) -> str:
    # Without the conditions: as many of them as there are searches would be kept for ever.
    return filled(_COMMENT.sub("", (files("tracestore.clickhouse.queries") / f"{name}.sql").read_text()))


def filled(text: str) -> str:
    """The text with what it includes."""
    return _INCLUDE.sub(lambda found: _text(found[1]).strip(), text)
