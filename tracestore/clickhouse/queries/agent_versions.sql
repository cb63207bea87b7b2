SELECT
    version, uniqExact(trace_id) AS trace_count, countIf(failed_here) AS error_sum, countIf(type = 'llm') AS llm_sum,
    sum(cost_usd) AS cost_sum,
    if(countIf(type = 'agent') = 0, 0, toUInt64(quantileTDigestIf(0.95)(duration_ns, type = 'agent'))) AS p95_ns,
    min(started_ns) AS first_ns, max(started_ns) AS last_ns
FROM
(
    SELECT
        agent_version AS version, trace_id, type, cost_usd, duration_ns, toUnixTimestamp64Nano(start_time) AS started_ns,
        status = 'error' AND type NOT IN ('agent', 'workflow', 'other') AS failed_here
    FROM spans
    WHERE /*include in_period*/
      AND agent = {agent:String}
)
GROUP BY version
ORDER BY last_ns DESC, version DESC
LIMIT 50
