"""Log records as stored: once each, whatever is sent again, and as the Collector's exporter has them."""

from __future__ import annotations

import pytest

from tests.clickhouse.logs import DETAILS, details, log, write_logs
from tests.clickhouse.spans import SECOND, START
from tests.clickhouse.test_contract import described
from tests.clickhouse.test_writer import count
from tracestore.clickhouse import client, log_writer
from tracestore.clickhouse.log_columns import content_hash
from tracestore.spans.model import Resource, Scope

#: https://github.com/open-telemetry/opentelemetry-collector-contrib, exporter/clickhouseexporter,
#: internal/sqltemplates/logs_table.sql at e3bd2d1d.
OTEL_LOGS = {
    "Timestamp": "DateTime64(9)",
    "TimestampTime": "DateTime",
    "TraceId": "String",
    "SpanId": "String",
    "TraceFlags": "UInt8",
    "SeverityText": "LowCardinality(String)",
    "SeverityNumber": "UInt8",
    "ServiceName": "LowCardinality(String)",
    "Body": "String",
    "ResourceSchemaUrl": "LowCardinality(String)",
    "ResourceAttributes": "Map(LowCardinality(String), String)",
    "ScopeSchemaUrl": "LowCardinality(String)",
    "ScopeName": "String",
    "ScopeVersion": "LowCardinality(String)",
    "ScopeAttributes": "Map(LowCardinality(String), String)",
    "LogAttributes": "Map(LowCardinality(String), String)",
    "EventName": "String",
}


def test_otel_logs_is_the_exporters_table() -> None:
    assert list(described("otel_logs").items()) == list(OTEL_LOGS.items())


def test_otel_logs_speaks_as_the_exporter_does() -> None:
    write_logs(
        log(
            1,
            "",
            severity_number=9,
            severity_text="INFO",
            trace_flags=1,
            body={"k": [1, True, None]},
            attributes={"n": 5, "f": 0.5, "b": False, "l": ["a", 1], "s": "text", "none": None},
            resource=Resource({"service.name": "shop", "pid": 7}, "shop"),
            scope=Scope("tests", "1", {"of": "scope"}),
            resource_schema_url="r",
            scope_schema_url="s",
        )
    )
    (row,) = client.run("SELECT * EXCEPT (Timestamp, TimestampTime) FROM otel_logs").result_rows
    assert dict(zip([name for name in OTEL_LOGS if not name.startswith("Timestamp")], row, strict=True)) == {
        "TraceId": f"{1:032x}",
        "SpanId": f"{1:016x}",
        "TraceFlags": 1,
        "SeverityText": "INFO",
        "SeverityNumber": 9,
        "ServiceName": "shop",
        "Body": '{"k":[1,true,null]}',
        "ResourceSchemaUrl": "r",
        "ResourceAttributes": {"service.name": "shop", "pid": "7"},
        "ScopeSchemaUrl": "s",
        "ScopeName": "tests",
        "ScopeVersion": "1",
        "ScopeAttributes": {"of": "scope"},
        "LogAttributes": {"n": "5", "f": "0.5", "b": "false", "l": '["a",1]', "s": "text", "none": ""},
        "EventName": "",
    }
    (times,) = client.run(
        "SELECT toUnixTimestamp64Nano(Timestamp), toUnixTimestamp(TimestampTime) FROM otel_logs"
    ).result_rows
    assert times == (START + SECOND + SECOND // 2, (START + SECOND + SECOND // 2) // SECOND)


def test_the_same_records_again_in_any_portion_change_nothing() -> None:
    records = [details(1), details(2), log(3, "", body="hm"), log(4, "", trace_id="", span_id="", body="no trace")]
    for portion in (records, records, records[:1], records[1:], reversed(records)):
        write_logs(*portion)
    assert count("otel_logs") == 4
    client.command("OPTIMIZE TABLE tracestore.stored_logs FINAL")
    assert count("stored_logs") == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"time_ns": START},
        {"observed_ns": START},
        {"body": "other"},
        {"attributes": {"a": "1"}},
        {"event_name": "other"},
        {"severity_text": "WARN"},
        {"span_id": f"{9:016x}"},
        {"resource": Resource({"service.name": "other"}, "other")},
    ],
)
def test_records_that_differ_in_anything_are_all_kept(changed: dict[str, object]) -> None:
    same = {"body": "said", "attributes": {"a": 1}}
    write_logs(log(1, **same), log(1, **(same | changed)))
    assert count("otel_logs") == 2


def test_the_order_of_attributes_makes_no_other_record() -> None:
    one, other = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    assert content_hash(log(1, attributes=one)) == content_hash(log(1, attributes=other))


def test_a_record_without_a_trace_is_stored_and_opens_nothing() -> None:
    write_logs(log(1, "", trace_id="", span_id="", body="started"))
    assert client.run("SELECT TraceId, Body FROM otel_logs").result_rows == [("", "started")]
    assert count("trace_activity") == 0


def test_only_events_about_a_span_open_its_trace() -> None:
    write_logs(log(1, "", body="plain"), log(2, DETAILS, span_id=""))
    assert count("trace_activity") == 0
    write_logs(log(2), log(3), log(1, trace=2))
    assert count("open_traces") == 2


def test_records_over_many_days_are_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "MOST_DAYS", 10)
    write_logs(*(log(1, "", time_ns=START - day * log_writer.DAY_NS) for day in range(25)))
    assert count("otel_logs") == 25


def test_hostile_texts_are_stored() -> None:
    write_logs(log(1, "e\x00\ud800", body="\ud800" + "\x00'\"\\", attributes={"k\ud800": "v\ud800", "f": float("nan")}))
    assert count("otel_logs") == 1
