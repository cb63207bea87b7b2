-- OTLP log records, those without a trace too. Read them through the view `otel_logs`.
-- The key is the record itself (its content as a hash), so that a request sent again changes nothing.
CREATE TABLE IF NOT EXISTS {database}.stored_logs
(
    project             LowCardinality(String),
    time                DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    observed_time       DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id            String CODEC(ZSTD(1)),
    span_id             String CODEC(ZSTD(1)),
    trace_flags         UInt8,
    severity_number     UInt8,
    severity_text       LowCardinality(String),
    event_name          LowCardinality(String),
    service             LowCardinality(String),
    body                String CODEC(ZSTD(1)),
    -- What the body was if no string: a letter, as in `attribute_types`.
    body_type           LowCardinality(String),
    attributes          Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    -- JSON object {attribute: letter} for values that were not strings; as in `stored_spans`.
    attribute_types     LowCardinality(String),
    dropped_attributes  UInt32 CODEC(T64, ZSTD(1)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_schema_url LowCardinality(String),
    scope_name          LowCardinality(String),
    scope_version       LowCardinality(String),
    scope_attributes    Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_schema_url    LowCardinality(String),
    -- Of the encoded record, as received.
    bytes               UInt64 CODEC(T64, ZSTD(1)),
    content_hash        UInt64,
    version             UInt64 CODEC(Delta(8), ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(time)
ORDER BY (project, toStartOfHour(time), trace_id, span_id, time, content_hash)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
