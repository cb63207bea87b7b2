"""Every statement of every document is one that `reader` may run, against the real schema."""

from __future__ import annotations

from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from tests.engine_process import EngineProcess
from tests.operations.documents import blocks, paths, read
from tracestore.environment import ROOT

#: Those in sentences that are whole: others show what is refused, or leave something out.
SENTENCES = {
    f"{path.relative_to(ROOT)}:{line}": code
    for path in paths()
    for line, code in read(path).codes
    if code.startswith("SELECT ") and " FROM " in code and "…" not in code
}
STATEMENTS = {str(block): block.text for block in blocks("sql")} | SENTENCES


@pytest.fixture(scope="module")
def reader(store: EngineProcess) -> Iterator[Client]:
    with clickhouse_connect.get_client(
        host=store.host, port=store.port, username="reader", password=store.reader_password, database="tracestore"
    ) as client:
        yield client


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 10
    assert SENTENCES


@pytest.mark.parametrize("place", STATEMENTS)
def test_a_statement_runs(reader: Client, place: str) -> None:
    for statement in STATEMENTS[place].split(";\n"):
        reader.query(statement.rstrip().rstrip(";"))
