-- One summary row per settled trace, newest first. Read it through the view `traces`.
-- `deleted` = 1 marks the old place of a trace whose start moved (an earlier span came late).
CREATE TABLE IF NOT EXISTS {database}.stored_traces
(
    project            LowCardinality(String),
    trace_id           String CODEC(ZSTD(1)),
    name               LowCardinality(String),
    agent              LowCardinality(String),
    service            LowCardinality(String),
    session_id         String CODEC(ZSTD(1)),
    user_id            String CODEC(ZSTD(1)),
    start_time         DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    end_time           DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ns        UInt64 CODEC(T64, ZSTD(1)),
    span_count         UInt64 CODEC(T64, ZSTD(1)),
    llm_calls          UInt64 CODEC(T64, ZSTD(1)),
    tool_calls         UInt64 CODEC(T64, ZSTD(1)),
    errors             UInt64 CODEC(T64, ZSTD(1)),
    input_tokens       UInt64 CODEC(T64, ZSTD(1)),
    output_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens  UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens   UInt64 CODEC(T64, ZSTD(1)),
    cost_usd           Nullable(Float64) CODEC(ZSTD(1)),
    unpriced_calls     UInt64 CODEC(T64, ZSTD(1)),
    status             LowCardinality(String),
    models             Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tools              Array(LowCardinality(String)) CODEC(ZSTD(1)),
    agents             Array(LowCardinality(String)) CODEC(ZSTD(1)),
    input_preview      String CODEC(ZSTD(1)),
    output_preview     String CODEC(ZSTD(1)),
    version            UInt64 CODEC(Delta(8), ZSTD(1)),
    deleted            UInt8,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
PARTITION BY toYYYYMM(start_time)
ORDER BY (project, start_time, trace_id);
