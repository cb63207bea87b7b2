-- Runs of each agent and version in the last day, and their cost. '' is all versions.
SELECT project, agent, version, uniqExact(trace_id) AS runs, sum(cost) AS spent
FROM
(
    SELECT
        project, toString(agent) AS agent, arrayJoin(arrayDistinct(['', toString(agent_version)])) AS version, trace_id,
        coalesce(cost_usd, 0) AS cost
    FROM stored_spans FINAL
    WHERE start_time >= {day:DateTime64(9, 'UTC')} AND agent != '' AND type IN ('agent', 'llm', 'tool')
)
GROUP BY project, agent, version
LIMIT 5000
