SELECT
    /*include place_in_grid*/ AS place, count() AS calls, countIf(status = 'error') AS error_sum,
    toUInt64(quantileTDigest(0.5)(duration_ns)) AS p50_ns, toUInt64(quantileTDigest(0.95)(duration_ns)) AS p95_ns,
    toUInt64(quantileTDigest(0.99)(duration_ns)) AS p99_ns
FROM tool_calls
WHERE /*include in_period*/
  AND tool_name = {tool:String}
GROUP BY place
