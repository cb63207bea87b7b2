"""The statements of Grafana's ClickHouse data source, as its query builder makes them, run by `reader`.

Written after src/data/sqlGenerator.ts and pkg/macros/macros.go of grafana/clickhouse-datasource, with
the macros put in as the plugin's backend puts them in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import write
from tests.engine_process import EngineProcess

TRACE = f"{1:032x}"
FROM, TO = f"toDateTime({START // SECOND - 60})", f"toDateTime({START // SECOND + 3600})"
FROM_MS = f"fromUnixTimestamp64Milli({START // 10**6 - 60_000})"
TO_MS = f"fromUnixTimestamp64Milli({START // 10**6 + 3_600_000})"
TRACES, LOOKUP = '"tracestore"."otel_traces"', '"tracestore"."otel_traces_trace_id_ts"'

SEARCH = (
    'SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName,'
    ' {time} as startTime, multiply("Duration", 0.000001) as duration'
    f" FROM {TRACES} WHERE ( Timestamp >= {FROM} AND Timestamp <= {TO} )"
    " AND ( ParentSpanId = '' ) AND ( Duration > 0 ) ORDER BY Timestamp DESC, Duration DESC LIMIT 1000"
)
PANEL = (
    'SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, "ServiceName" as serviceName,'
    ' "SpanName" as operationName, multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) as startTime,'
    ' multiply("Duration", 0.000001) as duration,'
    " arrayMap(key -> map('key', key, 'value',\"SpanAttributes\"[key]), mapKeys(\"SpanAttributes\")) as tags,"
    " arrayMap(key -> map('key', key, 'value',\"ResourceAttributes\"[key]), mapKeys(\"ResourceAttributes\"))"
    " as serviceTags,"
    " if(\"StatusCode\" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode"
    f" FROM {TRACES} WHERE "
)
LOOKED_UP = (
    f"WITH '{TRACE}' as trace_id, (SELECT min(Start) FROM {LOOKUP} WHERE TraceId = trace_id) as trace_start,"
    f" (SELECT max(End) + 1 FROM {LOOKUP} WHERE TraceId = trace_id) as trace_end "
)


@pytest.fixture
def ask(store: EngineProcess) -> Iterator[Any]:
    write(
        span(1, name="invoke", kind="server", attributes={"k": "v"}, status="ok"),
        llm(2, parent=1, name="chat", kind="client", status="error"),
        span(3, parent=1, type="tool", tool_name="search", name="search"),
    )
    write(span(1, trace=2, start=START - 3_600 * SECOND, name="before the range"))
    with clickhouse_connect.get_client(
        host=store.host, port=store.port, username="reader", password=store.reader_password, database="default"
    ) as client:
        yield lambda statement: client.query(statement).result_rows


@pytest.mark.parametrize("time", ['"Timestamp"', 'multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001)'])
def test_trace_search(ask: Any, time: str) -> None:
    ((trace_id, service, operation, _, duration),) = ask(SEARCH.replace("{time}", time))
    assert (trace_id, service, operation, duration) == (TRACE, "shop", "invoke", 1000.0)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(f"{PANEL}traceID = '{TRACE}' LIMIT 1000", id="by id alone"),
        pytest.param(
            f"{LOOKED_UP}{PANEL}traceID = trace_id"
            ' AND "Timestamp" >= trace_start AND "Timestamp" <= trace_end LIMIT 1000',
            id="by id and the lookup table",
        ),
    ],
)
def test_trace_by_id(ask: Any, statement: str) -> None:
    rows = {row[1]: row for row in ask(statement)}
    assert set(rows) == {f"{number:016x}" for number in (1, 2, 3)}
    root, call = rows[f"{1:016x}"], rows[f"{2:016x}"]
    assert (root[2], root[4], root[7], root[8], root[9]) == (
        "", "invoke", [{"key": "k", "value": "v"}], [{"key": "service.name", "value": "shop"}], 0,
    )  # fmt: skip
    assert (call[2], call[5], call[6], call[9]) == (
        f"{1:016x}", pytest.approx((START + 2 * SECOND) / 1e6), 1000.0, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        pytest.param(
            'SELECT toStartOfInterval(toDateTime(Timestamp), INTERVAL 60 second) as "time", ServiceName,'
            " count(*) as spans"
            f" FROM {TRACES} WHERE ( Timestamp >= {FROM} AND Timestamp <= {TO} )"
            " GROUP BY ServiceName, time ORDER BY time ASC LIMIT 1000",
            [("shop", 3)],
            id="$__timeInterval, grouped",
        ),
        pytest.param(
            'SELECT toStartOfInterval(toDateTime64(Timestamp, 3), INTERVAL 60000 millisecond) as "time", \'all\','
            f" count(*) FROM {TRACES} WHERE Timestamp >= {FROM_MS} AND Timestamp <= {TO_MS}"
            " GROUP BY time ORDER BY time",
            [("all", 3)],
            id="$__timeInterval_ms and $__timeFilter_ms",
        ),
        pytest.param(
            "SELECT toStartOfInterval(toDateTime(start_time), INTERVAL 60 second) as \"time\", agent, sum(input_tokens)"
            f" FROM tracestore.spans WHERE start_time >= {FROM} AND start_time <= {TO}"
            " GROUP BY time, agent ORDER BY time",
            [("", 100)],
            id="$__timeFilter on our own view",
        ),
        pytest.param(
            "SELECT toDate(start_time) AS d, tool_name, count() FROM tracestore.tool_calls"
            " WHERE toDate(start_time) >= toDate('2026-09-21') AND toDate(start_time) <= toDate('2026-09-21')"
            " GROUP BY d, tool_name",
            [("search", 1)],
            id="$__dateFilter",
        ),
    ],
)  # fmt: skip
def test_time_series(ask: Any, statement: str, answer: list[tuple[object, ...]]) -> None:
    assert [tuple(row[1:]) for row in ask(statement)] == answer


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM system.databases WHERE name = 'tracestore'",
        "SELECT name FROM system.tables WHERE database = 'tracestore' AND name = 'otel_traces'",
        'DESC TABLE "tracestore"."otel_traces"',
        "SELECT version()",
        f"SELECT DISTINCT ServiceName FROM {TRACES} LIMIT 1000",
        "SELECT DISTINCT arrayJoin(mapKeys(SpanAttributes)) as keys FROM (SELECT SpanAttributes FROM"
        f" {TRACES} WHERE mapKeys(SpanAttributes) != [] LIMIT 1000) LIMIT 1000",
    ],
)
def test_what_the_editor_asks_to_fill_its_lists(ask: Any, statement: str) -> None:
    assert ask(statement)
