"""A real engine with the real schema, emptied before each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings

from tests.cluster.engine import CLUSTER, ClusterEngine
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, migrations
from tracestore.clickhouse.client import DATABASE
from tracestore.engine import readers
from tracestore.secrets import Secrets

#: `TESTS_ON_CLUSTER=1 pytest tests/clickhouse` runs these tests on the schema of a cluster, one shard of it.
AS_CLUSTER = os.environ.get("TESTS_ON_CLUSTER") == "1"


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    kind, cluster = (ClusterEngine, CLUSTER) if AS_CLUSTER else (EngineProcess, "")
    folder = tmp_path_factory.mktemp("engine")
    with kind(folder / "data", "--readers", str(folder / readers.FILE)) as engine:
        before = settings.ENVIRONMENT, settings.SECRETS
        settings.ENVIRONMENT = replace(
            before[0], clickhouse_port=engine.port, clickhouse_url=None, clickhouse_cluster=cluster
        )
        settings.SECRETS = Secrets("secret", engine.admin_password, engine.reader_password)
        client.reset()
        for migration in migrations.pending():
            migrations.apply(migration)
        yield engine
        client.reset()
        settings.ENVIRONMENT, settings.SECRETS = before


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
