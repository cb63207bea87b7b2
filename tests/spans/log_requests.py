"""Log requests written once, as OTLP/JSON, for tests of both encodings."""

from __future__ import annotations

from typing import Any

from decode_requests import HOUR, NOW, pairs, put, put_value
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

TIME = NOW - HOUR


def log(**changed: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": str(TIME),
        "observedTimeUnixNano": str(TIME + 5),
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        **changed,
    }


def request(*logs: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": pairs(resource or {"service.name": "bot"})},
                "schemaUrl": "https://resource",
                "scopeLogs": [
                    {"scope": {"name": "lib", "version": "1"}, "logRecords": list(logs), "schemaUrl": "https://scope"}
                ],
            }
        ]
    }


def message(body: dict[str, Any]) -> ExportLogsServiceRequest:
    """The same request as the official class."""
    made = ExportLogsServiceRequest()
    for resource_logs in body["resourceLogs"]:
        to = made.resource_logs.add(schema_url=resource_logs["schemaUrl"])
        put(to.resource.attributes, resource_logs["resource"]["attributes"])
        for scope_logs in resource_logs["scopeLogs"]:
            scope = to.scope_logs.add(schema_url=scope_logs["schemaUrl"])
            scope.scope.name, scope.scope.version = scope_logs["scope"]["name"], scope_logs["scope"]["version"]
            for one in scope_logs["logRecords"]:
                record = scope.log_records.add(
                    time_unix_nano=int(one.get("timeUnixNano", 0)),
                    observed_time_unix_nano=int(one.get("observedTimeUnixNano", 0)),
                    severity_number=one.get("severityNumber", 0),
                    severity_text=one.get("severityText", ""),
                    event_name=one.get("eventName", ""),
                    flags=one.get("flags", 0),
                    dropped_attributes_count=one.get("droppedAttributesCount", 0),
                    trace_id=bytes.fromhex(one.get("traceId", "")),
                    span_id=bytes.fromhex(one.get("spanId", "")),
                )
                put(record.attributes, one.get("attributes", []))
                if "body" in one:
                    put_value(record.body, one["body"])
    return made
