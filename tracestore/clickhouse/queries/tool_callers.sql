SELECT
    agent AS caller, count() AS calls, countIf(status = 'error') AS error_sum, uniqExact(trace_id) AS trace_count,
    toUInt64(quantileTDigest(0.95)(duration_ns)) AS p95_ns
FROM tool_calls
WHERE /*include in_period*/
  AND tool_name = {tool:String}
GROUP BY caller
ORDER BY calls DESC, caller
LIMIT 100
