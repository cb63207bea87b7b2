"""A private engine for benchmarks: its own process, data directory and port."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect
import psutil

from tests.ports import free_port


@contextmanager
def engine(directory: str | None = None) -> Iterator[tuple[clickhouse_connect.driver.Client, psutil.Process]]:
    """Starts the embedded engine; yields a client with full rights and the process to measure."""
    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as temporary:
        port = free_port()
        password = secrets.token_urlsafe(12)
        process = subprocess.Popen(
            [sys.executable, "-m", "tracestore.engine", "--path", directory or temporary, "--port", str(port)],
            env={**os.environ, "TRACESTORE_ENGINE_PASSWORD": password, "TRACESTORE_SQL_PASSWORD": password},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()  # "ready …"
            yield (
                clickhouse_connect.get_client(
                    host="127.0.0.1", port=port, username="tracestore", password=password,
                    autogenerate_session_id=False, compress=False, send_receive_timeout=600,
                ),
                psutil.Process(process.pid),
            )  # fmt: skip
        finally:
            process.terminate()
            process.wait(30)
