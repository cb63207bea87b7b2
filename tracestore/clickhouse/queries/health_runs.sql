-- Runs of each agent and version in the last day and hour, with what they took. '' is all versions.
SELECT
    project, agent, version, uniqExactIf(trace_id, recent) AS runs_hour, uniqExact(trace_id) AS runs_day,
    countIf(recent AND type IN ('llm', 'tool')) AS calls, countIf(recent AND failed AND type IN ('llm', 'tool')) AS failures,
    sumIf(cost, recent) AS cost_hour, sum(cost) AS cost_day, quantileIf(0.95)(took, recent AND type = 'llm') AS llm_p95
FROM
(
    SELECT
        project, toString(agent) AS agent, arrayJoin(arrayDistinct(['', toString(agent_version)])) AS version, trace_id, type,
        start_time >= {hour:DateTime64(9, 'UTC')} AS recent, status = 'error' OR error_type != '' AS failed,
        coalesce(cost_usd, 0) AS cost, duration_ns / 1e9 AS took
    FROM stored_spans FINAL
    WHERE start_time >= {day:DateTime64(9, 'UTC')} AND agent != '' AND type IN ('agent', 'llm', 'tool')
)
GROUP BY project, agent, version
LIMIT 5000
