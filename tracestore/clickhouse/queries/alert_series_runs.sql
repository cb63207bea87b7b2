-- Runs by where they began (buckets of `width` ns since `origin` ns) and by dimensions, '' for those not asked for.
SELECT
    project, bucket, agent_is, tool_is, model_is, user_is, version_is,
    count() AS volume, countIf(failed) AS failed_sum, ifNull(sum(cost), 0) AS cost_sum, sum(tokens) AS token_sum,
    sum(steps) AS step_sum, quantileTDigest(0.5)(took) AS p50, quantileTDigest(0.95)(took) AS p95,
    quantileTDigest(0.99)(took) AS p99,
    groupArrayIf(5)((trace_id, ''), failed) AS failures,
    argMax((trace_id, ''), took), argMax((trace_id, ''), ifNull(cost, 0)), argMax((trace_id, ''), tokens),
    argMax((trace_id, ''), steps), argMax((trace_id, ''), began)
FROM
(
    SELECT
        project, trace_id, start_time AS began, status = 'error' AS failed, cost_usd AS cost,
        input_tokens + output_tokens AS tokens, llm_calls AS steps, duration_ns AS took,
        intDiv(toUnixTimestamp64Nano(start_time) - {origin:Int64}, {width:Int64}) AS bucket,
        /*dimensions*/
    FROM all_traces /*versions*/
    WHERE project IN {projects:Array(String)}
      AND start_time >= fromUnixTimestamp64Nano({origin:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
)
WHERE /*conditions*/
GROUP BY project, bucket, agent_is, tool_is, model_is, user_is, version_is
ORDER BY volume DESC
LIMIT {limit:UInt32}
