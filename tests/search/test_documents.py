"""docs/search.md: its examples are searches, and its fields are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tracestore.clickhouse.search_sql import condition
from tracestore.errors import InvalidInput
from tracestore.search.fields import BY_NAME, FIELDS
from tracestore.search.parser import MAX_DEPTH, MAX_TERMS, parse

TEXT = (Path(__file__).parents[2] / "docs" / "search.md").read_text()
BLOCKS = [line for block in re.findall(r"```search\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
TERMS = TEXT.split("## Terms")[1].split("Terms beside")[0].splitlines()
TABLE = [row[3:].split("` |")[0] for row in TERMS if row.startswith("| `")]


@pytest.mark.parametrize("example", [*BLOCKS, *TABLE])
def test_examples_are_searches(example: str) -> None:
    tree = parse(example)
    assert tree is not None
    assert condition(tree).text != "1"


def test_there_are_examples() -> None:
    assert len(BLOCKS) == 5
    assert len(TABLE) == 12


def test_the_fields_are_those_there_are() -> None:
    lines = [row for row in TEXT.splitlines() if row.startswith("| of a")]
    rows = {row.split("|")[1].strip(): set(re.findall(r"`(\w+)`", row)) for row in lines}
    assert rows == {
        "of a trace and of a span": {field.name for field in FIELDS if field.trace and field.span},
        "of a trace only": {field.name for field in FIELDS if not field.span},
        "of a span only": {field.name for field in FIELDS if not field.trace},
    }
    others = TEXT.split("Other names that are understood:")[1].split("and the like")[0]
    assert set(re.findall(r"`(\w+)`", others)) <= BY_NAME.keys()


def test_what_is_said_to_be_a_word_or_an_error_is() -> None:
    assert parse("12:30 http://host") is not None
    with pytest.raises(InvalidInput):
        parse("zone:a")
    assert f"{MAX_TERMS} terms, {MAX_DEPTH} levels" in TEXT
