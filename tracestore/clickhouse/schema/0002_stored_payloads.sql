-- What went into a span and came out of it, apart from the hot table. Read it through `span_payloads`.
CREATE TABLE IF NOT EXISTS {database}.stored_payloads
(
    project    LowCardinality(String),
    trace_id   String CODEC(ZSTD(1)),
    span_id    String CODEC(ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    input      String CODEC(ZSTD(1)),
    output     String CODEC(ZSTD(1)),
    -- JSON object of the attributes that are part of the payload, with their types; less those two
    -- whose text is the input and the output, which are only named.
    attributes String CODEC(ZSTD(1)),
    input_attribute  LowCardinality(String),
    output_attribute LowCardinality(String),
    -- JSON array of the span's events in full; '' when the hot table has all of them.
    events     String CODEC(ZSTD(1)),
    version    UInt64 CODEC(Delta(8), ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(start_time)
ORDER BY (project, toStartOfHour(start_time), trace_id, start_time, span_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 20;
