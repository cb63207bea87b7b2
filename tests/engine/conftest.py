"""One engine process for the whole folder; tests that stop or break one start their own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.engine import raw_http
from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess

_SCHEMA = (
    "CREATE DATABASE IF NOT EXISTS tracestore",
    "CREATE TABLE tracestore.spans_data (trace_id String, span_id String, name String, type String,"
    " start_time DateTime64(9, 'UTC'), duration_ns UInt64, input_tokens UInt64,"
    " cost_usd Nullable(Float64), attributes Map(LowCardinality(String), String),"
    " tags Array(String)) ENGINE = MergeTree ORDER BY (trace_id, span_id)",
    "CREATE VIEW tracestore.spans AS SELECT * FROM tracestore.spans_data",
    "CREATE VIEW tracestore.traces AS"
    " SELECT trace_id, count() AS span_count FROM tracestore.spans_data GROUP BY trace_id",
    "CREATE TABLE tracestore.api_secrets (secret String) ENGINE = Memory",
    "INSERT INTO tracestore.api_secrets VALUES ('hunter2')",
    "INSERT INTO tracestore.spans_data SELECT concat('t', toString(number % 3)), toString(number),"
    " 'n', 'llm', now64(9), number, number, number, map('k', 'v'), ['a', 'b'] FROM numbers(10)",
)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """A running engine with a small schema shaped like the real one."""
    with EngineProcess(tmp_path_factory.mktemp("engine") / "data") as process:
        client = raw_http.admin(process)
        for statement in _SCHEMA:
            client.query(statement)
        client.close()
        yield process


@pytest.fixture
def admin(engine: EngineProcess) -> Iterator[RawClient]:
    client = raw_http.admin(engine)
    yield client
    client.close()


@pytest.fixture
def reader(engine: EngineProcess) -> Iterator[RawClient]:
    client = raw_http.reader(engine)
    yield client
    client.close()


@pytest.fixture
def table(admin: RawClient) -> Iterator[str]:
    """An empty table `(a UInt64, s String)` of the test's own."""
    name = f"default.t_{uuid4().hex}"
    admin.query(f"CREATE TABLE {name} (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    yield name
    admin.query(f"DROP TABLE {name}")
