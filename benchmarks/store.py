"""An engine process with Tracestore's schema on it, for scripts that measure the store alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, migrations
from tracestore.secrets import Secrets


@contextmanager
def started(folder: Path) -> Iterator[EngineProcess]:
    with EngineProcess(folder / "data") as engine:
        settings.ENVIRONMENT = replace(settings.ENVIRONMENT, clickhouse_port=engine.port, clickhouse_url=None)
        settings.SECRETS = Secrets("secret", engine.admin_password, engine.reader_password)
        client.reset()
        for migration in migrations.pending():
            migrations.apply(migration)
        yield engine
        client.reset()
