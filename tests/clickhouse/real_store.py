"""A real engine with the real schema, which the settings lead to while it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from tests.cluster.engine import CLUSTER, ClusterEngine
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, migrations
from tracestore.engine import readers
from tracestore.secrets import Secrets

#: `TESTS_ON_CLUSTER=1 pytest tests/clickhouse` runs these tests on the schema of a cluster, one shard of it.
AS_CLUSTER = os.environ.get("TESTS_ON_CLUSTER") == "1"


@contextmanager
def real_store(folder: Path, *, as_cluster: bool = AS_CLUSTER) -> Iterator[EngineProcess]:
    kind, cluster = (ClusterEngine, CLUSTER) if as_cluster else (EngineProcess, "")
    with kind(folder / "data", "--readers", str(folder / readers.FILE)) as engine:
        before = settings.ENVIRONMENT, settings.SECRETS
        settings.ENVIRONMENT = replace(
            before[0], clickhouse_port=engine.port, clickhouse_url=None, clickhouse_cluster=cluster
        )
        settings.SECRETS = Secrets("secret", engine.admin_password, engine.reader_password)
        client.reset()
        try:
            for migration in migrations.pending():
                migrations.apply(migration)
            yield engine
        finally:
            client.reset()
            settings.ENVIRONMENT, settings.SECRETS = before
