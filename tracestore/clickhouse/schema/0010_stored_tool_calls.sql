-- The audit trail of what agents did: one row per execution of a tool, with everything that went in
-- and came out. Written with the span, put right when settling changes it, read through the view
-- `tool_calls`, and kept by a retention of its own, so that it may outlive the spans it was made from.
-- Key as in 0001_stored_spans.sql. `deleted` = 1 takes back a row whose span turned out not to be an
-- execution of its own (the second span of one execution).
CREATE TABLE IF NOT EXISTS {database}.stored_tool_calls
(
    project        LowCardinality(String),
    trace_id       String CODEC(ZSTD(1)),
    span_id        String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    start_time     DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ns    UInt64 CODEC(T64, ZSTD(1)),
    name           LowCardinality(String),
    tool_name      LowCardinality(String),
    tool_call_id   String CODEC(ZSTD(1)),
    arguments      String CODEC(ZSTD(1)),
    result         String CODEC(ZSTD(1)),
    input_bytes    UInt64 CODEC(T64, ZSTD(1)),
    output_bytes   UInt64 CODEC(T64, ZSTD(1)),
    status         LowCardinality(String),
    status_message String CODEC(ZSTD(1)),
    error_type     LowCardinality(String),
    service        LowCardinality(String),
    agent          LowCardinality(String),
    agent_id       LowCardinality(String),
    agent_version  LowCardinality(String),
    session_id     String CODEC(ZSTD(1)),
    user_id        String CODEC(ZSTD(1)),
    convention     LowCardinality(String),
    scope_name     LowCardinality(String),
    scope_version  LowCardinality(String),
    dropped_attributes UInt32 CODEC(T64, ZSTD(1)),
    -- When the row was written (ns since the epoch); of two rows with one key the later wins.
    version        UInt64 CODEC(Delta(8), ZSTD(1)),
    deleted        UInt8,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
PARTITION BY toYYYYMMDD(start_time)
ORDER BY (project, toStartOfHour(start_time), trace_id, start_time, span_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 20;

-- The executions that were stored before there was a trail: nothing else would copy them. Version 1, so
-- that whatever is written later counts.
INSERT INTO {database}.stored_tool_calls
(
    project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
    arguments, result, input_bytes, output_bytes, status, status_message, error_type, service, agent,
    agent_id, agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes, version
)
SELECT
    s.project, s.trace_id, s.span_id, parent_span_id, s.start_time, duration_ns, name, tool_name, tool_call_id,
    if(p.input != '', p.input, input_preview), if(p.output != '', p.output, output_preview),
    input_bytes, output_bytes, status, status_message, error_type, service, agent, agent_id, agent_version, session_id,
    user_id, convention, scope_name, scope_version, dropped_attributes, 1
FROM (SELECT * FROM {database}.stored_spans FINAL WHERE type = 'tool') AS s
LEFT JOIN
(
    SELECT project, trace_id, start_time, span_id, input, output
    FROM {database}.stored_payloads FINAL
    PREWHERE span_id IN
    (
        SELECT span_id
        FROM {database}.stored_spans
        WHERE type = 'tool' AND (input_bytes > length(input_preview) OR output_bytes > length(output_preview))
    )
) AS p USING (project, trace_id, start_time, span_id)
SETTINGS max_partitions_per_insert_block = 0, join_algorithm = 'grace_hash';
