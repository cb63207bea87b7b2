-- Runs of each agent and version in the last hour, with what they took. '' is all versions.
SELECT
    project, agent, version, uniqExact(trace_id) AS runs, countIf(type IN ('llm', 'tool')) AS calls,
    countIf(failed AND type IN ('llm', 'tool')) AS failures, sum(cost) AS spent, quantileIf(0.95)(took, type = 'llm') AS llm_p95
FROM
(
    SELECT
        project, toString(agent) AS agent, arrayJoin(arrayDistinct(['', toString(agent_version)])) AS version, trace_id, type,
        status = 'error' OR error_type != '' AS failed, coalesce(cost_usd, 0) AS cost, duration_ns / 1e9 AS took
    FROM stored_spans FINAL
    WHERE start_time >= {hour:DateTime64(9, 'UTC')} AND agent != '' AND type IN ('agent', 'llm', 'tool')
)
GROUP BY project, agent, version
LIMIT 5000
