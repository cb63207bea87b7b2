-- What detectors say (findings) and the state of each agent over time. Read through the views.
CREATE TABLE IF NOT EXISTS {database}.stored_findings
(
    project         LowCardinality(String),
    id              String,
    detector        LowCardinality(String),
    detector_version LowCardinality(String),
    severity        LowCardinality(String),
    title           String,
    explanation     String,
    agent           LowCardinality(String),
    trace_id        String,
    span_ids        Array(String),
    first_seen      DateTime64(9, 'UTC'),
    last_seen       DateTime64(9, 'UTC'),
    wasted_cost_usd Float64,
    wasted_tokens   UInt64,
    evidence        String,
    fingerprint     String,
    version         UInt64,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(first_seen)
ORDER BY (project, first_seen, id);

CREATE TABLE IF NOT EXISTS {database}.stored_agent_health
(
    project  LowCardinality(String),
    agent    LowCardinality(String),
    at       DateTime64(3, 'UTC'),
    state    LowCardinality(String),
    measures Map(LowCardinality(String), Float64),
    reasons  Array(String),
    version  UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (project, agent, at);
