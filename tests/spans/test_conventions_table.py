"""docs/conventions.md promises nothing that the corpus does not show."""

from __future__ import annotations

import conventions_table
import corpus
import pytest


def test_the_table_is_current() -> None:
    if corpus.directory() == corpus.GOLDEN:
        pytest.skip("the table is over the whole corpus; here is only tests/golden")
    assert conventions_table.written() == conventions_table.table(), "run: python tests/spans/conventions_table.py"
