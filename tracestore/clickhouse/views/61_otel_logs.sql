-- Log records with the columns and types of the OpenTelemetry Collector's ClickHouse exporter
-- (its table `otel_logs` with EventName). Its newest version has no TimestampTime any more; Grafana's
-- and HyperDX's queries still ask for it, and who reads the newest does not miss it.
CREATE OR REPLACE VIEW {database}.otel_logs
(
    Timestamp DateTime64(9),
    TimestampTime DateTime,
    TraceId String,
    SpanId String,
    TraceFlags UInt8,
    SeverityText LowCardinality(String),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String),
    Body String,
    ResourceSchemaUrl LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String),
    ScopeSchemaUrl LowCardinality(String),
    ScopeName String,
    ScopeVersion LowCardinality(String),
    ScopeAttributes Map(LowCardinality(String), String),
    LogAttributes Map(LowCardinality(String), String),
    EventName String
)
AS SELECT
    time AS Timestamp,
    toDateTime(time) AS TimestampTime,
    trace_id AS TraceId,
    span_id AS SpanId,
    trace_flags AS TraceFlags,
    severity_text AS SeverityText,
    severity_number AS SeverityNumber,
    service AS ServiceName,
    body AS Body,
    resource_schema_url AS ResourceSchemaUrl,
    resource_attributes AS ResourceAttributes,
    scope_schema_url AS ScopeSchemaUrl,
    scope_name AS ScopeName,
    scope_version AS ScopeVersion,
    scope_attributes AS ScopeAttributes,
    attributes AS LogAttributes,
    event_name AS EventName
FROM {database}.stored_logs FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
