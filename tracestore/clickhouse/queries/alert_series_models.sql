-- Model calls, as alert_series_runs. Embeddings cost money and tokens, and are no calls of a language model.
SELECT
    project, bucket, agent_is, tool_is, model_is, user_is, version_is,
    countIf(called) AS volume, countIf(failed) AS failed_sum, ifNull(sum(cost), 0) AS cost_sum, sum(tokens) AS token_sum,
    0 AS step_sum, quantileTDigestIf(0.5)(took, called) AS p50, quantileTDigestIf(0.95)(took, called) AS p95,
    quantileTDigestIf(0.99)(took, called) AS p99,
    groupArrayIf(5)((trace_id, span_id), failed) AS failures,
    argMaxIf((trace_id, span_id), took, called), argMax((trace_id, span_id), ifNull(cost, 0)),
    argMax((trace_id, span_id), tokens), ('', ''), argMax((trace_id, span_id), began)
FROM
(
    SELECT
        project, trace_id, span_id, start_time AS began, duration_ns AS took, cost_usd AS cost, type = 'llm' AS called,
        status = 'error' AND called AS failed, input_tokens + output_tokens AS tokens,
        intDiv(toUnixTimestamp64Nano(start_time) - {origin:Int64}, {width:Int64}) AS bucket,
        /*dimensions*/
    FROM spans
    WHERE project IN {projects:Array(String)} AND type IN ('llm', 'embedding')
      AND start_time >= fromUnixTimestamp64Nano({origin:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({end:Int64}, 'UTC')
)
WHERE /*conditions*/
GROUP BY project, bucket, agent_is, tool_is, model_is, user_is, version_is
ORDER BY volume DESC
LIMIT {limit:UInt32}
