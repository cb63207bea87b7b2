"""docs/security.md: every threat has its row, every test that it names exists, every test file here is named."""

from __future__ import annotations

import ast
import re

from tracestore.environment import ROOT

TEXT = (ROOT / "docs/security.md").read_text()
ROWS = {row[1]: row[0] for row in re.finditer(r"^\| (B\d+) \|.*$", TEXT, re.M)}
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


def test_every_threat_has_one_row_with_a_test() -> None:
    assert list(ROWS) == [f"B{number}" for number in range(1, 25)]
    assert [name for name, row in ROWS.items() if not NAMED.search(row.rpartition(" | ")[2])] == []


def test_every_named_test_exists() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 60
    for path, name in named:
        functions = {
            one.name for one in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(one, ast.FunctionDef)
        }
        assert not name or name in functions, f"{path} has no {name}"


def test_every_test_of_threats_is_named() -> None:
    named = {path for path, _ in NAMED.findall(TEXT)}
    there = {f"tests/security/{path.name}" for path in (ROOT / "tests/security").glob("test_*.py")}
    assert there - named - {"tests/security/test_document.py"} == set()
