-- What detectors of windows read, counted once an hour or day and kept: reading weeks of spans for each
-- judgement would cost more than everything else. `row` is the JSON array of a row of
-- tracestore/detectors/histories.py, `history` its type, `subject` what tells rows of one time apart.
-- Texts of runs are among them, so the retention of payloads rules this table too.
CREATE TABLE IF NOT EXISTS {database}.stored_histories
(
    project    LowCardinality(String),
    history    LowCardinality(String),
    start_time DateTime64(9, 'UTC'),
    subject    String CODEC(ZSTD(1)),
    row        String CODEC(ZSTD(3)),
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(start_time)
ORDER BY (project, history, start_time, subject)
TTL toDateTime(start_time) + INTERVAL 45 DAY
SETTINGS ttl_only_drop_parts = 1;

-- The state of a version of an agent ('' = all of them together), and what would make it healthy again.
-- `seen_state` is the state by what was seen alone: `state` becomes better only when that stays better.
ALTER TABLE {database}.stored_agent_health
    ADD COLUMN IF NOT EXISTS agent_version String,
    ADD COLUMN IF NOT EXISTS healthy_again Array(String),
    ADD COLUMN IF NOT EXISTS seen_state LowCardinality(String),
    MODIFY ORDER BY (project, agent, at, agent_version);
