-- Model calls of a trace whose usage got lost with attributes that the sender's SDK dropped.
ALTER TABLE {database}.stored_traces ADD COLUMN IF NOT EXISTS incomplete UInt64 CODEC(T64, ZSTD(1)) AFTER unpriced_calls;

-- Which trace was handed over by which, by a span link: one run may be many traces. Written with the
-- spans, so that the others of a run are found whichever came first.
CREATE TABLE IF NOT EXISTS {database}.trace_links
(
    project         LowCardinality(String),
    trace_id        String CODEC(ZSTD(1)),
    linked_trace_id String CODEC(ZSTD(1)),
    -- When the linking trace started: the whole run is looked for around that day.
    start_time      DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    INDEX by_linked linked_trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(start_time)
ORDER BY (project, trace_id, linked_trace_id, start_time);
