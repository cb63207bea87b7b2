-- The columns and types of the OpenTelemetry Collector's ClickHouse exporter, so that tools made for
-- it (Grafana's ClickHouse data source, HyperDX) read Tracestore unchanged.
-- The columns are declared, not derived: a cast would keep the 'UTC' that the exporter's types lack.
CREATE OR REPLACE VIEW {database}.otel_traces
(
    Timestamp DateTime64(9),
    TraceId String,
    SpanId String,
    ParentSpanId String,
    TraceState String,
    SpanName LowCardinality(String),
    SpanKind LowCardinality(String),
    ServiceName LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String,
    ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String),
    Duration UInt64,
    StatusCode LowCardinality(String),
    StatusMessage String,
    `Events.Timestamp` Array(DateTime64(9)),
    `Events.Name` Array(LowCardinality(String)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)),
    `Links.TraceId` Array(String),
    `Links.SpanId` Array(String),
    `Links.TraceState` Array(String),
    `Links.Attributes` Array(Map(LowCardinality(String), String))
)
AS SELECT
    start_time AS Timestamp,
    trace_id AS TraceId,
    span_id AS SpanId,
    parent_span_id AS ParentSpanId,
    trace_state AS TraceState,
    name AS SpanName,
    initcap(kind) AS SpanKind,
    service AS ServiceName,
    resource_attributes AS ResourceAttributes,
    scope_name AS ScopeName,
    scope_version AS ScopeVersion,
    attributes AS SpanAttributes,
    duration_ns AS Duration,
    initcap(status) AS StatusCode,
    status_message AS StatusMessage,
    events.time AS `Events.Timestamp`,
    events.name AS `Events.Name`,
    events.attributes AS `Events.Attributes`,
    links.trace_id AS `Links.TraceId`,
    links.span_id AS `Links.SpanId`,
    links.trace_state AS `Links.TraceState`,
    links.attributes AS `Links.Attributes`
FROM {database}.stored_spans FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.otel_traces_trace_id_ts (TraceId String, Start DateTime64(9), End DateTime64(9)) AS
SELECT trace_id AS TraceId, min(start_time) AS Start, max(start_time) AS End
FROM {database}.stored_spans
GROUP BY TraceId;
