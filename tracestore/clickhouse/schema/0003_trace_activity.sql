-- A log, in time order, of which traces received spans (one row per trace and write, `covers` = 0)
-- and up to when they were settled (`covers` = the time of the last write that the summary holds).
CREATE TABLE IF NOT EXISTS {database}.trace_activity
(
    at         DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    project    LowCardinality(String),
    trace_id   String CODEC(ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    covers     DateTime64(6, 'UTC') CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (at, project, trace_id)
TTL toDateTime(at) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1;

-- Every write before `until` is settled; the latest row counts. Small and apart, so that asking for
-- it costs nothing however long the log is.
CREATE TABLE IF NOT EXISTS {database}.settled_until
(
    id    UInt8,
    until DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(until)
ORDER BY id;
