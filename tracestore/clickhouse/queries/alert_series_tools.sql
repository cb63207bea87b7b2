-- Tool calls, as alert_series_runs.
SELECT
    project, bucket, agent_is, tool_is, model_is, user_is, version_is,
    count() AS volume, countIf(failed) AS failed_sum, 0. AS cost_sum, 0 AS token_sum, 0 AS step_sum,
    quantileTDigest(0.5)(took) AS p50, quantileTDigest(0.95)(took) AS p95, quantileTDigest(0.99)(took) AS p99,
    groupArrayIf(5)((trace_id, span_id), failed) AS failures,
    argMax((trace_id, span_id), took) AS slowest, ('', ''), ('', ''), ('', ''), argMax((trace_id, span_id), began)
FROM
(
    SELECT
        project, trace_id, span_id, start_time AS began, status = 'error' AS failed, duration_ns AS took,
        intDiv(toUnixTimestamp64Nano(start_time) - {origin:Int64}, {width:Int64}) AS bucket,
        /*dimensions*/
    FROM tool_calls
    WHERE project IN {projects:Array(String)}
      AND start_time >= fromUnixTimestamp64Nano({origin:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
)
WHERE /*conditions*/
GROUP BY project, bucket, agent_is, tool_is, model_is, user_is, version_is
ORDER BY volume DESC
LIMIT {limit:UInt32}
