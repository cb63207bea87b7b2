"""A real engine with the real schema, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clickhouse.real_store import AS_CLUSTER, real_store
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client
from tracestore.clickhouse.client import DATABASE


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with real_store(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


#: Everything that tests may fill.
TABLES = (
    "stored_spans", "stored_payloads", "trace_activity", "settled_until", "stored_traces", "stored_findings",
    "stored_logs", "trace_links", "stored_tool_calls", "stored_dismissals", "detected_until", "stored_histories",
    "stored_agent_health",
)  # fmt: skip


def filled() -> set[str]:
    """Tables with data on disk; on a cluster all, since those that are asked have none of their own."""
    if AS_CLUSTER:
        return set(TABLES)
    parts = "SELECT DISTINCT table FROM system.parts WHERE active AND database = {database:String}"
    return {row[0] for row in client.run(parts, {"database": DATABASE}).result_rows}


@pytest.fixture(autouse=True)
def empty(store: EngineProcess) -> None:
    """Each test starts with empty tables. To truncate one costs the same whether or not there is anything in it."""
    for table in filled().intersection(TABLES):
        client.command(f"TRUNCATE TABLE {DATABASE}.{table}")
