-- The hot table: one row per span, without payloads. Read it through the view `spans`.
-- Key, deduplication and attribute types: docs/adr/0001-storage-layout.md.
CREATE TABLE IF NOT EXISTS {database}.stored_spans
(
    project             LowCardinality(String),
    trace_id            String CODEC(ZSTD(1)),
    span_id             String CODEC(ZSTD(1)),
    parent_span_id      String CODEC(ZSTD(1)),
    trace_state         String CODEC(ZSTD(1)),
    name                LowCardinality(String),
    kind                LowCardinality(String),
    type                LowCardinality(String),
    service             LowCardinality(String),
    agent               LowCardinality(String),
    agent_version       LowCardinality(String),
    session_id          String CODEC(ZSTD(1)),
    user_id             String CODEC(ZSTD(1)),
    start_time          DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ns         UInt64 CODEC(T64, ZSTD(1)),
    status              LowCardinality(String),
    status_message      String CODEC(ZSTD(1)),
    error_type          LowCardinality(String),
    provider            LowCardinality(String),
    model               LowCardinality(String),
    request_model       LowCardinality(String),
    operation           LowCardinality(String),
    input_tokens        UInt64 CODEC(T64, ZSTD(1)),
    output_tokens       UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens   UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens  UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens    UInt64 CODEC(T64, ZSTD(1)),
    usage_rule          LowCardinality(String),
    cost_usd            Nullable(Float64) CODEC(ZSTD(1)),
    price_source        LowCardinality(String),
    tool_name           LowCardinality(String),
    tool_call_id        String CODEC(ZSTD(1)),
    finish_reason       LowCardinality(String),
    response_id         String CODEC(ZSTD(1)),
    convention          LowCardinality(String),
    scope_name          LowCardinality(String),
    scope_version       LowCardinality(String),
    dropped_attributes  UInt32 CODEC(T64, ZSTD(1)),
    input_preview       String CODEC(ZSTD(1)),
    output_preview      String CODEC(ZSTD(1)),
    input_bytes         UInt64 CODEC(T64, ZSTD(1)),
    output_bytes        UInt64 CODEC(T64, ZSTD(1)),
    attributes          Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    -- JSON object {attribute: letter} for the values that were not strings (i, d, b, a, o, x), so
    -- that what was received can be given back with its type. Few distinct values, hence LowCardinality.
    attribute_types     LowCardinality(String),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    `events.time`       Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    `events.name`       Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `events.attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `links.trace_id`    Array(String) CODEC(ZSTD(1)),
    `links.span_id`     Array(String) CODEC(ZSTD(1)),
    `links.trace_state` Array(String) CODEC(ZSTD(1)),
    `links.attributes`  Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    -- When the row was written (ns since the epoch); of two rows with one key the later wins.
    version             UInt64 CODEC(Delta(8), ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(start_time)
ORDER BY (project, toStartOfHour(start_time), trace_id, start_time, span_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 10;
