SELECT
    /*include place_in_grid*/ AS place, agent_version AS version, uniqExact(trace_id) AS trace_count,
    countIf(status = 'error' AND type NOT IN ('agent', 'workflow', 'other')) AS error_sum, sum(cost_usd) AS cost_sum
FROM spans
WHERE /*include in_period*/
  AND agent = {agent:String}
GROUP BY place, version
ORDER BY place, version
