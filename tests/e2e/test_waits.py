"""Waits of the browser tests are functions.

Playwright compiles a function once, while the page's policy lets it. An expression is compiled at each look, and the
policy (no `eval`) refuses that from the second look on: such a wait only passes when nothing had to be waited for.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FUNCTION = re.compile(r"\s*(\(\w*\)|\w+)\s*=>")
FOLDER = Path(__file__).parent


def beginning(expression: ast.expr) -> str | None:
    """The text as far as it is written there; None for a name, whose text is elsewhere."""
    if isinstance(expression, ast.JoinedStr):
        expression = expression.values[0]
    return str(expression.value) if isinstance(expression, ast.Constant) else None


def waits(path: Path) -> list[tuple[int, str | None]]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "wait_for_function"]
    return [(call.lineno, beginning(call.args[0])) for call in named]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_each_wait_is_a_function(path: Path) -> None:
    assert [(line, text) for line, text in waits(path) if text is not None and not FUNCTION.match(text)] == []


def test_the_waits_are_found() -> None:
    assert sum(len(waits(path)) for path in FOLDER.glob("*.py")) >= 15
