SELECT
    tool_name AS tool, count() AS calls, countIf(status = 'error') AS error_sum, uniqExact(trace_id) AS trace_count,
    arraySort(groupUniqArrayIf(50)(agent, agent != '')) AS agents,
    toUInt64(quantileTDigest(0.5)(duration_ns)) AS p50_ns, toUInt64(quantileTDigest(0.95)(duration_ns)) AS p95_ns,
    toUInt64(quantileTDigest(0.99)(duration_ns)) AS p99_ns, max(toUnixTimestamp64Nano(start_time)) AS last_ns
FROM tool_calls
WHERE /*include in_period*/
  AND tool_name != ''
  AND ({tool:String} = '' OR tool_name = {tool:String})
  AND ({agent:String} = '' OR agent = {agent:String})
GROUP BY tool
ORDER BY calls DESC, tool
LIMIT {limit:UInt32} OFFSET {offset:UInt64}
